// The header of a WAV file: RIFF (Microsoft's "Multimedia Programming Interface
// and Data Specifications 1.0") with WAVE_FORMAT_EXTENSIBLE, and RF64 (EBU Tech 3306).
//
// The header is evidence and may lie. Lengths in it are compared with the file,
// never trusted; nothing is read beyond the bytes that are handed in.
#pragma once

#include <cstddef>
#include <cstdint>

#include "audio/sample_form.h"
#include "base/types.h"

namespace holdfast {

// Bytes of a file that are looked at for its header: room for the chunks that
// recorders write before "data" (LIST, bext, JUNK).
constexpr size_t kWavHeadBytes = 64 * 1024;

struct WavHeader {
  int format_tag = 0;  // 1 PCM, 3 float, 6 A-law, 7 mu-law; the sub-format when extensible
  int channels = 0;    // 1 to 65,535
  int64_t sample_rate_hz = 0;
  int bits_per_sample = 0;
  int block_align = 0;  // bytes of one frame as the header says
  Bytes data_offset;    // of the first sample byte in the file
  Bytes data_present;   // the sample bytes that are there: as many as the data chunk says, cut at
                        // the file's end
  bool unfinished = false;  // declares 0 or 0xFFFFFFFF bytes and has some: an interrupted recorder
  bool truncated = false;   // declares more than the file has

  // The samples' form when we know it and the header agrees with itself; else kNone.
  SampleForm form() const;
  // Whole frames present; 0 when form() is kNone.
  int64_t frames() const;
};

// `first` are the file's first bytes (kWavHeadBytes of them, or the whole file),
// `file_length` its whole length. kInvalid when no fmt and data chunk are found in them.
Result<WavHeader> read_wav_header(ByteSpan first, Bytes file_length);

}  // namespace holdfast
