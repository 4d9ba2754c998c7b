#include "tiers/disk/part_files.h"

#include <algorithm>
#include <cerrno>

#include "io/text_file.h"
#include "io/tree.h"
#include "tiers/read/open_file.h"

namespace holdfast {
namespace {

Result<bool> has_file(const Fd& root, std::string_view directory, const RecordedFile& file) {
  const Result<Fd> fd = open_for_read(root, directory, file.name, file.size);
  if (fd.ok()) return true;
  if (fd.error().code == Code::kNotFound || fd.error().code == Code::kCorrupt) return false;
  return fd.error();
}

Status rename_if_there(Io& io, int from_fd, int to_fd, std::string_view name) {
  const Status renamed = io.rename(from_fd, name, to_fd, name, IfExists::kRefuse);
  if (!renamed.ok() && renamed.error().code == Code::kNotFound) return {};
  return renamed;
}

Status sync_both(Io& io, int from_fd, int to_fd) {
  HOLDFAST_TRY(sync_directory(io, to_fd, "the directory that a part moves to"));
  return sync_directory(io, from_fd, "the directory that a part moves from");
}

}  // namespace

Result<std::optional<RecordingDescription>> find_description(Io& io, int root_fd,
                                                             std::string_view directory) {
  const std::string path = std::string(directory) + "/" + std::string(kRecordingFileName);
  Result<std::string> text = read_text(io, root_fd, path, kDescriptionBytesMax);
  if (!text.ok() && text.error().code == Code::kNotFound)
    return std::optional<RecordingDescription>();
  // Too large, a link or no plain file: whatever it is, it is not what we wrote.
  if (!text.ok() && (text.error().code == Code::kTooLarge || text.error().code == Code::kInvalid ||
                     text.error().code == Code::kForbidden))
    return Error{Code::kCorrupt, text.error().message};
  if (!text.ok()) return std::move(text).error();
  Result<RecordingDescription> description = parse_recording_json(*text);
  if (!description.ok()) return description.error().within(std::string(directory));
  return std::optional<RecordingDescription>(std::move(*description));
}

Result<bool> has_all_files(Io& io, int root_fd, std::string_view directory,
                           const RecordingDescription& description) {
  HOLDFAST_ASSIGN(root, io.open(root_fd, ".", O_RDONLY | O_DIRECTORY));
  const std::string place = description.place().directory();
  for (const RecordedFile& file : description.files) {
    HOLDFAST_ASSIGN(here, has_file(root, directory, file));
    if (here) continue;
    HOLDFAST_ASSIGN(there, has_file(root, place, file));
    if (!there) return false;
  }
  return true;
}

Status move_part_files(Io& io, int from_fd, int to_fd, const RecordingDescription& description,
                       DescriptionGoes order) {
  if (order == DescriptionGoes::kFirst) {
    HOLDFAST_TRY(rename_if_there(io, from_fd, to_fd, kRecordingFileName));
    HOLDFAST_TRY(sync_both(io, from_fd, to_fd));
  }
  for (const RecordedFile& file : description.files)
    HOLDFAST_TRY(rename_if_there(io, from_fd, to_fd, file.name));
  HOLDFAST_TRY(sync_both(io, from_fd, to_fd));
  if (order == DescriptionGoes::kLast) {
    HOLDFAST_TRY(rename_if_there(io, from_fd, to_fd, kRecordingFileName));
    HOLDFAST_TRY(sync_both(io, from_fd, to_fd));
  }
  return {};
}

Status prune_empty(Io& io, int root_fd, std::string directory, int keep) {
  while (std::count(directory.begin(), directory.end(), '/') >= keep) {
    const SplitPath path = split_path(directory);
    const Result<Fd> parent = open_directory_beneath(io, root_fd, path.parent);
    if (parent.ok()) {
      const Status removed = io.remove_directory(parent->get(), path.name);
      if (removed.ok()) {
        HOLDFAST_TRY(sync_directory(io, parent->get(), path.parent));
      } else if (removed.error().system_errno == ENOTEMPTY ||
                 removed.error().system_errno == EEXIST) {
        return {};
      } else if (removed.error().code != Code::kNotFound) {
        return removed;
      }
    } else if (parent.error().code != Code::kNotFound) {
      return parent.error();
    }
    directory = path.parent;
  }
  return {};
}

}  // namespace holdfast
