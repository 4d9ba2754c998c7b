// The files of one part as a set that is moved from one directory to another,
// in steps that a crash may interrupt anywhere. Used by StandardTree only.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "io/io.h"
#include "tiers/disk/recording_json.h"

namespace holdfast {

// 64 files of 128-byte names with their digests need a quarter of this.
inline constexpr Bytes kDescriptionBytesMax(128 * 1024);

// recording.json of the directory; nothing when the directory or the file is not
// there, kCorrupt when it cannot be read as one.
Result<std::optional<RecordingDescription>> find_description(Io& io, int root_fd,
                                                             std::string_view directory);

// True when every file that the description names is there with its size, in `directory` or, when
// the part was on its way there, at the part's place.
Result<bool> has_all_files(Io& io, int root_fd, std::string_view directory,
                           const RecordingDescription& description);

// Which side knows what the part is while it is on its way: recording.json goes
// first when the source is to be forgotten (to the trash) and last when the
// target is to be believed only when it is complete.
enum class DescriptionGoes { kFirst, kLast };

// Renames the part's files from one existing directory to another and syncs
// both. Files that are not in the source were moved before. Nothing is replaced.
Status move_part_files(Io& io, int from_fd, int to_fd, const RecordingDescription& description,
                       DescriptionGoes order);

// Removes `directory` and then its parents, each only when it is empty, up to but
// not including the one that is `keep` levels below the root.
Status prune_empty(Io& io, int root_fd, std::string directory, int keep);

}  // namespace holdfast
