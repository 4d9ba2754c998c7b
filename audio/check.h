// What is noticed about a file at ingest. Evidence is never refused for being
// ugly: these are flags, not errors.
#pragma once

#include <string_view>

#include "audio/sample_form.h"
#include "base/rows.h"
#include "base/types.h"

namespace holdfast {

// The first bytes of a file that check_audio wants to see; the whole file when it is shorter.
constexpr size_t kAudioCheckBytes = 64 * 1024;

// The mask of Flag for one file of a recording. `first` are the file's first
// kAudioCheckBytes bytes, `length` its whole length. Files that are not audio by their name
// are only compared with a claimed size.
//
// empty: no sample. truncated: half a sample at the end, or a WAV that is
// shorter than its header says. unfinished: a WAV whose data length was never written.
// duration: off the claimed one by more than 1 s and more than 2 % of it. channels:
// inbound.* and outbound.* have one, recording.* one or two. undecodable: a .wav without a
// WAV header or with samples of a form we do not know.
int32_t check_audio(std::string_view file_name, const AudioClaims& claims, Bytes length,
                    ByteSpan first);

}  // namespace holdfast
