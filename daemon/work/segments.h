// The segments of a recording: what was recorded between a start (or resume) and a stop (or pause).
// They are never glued: the gap between two is told.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "index/read/records.h"

namespace holdfast {

struct CallSegment {
  int part = 1;
  int number = 1;                  // as the files' names say: recording.2.wav is of segment 2
  std::vector<std::string> files;  // its audio, by name
  // As the metadata of its part says: of a part with several segments only the start of the first
  // and the end of the last are told.
  std::optional<UnixMillis> started_at;
  std::optional<UnixMillis> ended_at;
  std::optional<Millis> duration;  // of its longest file; nothing when one is not known
  std::optional<Millis> gap;       // since the end of the one before; below 0: they overlap
};

// In the order of their times when all are told, else of their parts and numbers.
std::vector<CallSegment> segments_of(const Recording& recording);

// The channel's file of the first segment: the one that a single link or size speaks of. Null when
// the channel does not exist.
const FileRow* first_file(const std::vector<FileRow>& files, Channel channel);

// Both sides of the call are there: two channels, or a file with two tracks.
bool is_stereo(const std::vector<FileRow>& files);

}  // namespace holdfast
