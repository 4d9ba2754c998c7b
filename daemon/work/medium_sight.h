// Which medium is seen at a path, held against the one that belongs there.
//
// The index remembers the medium of each configured path (`medium.place`); the label only confirms
// it. An unmounted disk leaves an empty directory, a swapped one shows another label: both are the
// expected medium being *offline*, and nothing of the directory counts as the medium's own, not
// even its free space (that of the mount point's parent).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/types.h"
#include "daemon/work/archive.h"
#include "index/read/records.h"
#include "io/io.h"

namespace holdfast {

// What is to be seen when all is well: the label of `row` in archive `archive`.
struct ExpectedMedium {
  ArchiveId archive;
  MediumRow row;
};

struct MediumSight {
  std::string problem;  // empty: the expected label is there
  Bytes free_bytes;     // of its file system; 0 unless it is there
  Bytes total_bytes;

  bool is_online() const { return problem.empty(); }
};

// Reads the label and, when it is the expected one, the space around it. `problem` says what was
// expected and what was found. May wait for a disk: on a worker. Any thread with its own Io.
MediumSight look_at_medium(Io& io, const std::string& path, const ExpectedMedium& expected);

// One registered medium and how it is seen now.
struct SeenMedium {
  MediumRow row;
  std::string path;     // of the configuration, else where it belongs; empty when nobody ever said
  bool is_own = false;  // the one that its tier works with
  bool is_mirror = false;  // the second one of warm, which is own too
  MediumSight sight;

  // The row's, but online and offline are what is seen.
  MediumState state() const;
};
// All of them, by tier. Waits for disks: on a worker.
Result<std::vector<SeenMedium>> look_at_media(Io& io, const Archive& archive);

// What an index that may not be there yet says of the path; nothing when it is not there or is
// none. An error also of one that only a writer can open: an older one, or one that was left amid a
// change.
Result<std::optional<MediumRow>> remembered_medium(const std::string& state_dir,
                                                   const std::string& path);

// "warm-1 (g2h4…)", for messages.
std::string medium_text(const MediumRow& row);

}  // namespace holdfast
