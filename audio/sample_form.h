// How the samples of an uncompressed audio file are laid down, and what a file's
// name and its call's metadata say about it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace holdfast {

// One sample's form. The words are on media (a tag in each FLAC stream of a
// pack, docs/pack-format.md): they never change.
enum class SampleForm : int8_t {
  kNone = 0,   // not samples that we know
  kPcm16 = 1,  // "s16le": signed, little-endian
  kPcm8 = 2,   // "u8": unsigned, as WAV has it
  kPcm24 = 3,  // "s24le"
  kMulaw = 4,  // "mulaw": ITU-T G.711
  kAlaw = 5,   // "alaw": ITU-T G.711
};

std::string_view word(SampleForm form);
// kInvalid for any other text; "none" is not a form that can be asked for.
Result<SampleForm> sample_form_from(std::string_view text);
// Bytes of one sample of one channel: 1, 2 or 3; 0 for kNone.
int bytes_per_sample(SampleForm form);

// What the metadata says about one channel of a call (contracts, section 1).
struct ChannelClaim {
  std::string format;            // "mulaw", "alaw", "pcm16", …; empty when absent
  int32_t sample_rate_hz = 0;    // 0 when absent or out of range
  std::optional<int64_t> bytes;  // *_size_bytes
};

// What the metadata says about a call's audio as a whole.
struct AudioClaims {
  ChannelClaim inbound;
  ChannelClaim outbound;
  std::optional<double> duration_seconds;

  // The claim for `inbound.*` or `outbound.*`; nothing for any other name.
  const ChannelClaim* of(std::string_view file_name) const;
};

// Reads the claims from a metadata.json. Never fails: what is absent, of the
// wrong type or not JSON at all claims nothing.
AudioClaims read_audio_claims(std::string_view metadata_json);

// What a file name promises.
enum class FileKind : int8_t {
  kRawAudio,         // .pcm .raw .ulaw .mulaw .alaw …: samples without a header
  kWav,              // .wav .wave
  kCompressedAudio,  // .mp3 .mp4 .m4a .flac .ogg .opus .g722 …
  kText,             // .json .txt .vtt .srt .csv .xml …
  kCompressed,       // .zst .gz .zip …
  kOther,
};
FileKind file_kind(std::string_view file_name);

// The form of a kRawAudio file: an extension that names a law decides; .pcm and
// .raw go by the claimed format and are PCM16 without one.
SampleForm raw_sample_form(std::string_view file_name, const ChannelClaim* claim);
// The rate that a kRawAudio file is taken to have: the claimed one, or 8,000 Hz
// for G.711 and 16,000 Hz for PCM16.
int32_t raw_sample_rate_hz(SampleForm form, const ChannelClaim* claim);

}  // namespace holdfast
