// How long a compressed file sounds, and over how many channels, found out from
// its frames or boxes without decoding a sample.
//
// Files are evidence and may lie: lengths in them are compared with the file,
// never trusted; every loop ends with the file, and memory is one block of it.
// Why not a library: libsndfile and its like believe the number of frames that
// an MP3's first one tells, which a file that was cut off later still tells.
#pragma once

#include <optional>
#include <string_view>

#include "audio/file_window.h"

namespace holdfast {

struct CompressedSound {
  bool is_known = false;   // frames or boxes of its kind were found
  bool truncated = false;  // it ends within a frame or box, or before what it declares
  bool empty = false;      // nothing that sounds
  int sample_rate_hz = 0;  // 0 when not known
  int channels = 0;        // 0 when not known
  std::optional<Millis> duration;
};

// Of .mp3, .mp4 and .m4a; nothing for any other name. An error only when the file cannot be read.
Result<std::optional<CompressedSound>> measure_compressed(std::string_view file_name, Bytes length,
                                                          ReadAt read);

// MPEG-1, -2 and -2.5 Layer III (ISO/IEC 11172-3, 13818-3): its frames are counted from the first
// to the last; tags (ID3v1, ID3v2, APEv2) and the Xing or VBRI frame are no sound. Of files whose
// frames have no fixed bit rate index ("free format") nothing is known.
Result<CompressedSound> measure_mp3(FileWindow& file);

// ISO base media (ISO/IEC 14496-12): the longest sound track as its media header has it. Of a
// fragmented file only what its header tells is known.
Result<CompressedSound> measure_mp4(FileWindow& file);

}  // namespace holdfast
