// Opens a file of a recording for its reader: the placed file, the one still in
// .incoming, or a staged copy. Never a pack: those are recalled first (P8).
//
// P5: the bytes were digested since the process started and within a day before
// they are handed out. A bad copy, or one that lacks the file, is quarantined, and
// the reader gets an error.
#pragma once

#include <optional>

#include "daemon/work/archive.h"

namespace holdfast {

// Where a file's bytes can be read at once; nothing when its part is archived.
struct ReadablePlace {
  std::string directory;
  MediumId medium;
  std::optional<UnixMillis> copied_at;  // of the copy that lies there
};
std::optional<ReadablePlace> readable_place(const Archive& archive, const Recording& recording,
                                            int part);
// True when every file is readable at once.
bool is_available(const Archive& archive, const Recording& recording);

// Opens and checks. kArchived (also when the part was released since `recording` was looked up),
// kCorrupt (quarantined; the file differs or is missing), kNotFound (destroyed meanwhile),
// kUnavailable, kIo. May read the whole file: for workers.
Result<Fd> open_file(Io& io, const Archive& archive, const Recording& recording,
                     const FileRow& file);

}  // namespace holdfast
