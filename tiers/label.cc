#include "tiers/label.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include <algorithm>
#include <cerrno>

#include "base/json.h"
#include "base/time_text.h"
#include "io/text_file.h"
#include "io/tree.h"

namespace holdfast {
namespace {

constexpr int64_t kLabelBytesMax = 4096;
constexpr int64_t kLabelFormat = 1;
constexpr size_t kNameBytesMax = 64;

Error offline(const std::string& path, std::string_view reason) {
  return Error{Code::kUnavailable, "medium at " + path + " is offline: " + std::string(reason)};
}

// Error that keeps telling a fault of the system from an absent medium: whatever
// keeps the root from being opened or read, nothing may be concluded from it.
Error offline(const std::string& path, const Error& cause) {
  Error error = offline(path, cause.message);
  error.system_errno = cause.system_errno;
  return error;
}

bool is_same_directory(const struct stat& a, const struct stat& b) {
  return a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

}  // namespace

std::string label_text(const Label& label) {
  return canonical(json::object{{"format", kLabelFormat},
                                {"archive", label.archive.text()},
                                {"medium", label.medium.text()},
                                {"name", label.name},
                                {"kind", label.kind},
                                {"created_at", to_iso(label.created_at)}}) +
         "\n";
}

Result<Label> parse_label(std::string_view text) {
  const auto parse = [&]() -> Result<Label> {
    HOLDFAST_ASSIGN(value, parse_json(text));
    if (!value.is_object()) return Error{Code::kInvalid, "not a JSON object"};
    const json::object& object = value.get_object();
    HOLDFAST_ASSIGN(format, need_integer(object, "format"));
    if (format != kLabelFormat)
      return Error{Code::kInvalid, "format " + std::to_string(format) + " is not known here"};
    Label label;
    HOLDFAST_ASSIGN(archive_text, need_string(object, "archive"));
    HOLDFAST_ASSIGN(archive, ArchiveId::from_text(archive_text));
    HOLDFAST_ASSIGN(medium_text, need_string(object, "medium"));
    HOLDFAST_ASSIGN(medium, MediumId::from_text(medium_text));
    HOLDFAST_ASSIGN(name, need_string(object, "name"));
    HOLDFAST_ASSIGN(kind, need_string(object, "kind"));
    HOLDFAST_ASSIGN(created_text, need_string(object, "created_at"));
    HOLDFAST_ASSIGN(created_at, from_iso(created_text));
    return Label{archive, medium, name, kind, created_at};
  };
  Result<Label> label = parse();
  if (!label.ok())
    return Error{Code::kCorrupt,
                 "read " + std::string(kLabelFileName) + ": " + label.error().message};
  return label;
}

Status init_label(Io& io, const std::string& root_path, const Label& label) {
  if (label.name.empty() || label.name.size() > kNameBytesMax)
    return Error{Code::kInvalid, "label " + root_path + ": a name has 1 to 64 bytes"};
  HOLDFAST_ASSIGN(root, io.open_root(root_path));
  const Status published = publish_text(io, root.get(), kLabelFileName, label_text(label));
  if (published.ok()) return {};
  if (published.error().code == Code::kConflict)
    return Error{Code::kConflict, "label " + root_path + ": it carries a label already"};
  return published.error().within("label " + root_path);
}

Result<Label> read_label(Io& io, const Fd& root) {
  Result<std::string> text = read_text(io, root.get(), kLabelFileName, Bytes(kLabelBytesMax));
  if (text.ok()) return parse_label(*text);
  if (text.error().code == Code::kNotFound)
    return Error{Code::kUnavailable, "the directory carries no label"};
  return std::move(text).error();
}

Result<Label> read_label(Io& io, const std::string& root_path) {
  Result<Fd> root = io.open_root(root_path);
  if (!root.ok()) return offline(root_path, root.error());
  Result<Label> label = read_label(io, *root);
  if (!label.ok()) return label.error().within(root_path);
  return label;
}

Status check_label(Io& io, const Fd& root, const ArchiveId& archive, const MediumId& medium) {
  Result<Label> label = read_label(io, root);
  if (!label.ok())
    return Error{Code::kUnavailable,
                 "expected medium " + medium.text() + ", found none: " + label.error().message,
                 label.error().system_errno};
  if (label->archive != archive)
    return Error{Code::kUnavailable,
                 "it carries the label of another archive, " + label->archive.text()};
  if (label->medium != medium)
    return Error{Code::kUnavailable, "expected medium " + medium.text() + ", found " + label->name +
                                         " (" + label->medium.text() + ")"};
  return {};
}

Result<std::shared_ptr<const Fd>> MediumRoot::checked(Io& io) {
  Result<Fd> fresh = io.open_root(path_);
  if (!fresh.ok()) return offline(path_, fresh.error());
  if (const Status label = check_label(io, *fresh, archive_, medium_); !label.ok())
    return offline(path_, label.error());
  HOLDFAST_ASSIGN(now, status_of(fresh->get(), path_));
  const std::lock_guard lock(mutex_);
  if (held_) {
    HOLDFAST_ASSIGN(then, status_of(held_->get(), path_));
    if (is_same_directory(now, then)) return held_;
  }
  // Nothing was held, or the medium went away and came back: from now on this is its root.
  held_ = std::make_shared<const Fd>(std::move(*fresh));
  return held_;
}

Result<std::shared_ptr<const Fd>> MediumRoot::current(Io& io) {
  {
    const std::lock_guard lock(mutex_);
    if (held_) return held_;
  }
  return checked(io);
}

Result<FreeSpace> MediumRoot::free_space(Io& io) {
  HOLDFAST_ASSIGN(root, current(io));
  struct statvfs status = {};
  if (::fstatvfs(root->get(), &status) != 0)
    return system_error(errno, "ask for the free space of " + path_);
  const auto block = static_cast<int64_t>(status.f_frsize);
  return FreeSpace{Bytes(static_cast<int64_t>(status.f_blocks) * block),
                   Bytes(static_cast<int64_t>(status.f_bavail) * block)};
}

Result<Bytes> MediumRoot::room(Io& io) {
  HOLDFAST_ASSIGN(space, free_space(io));
  const Bytes own(std::max<int64_t>(0, space.available.count - reserve_bytes_));
  if (kept_ == nullptr || !is_beside(*kept_)) return own;
  HOLDFAST_ASSIGN(spare, kept_->spare());
  return std::min(own, spare);
}

bool MediumRoot::is_beside(const SpaceReserve& kept) {
  const std::lock_guard lock(mutex_);
  struct stat status = {};
  if (!held_ || ::fstat(held_->get(), &status) != 0) return true;
  return status.st_dev == kept.device();
}

Status MediumRoot::require_room(Io& io, Bytes bytes) {
  HOLDFAST_ASSIGN(space, free_space(io));
  const Bytes reserve(reserve_bytes_);
  if (space.available >= bytes + reserve)
    return kept_ != nullptr && is_beside(*kept_) ? kept_->room(bytes) : Status();
  return Error{Code::kNoSpace, "write " + std::to_string(bytes.count) + " bytes to the medium at " +
                                   path_ + ": " + std::to_string(space.available.count) +
                                   " are free and " + std::to_string(reserve.count) +
                                   " of them stay so (policy.disk_reserve)"};
}

void MediumRoot::close() {
  const std::lock_guard lock(mutex_);
  held_.reset();
}

}  // namespace holdfast
