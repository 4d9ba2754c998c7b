#include "fuse/xattrs.h"

#include "base/limits.h"
#include "fuse/tree.h"
#include "index/read/recordings.h"
#include "index/read/restores.h"

namespace holdfast {

namespace {

// The estimate moves with the queue and is asked of the daemon; what is promised does not move.
UnixMillis restore_ready_at(const RestoreRow& restore) {
  if (restore.staged_at.has_value()) return *restore.staged_at;
  const int64_t bound =
      restore.tier == Tier::kCold ? limits::kColdBoundSeconds : limits::kWarmBoundSeconds;
  return restore.requested_at + seconds(bound);
}

}  // namespace

Result<std::vector<Xattr>> xattrs_of(Database& index, const Node& node) {
  std::vector<Xattr> all;
  const bool is_file = node.kind == NodeKind::kFile;
  if (!is_file && node.kind != NodeKind::kCall && node.kind != NodeKind::kPart) return all;
  const auto add = [&all](std::string_view name, std::string value) {
    all.emplace_back(std::string(kXattrPrefix) + std::string(name), std::move(value));
  };
  HOLDFAST_ASSIGN(row, find_recording_row(index, node.recording_no));
  if (!row.has_value() || !is_visible(*row)) return Error{Code::kNotFound, "no such recording"};
  add("tier", std::string(word(row->tier)));
  add("state", std::string(word(row->state)));
  add("holds", std::to_string(row->holds));
  if (row->retain_until.has_value()) add("retain_until", end_text(*row->retain_until));
  HOLDFAST_ASSIGN(restore, live_restore(index, node.recording_no));
  if (restore.has_value()) add("restore_eta", to_iso(restore_ready_at(*restore)));
  if (is_file) {
    HOLDFAST_ASSIGN(files, list_files(index, node.recording_no));
    const std::vector<FileRow> own = files_of_part(files, node.part);
    if (static_cast<size_t>(node.file) > own.size()) return Error{Code::kNotFound, "no such file"};
    add("sha256", own[static_cast<size_t>(node.file) - 1].sha256.hex());
  }
  return all;
}

}  // namespace holdfast
