// What is noticed about a file at ingest. Evidence is never refused for being
// ugly: these are flags, not errors.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "audio/compressed.h"
#include "audio/sample_form.h"
#include "base/rows.h"
#include "base/types.h"

namespace holdfast {

// The first bytes of a file that check_audio wants to see; the whole file when it is shorter.
constexpr size_t kAudioCheckBytes = 64 * 1024;

// The mask of Flag for one file of a recording. `first` are the file's first
// kAudioCheckBytes bytes, `length` its whole length, `sound` what measure_compressed() found. Files
// that are not audio by their name are only compared with a claimed size.
//
// empty: no sample. truncated: half a sample, frame or box at the end, or a file that is
// shorter than its header says. unfinished: a WAV whose data length was never written.
// duration: off the claimed one by more than 1 s and more than 2 % of it. channels:
// inbound.* and outbound.* have one, recording.* one or two. undecodable: a .wav without a
// WAV header or with samples of a form we do not know; an .mp3 without a frame, an .mp4 without its
// "moov".
int32_t check_audio(std::string_view file_name, const AudioClaims& claims, Bytes length,
                    ByteSpan first, const std::optional<CompressedSound>& sound = std::nullopt);

// What is known of a file's sound without decoding it.
struct AudioFacts {
  std::string format;              // as claimed, else "mulaw", "alaw", "pcm16", "wav", "mp3", …
  int sample_rate_hz = 0;          // 0 when not known
  int tracks = 0;                  // channels within the file; 0 when not known
  std::optional<Millis> duration;  // of the whole frames that are there; none when not known
};

// `claim` is the metadata's word about the file's channel, or null. What the file itself tells
// (WAV, and what measure_compressed() knows) is believed before it; the length of other compressed
// files is not known.
AudioFacts audio_facts(std::string_view file_name, const ChannelClaim* claim, Bytes length,
                       ByteSpan first, const std::optional<CompressedSound>& sound = std::nullopt);

// Off by more than 1 s and more than 2 %.
bool duration_differs(double claimed_seconds, double measured_seconds);

}  // namespace holdfast
