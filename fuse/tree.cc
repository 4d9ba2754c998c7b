#include "fuse/tree.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <chrono>

#include "base/limits.h"
#include "index/read/browse.h"
#include "index/read/holds.h"
#include "index/read/recordings.h"

namespace holdfast {

namespace {

// The first node of part n > 1 in a call's listing comes after every file of part 1.
constexpr int64_t kPartCookie = 1000;
static_assert(limits::kFilesPerPartMax < kPartCookie);
constexpr size_t kWorkspaceTextBytes = 36;

Error not_there(std::string_view name) {
  return Error{Code::kNotFound, fmt::format("{}: no such entry", name)};
}

void set_times(struct stat& status, UnixMillis modified, UnixMillis changed) {
  const auto split = [](UnixMillis time) {
    return timespec{static_cast<time_t>(time.count / 1000),
                    static_cast<long>(time.count % 1000 * 1'000'000)};
  };
  status.st_mtim = split(modified);
  status.st_atim = split(modified);
  status.st_ctim = split(changed);
}

// The midnight with which a year, month or day begins.
UnixMillis start_of(CalendarDay day) {
  namespace chrono = std::chrono;
  const chrono::sys_days date = chrono::year(day.year) /
                                chrono::month(static_cast<unsigned>(std::max(day.month, 1))) /
                                chrono::day(static_cast<unsigned>(std::max(day.day, 1)));
  return UnixMillis(int64_t{date.time_since_epoch().count()} * 86'400'000);
}

// Exactly `digits` decimal digits.
std::optional<int> parse_digits(std::string_view text, size_t digits) {
  int value = 0;
  if (text.size() != digits) return std::nullopt;
  const auto [end, error] = std::from_chars(text.data(), text.data() + digits, value);
  if (error != std::errc() || end != text.data() + digits || value < 0) return std::nullopt;
  return value;
}

// The node one level down that `name` says, whether or not it has recordings.
std::optional<Node> calendar_child(const Node& parent, std::string_view name) {
  CalendarDay day = parent.day;
  NodeKind kind = NodeKind::kYear;
  std::optional<int> number;
  if (parent.kind == NodeKind::kWorkspace) {
    number = parse_digits(name, 4);
    day.year = number.value_or(0);
  } else if (parent.kind == NodeKind::kYear) {
    kind = NodeKind::kMonth;
    number = parse_digits(name, 2);
    day.month = number.value_or(0);
  } else {
    kind = NodeKind::kDay;
    number = parse_digits(name, 2);
    day.day = number.value_or(0);
  }
  if (number.value_or(0) < 1 || day.month > 12 || day.day > 31) return std::nullopt;
  return Node::calendar(kind, parent.workspace_no, day);
}

Result<bool> calendar_exists(Database& index, const Node& node) {
  CalendarDay first = node.day;
  CalendarDay last = node.day;
  if (node.day.month == 0) first.month = 1, last.month = 12;
  if (node.day.day == 0) first.day = 1, last.day = 31;
  return has_recordings(index, node.workspace_no, first, last);
}

Result<RecordingRow> visible_row(Database& index, RecordingNo recording_no) {
  HOLDFAST_ASSIGN(row, find_recording_row(index, recording_no));
  if (!row.has_value() || !is_visible(*row))
    return not_there(fmt::format("recording {}", recording_no.value));
  return *std::move(row);
}

Result<MatterRow> matter_of(Database& index, uint64_t bits) {
  HOLDFAST_ASSIGN(matters, list_matters(index));
  for (MatterRow& matter : matters)
    if (matter_bits(matter.matter) == bits) return std::move(matter);
  return not_there("matter");
}

// The unreleased hold of a matter whose bits `match` says.
template <typename Match>
Result<MatterId> holding_matter(Database& index, const RecordingRow& row, Match match) {
  HOLDFAST_ASSIGN(holds, holds_of_recording(index, row.recording));
  for (const HoldRow& hold : holds)
    if (!hold.released_at.has_value() && match(hold.matter)) return hold.matter;
  return not_there(row.call_sid);
}

}  // namespace

bool is_visible(const RecordingRow& row) {
  return row.state == RecordingState::kCommitted || row.state == RecordingState::kLive ||
         row.state == RecordingState::kCondemned;
}

std::string held_name(const WorkspaceId& workspace, std::string_view call_sid) {
  return fmt::format("{}_{}", workspace.text(), call_sid);
}

std::vector<FileRow> files_of_part(const std::vector<FileRow>& files, int part) {
  std::vector<FileRow> own;
  for (const FileRow& file : files)
    if (file.part == part) own.push_back(file);
  std::sort(own.begin(), own.end(),
            [](const FileRow& a, const FileRow& b) { return a.name < b.name; });
  return own;
}

struct stat Tree::directory_status(const Node& node, UnixMillis modified) const {
  struct stat status {};
  status.st_ino = inode_of(node);
  status.st_mode = S_IFDIR | 0550;
  // 1 is "unknown": 2 would promise find(1) that there are no directories below.
  status.st_nlink = 1;
  status.st_uid = ownership_.uid;
  const bool compliance = node.kind == NodeKind::kHolds || node.kind == NodeKind::kMatter;
  status.st_gid = compliance ? ownership_.compliance_gid : ownership_.gid;
  status.st_blksize = 4096;
  set_times(status, modified, modified);
  return status;
}

struct stat Tree::call_status(const RecordingRow& row, const Node& node) const {
  struct stat status = directory_status(node, row.ended_at);
  set_times(status, row.ended_at, row.received_at);
  return status;
}

struct stat Tree::file_status(const RecordingRow& row, const Node& node, Bytes size) const {
  struct stat status {};
  status.st_ino = inode_of(node);
  status.st_mode = S_IFREG | 0440;
  status.st_nlink = 1;
  status.st_uid = ownership_.uid;
  status.st_gid = ownership_.gid;
  status.st_size = size.count;
  // Never fewer: a sparse-aware archiver would take the rest for holes and store zeros.
  status.st_blocks = (size.count + 511) / 512;
  status.st_blksize = 128 * 1024;
  set_times(status, row.ended_at, row.received_at);
  return status;
}

struct stat Tree::link_status(const RecordingRow& row, const Node& node) const {
  struct stat status {};
  status.st_ino = inode_of(node);
  status.st_mode = S_IFLNK | 0777;  // a symlink's own mode means nothing
  status.st_nlink = 1;
  status.st_uid = ownership_.uid;
  status.st_gid = ownership_.compliance_gid;
  status.st_size = static_cast<off_t>(
      fmt::format("../../{}/{}/{}", row.workspace.text(), row.day.path(), row.call_sid).size());
  set_times(status, row.ended_at, row.received_at);
  return status;
}

struct stat Tree::calendar_status(const Node& node) const {
  return directory_status(node, start_of(node.day));
}

Result<struct stat> Tree::attributes(Database& index, const Node& node) const {
  switch (node.kind) {
    case NodeKind::kRoot:
    case NodeKind::kHolds:
      return directory_status(node, UnixMillis(0));
    case NodeKind::kWorkspace: {
      HOLDFAST_ASSIGN(row, find_workspace(index, node.workspace_no));
      if (!row.has_value()) return not_there("workspace");
      return directory_status(node, row->created_at);
    }
    case NodeKind::kYear:
    case NodeKind::kMonth:
    case NodeKind::kDay: {
      HOLDFAST_ASSIGN(exists, calendar_exists(index, node));
      if (!exists) return not_there("day");
      return calendar_status(node);
    }
    case NodeKind::kCall: {
      HOLDFAST_ASSIGN(row, visible_row(index, node.recording_no));
      return call_status(row, node);
    }
    case NodeKind::kPart:
    case NodeKind::kFile: {
      HOLDFAST_ASSIGN(row, visible_row(index, node.recording_no));
      HOLDFAST_ASSIGN(all, list_files(index, node.recording_no));
      const std::vector<FileRow> files = files_of_part(all, node.part);
      if (files.empty() || static_cast<size_t>(node.file) > files.size())
        return not_there(row.call_sid);
      if (node.kind == NodeKind::kPart) return call_status(row, node);
      return file_status(row, node, files[static_cast<size_t>(node.file) - 1].size);
    }
    case NodeKind::kMatter: {
      HOLDFAST_ASSIGN(matter, matter_of(index, node.matter_bits));
      return directory_status(node, matter.created_at);
    }
    case NodeKind::kHeldCall: {
      HOLDFAST_ASSIGN(row, visible_row(index, node.recording_no));
      const auto same = [&](const MatterId& matter) {
        return Node::held_call(matter, node.recording_no) == node;
      };
      HOLDFAST_TRY(holding_matter(index, row, same));
      return link_status(row, node);
    }
  }
  return not_there("node");
}

Result<struct stat> Tree::lookup(Database& index, const Node& parent, std::string_view name) const {
  switch (parent.kind) {
    case NodeKind::kRoot: {
      if (name == ".holds") return attributes(index, Node::holds());
      const Result<WorkspaceId> workspace = WorkspaceId::from_text(name);
      // One workspace has one spelling here: the lower-case one.
      if (!workspace.ok() || workspace->text() != name) return not_there(name);
      HOLDFAST_ASSIGN(row, find_workspace(index, *workspace));
      if (!row.has_value()) return not_there(name);
      return directory_status(Node::workspace(row->workspace_no), row->created_at);
    }
    case NodeKind::kWorkspace:
    case NodeKind::kYear:
    case NodeKind::kMonth:
      return lookup_calendar(index, parent, name);
    case NodeKind::kDay: {
      HOLDFAST_ASSIGN(row, find_recording_row(index, parent.workspace_no, name));
      if (!row.has_value() || !is_visible(*row) || row->day != parent.day) return not_there(name);
      return call_status(*row, Node::call(row->recording_no));
    }
    case NodeKind::kCall:
    case NodeKind::kPart:
      return lookup_in_call(index, parent, name);
    case NodeKind::kHolds: {
      const Result<MatterId> id = MatterId::from_text(name);
      if (!id.ok()) return not_there(name);
      HOLDFAST_ASSIGN(matter, find_matter(index, *id));
      if (!matter.has_value()) return not_there(name);
      return directory_status(Node::matter(*id), matter->created_at);
    }
    case NodeKind::kMatter:
      return lookup_held(index, parent, name);
    case NodeKind::kFile:
    case NodeKind::kHeldCall:
      break;
  }
  return not_there(name);
}

Result<struct stat> Tree::lookup_calendar(Database& index, const Node& parent,
                                          std::string_view name) const {
  const std::optional<Node> child = calendar_child(parent, name);
  if (!child.has_value()) return not_there(name);
  return attributes(index, *child);
}

Result<struct stat> Tree::lookup_in_call(Database& index, const Node& parent,
                                         std::string_view name) const {
  HOLDFAST_ASSIGN(row, visible_row(index, parent.recording_no));
  HOLDFAST_ASSIGN(all, list_files(index, parent.recording_no));
  const bool is_call = parent.kind == NodeKind::kCall;
  if (is_call && name.starts_with('+')) {
    for (const FileRow& file : all)
      if (file.part > 1 && name == fmt::format("+{}", file.part))
        return call_status(row, Node::part_directory(parent.recording_no, file.part));
    return not_there(name);
  }
  const int part = is_call ? 1 : parent.part;
  const std::vector<FileRow> files = files_of_part(all, part);
  for (size_t i = 0; i < files.size(); ++i)
    if (files[i].name == name)
      return file_status(row, Node::file_of(parent.recording_no, part, static_cast<int>(i) + 1),
                         files[i].size);
  return not_there(name);
}

Result<struct stat> Tree::lookup_held(Database& index, const Node& matter,
                                      std::string_view name) const {
  if (name.size() <= kWorkspaceTextBytes + 1) return not_there(name);
  const Result<WorkspaceId> workspace = WorkspaceId::from_text(name.substr(0, kWorkspaceTextBytes));
  const std::string_view call_sid = name.substr(kWorkspaceTextBytes + 1);
  if (!workspace.ok() || held_name(*workspace, call_sid) != name) return not_there(name);
  HOLDFAST_ASSIGN(owner, find_workspace(index, *workspace));
  if (!owner.has_value()) return not_there(name);
  HOLDFAST_ASSIGN(row, find_recording_row(index, owner->workspace_no, call_sid));
  if (!row.has_value() || !is_visible(*row)) return not_there(name);
  const auto same = [&](const MatterId& id) { return matter_bits(id) == matter.matter_bits; };
  HOLDFAST_ASSIGN(id, holding_matter(index, *row, same));
  return link_status(*row, Node::held_call(id, row->recording_no));
}

Status Tree::list(Database& index, const Node& directory, int64_t cookie, int limit,
                  const EntrySink& sink) const {
  switch (directory.kind) {
    case NodeKind::kRoot: {
      HOLDFAST_ASSIGN(rows, list_workspaces(index));
      std::sort(rows.begin(), rows.end(), [](const WorkspaceRow& a, const WorkspaceRow& b) {
        return a.workspace_no < b.workspace_no;
      });
      for (const WorkspaceRow& row : rows) {
        if (row.workspace_no.value <= cookie) continue;
        const struct stat status =
            directory_status(Node::workspace(row.workspace_no), row.created_at);
        if (limit-- == 0 || !sink(Entry{row.workspace.text(), status, row.workspace_no.value}))
          break;
      }
      return Status();
    }
    case NodeKind::kWorkspace:
    case NodeKind::kYear:
    case NodeKind::kMonth:
      return list_calendar(index, directory, cookie, sink);
    case NodeKind::kDay:
      return list_calls(index, directory, cookie, limit, sink);
    case NodeKind::kCall:
    case NodeKind::kPart:
      return list_call(index, directory, cookie, limit, sink);
    case NodeKind::kHolds:
      return list_matters_of(index, cookie, limit, sink);
    case NodeKind::kMatter:
      return list_held(index, directory, cookie, limit, sink);
    case NodeKind::kFile:
    case NodeKind::kHeldCall:
      break;
  }
  return Error{Code::kInvalid, "list: not a directory"};
}

Status Tree::list_calendar(Database& index, const Node& directory, int64_t cookie,
                           const EntrySink& sink) const {
  const bool is_workspace = directory.kind == NodeKind::kWorkspace;
  const bool is_year = directory.kind == NodeKind::kYear;
  const WorkspaceNo owner = directory.workspace_no;
  const CalendarDay day = directory.day;
  auto numbers = is_workspace ? years_of(index, owner)
                 : is_year    ? months_of(index, owner, day.year)
                              : days_of(index, owner, day.year, day.month);
  if (!numbers.ok()) return numbers.error();
  for (const int number : *numbers) {
    if (number <= cookie) continue;
    std::string name = is_workspace ? fmt::format("{:04}", number) : fmt::format("{:02}", number);
    const std::optional<Node> child = calendar_child(directory, name);
    if (!child.has_value()) continue;
    if (!sink(Entry{std::move(name), calendar_status(*child), number})) break;
  }
  return Status();
}

Status Tree::list_calls(Database& index, const Node& day, int64_t cookie, int limit,
                        const EntrySink& sink) const {
  // A page may hold nothing that is visible; an empty answer would tell the kernel "the end".
  for (bool found = false; !found;) {
    HOLDFAST_ASSIGN(rows,
                    calls_of_day(index, day.workspace_no, day.day, RecordingNo(cookie), limit));
    for (const RecordingRow& row : rows) {
      cookie = row.recording_no.value;
      if (!is_visible(row)) continue;
      found = true;
      if (!sink(Entry{row.call_sid, call_status(row, Node::call(row.recording_no)), cookie}))
        return Status();
    }
    if (rows.size() < static_cast<size_t>(limit)) break;
  }
  return Status();
}

Status Tree::list_call(Database& index, const Node& call, int64_t cookie, int limit,
                       const EntrySink& sink) const {
  HOLDFAST_ASSIGN(row, visible_row(index, call.recording_no));
  HOLDFAST_ASSIGN(all, list_files(index, call.recording_no));
  const bool is_call = call.kind == NodeKind::kCall;
  const int part = is_call ? 1 : call.part;
  const std::vector<FileRow> files = files_of_part(all, part);
  for (auto i = static_cast<size_t>(cookie); i < files.size(); ++i) {
    const int number = static_cast<int>(i) + 1;
    const struct stat status =
        file_status(row, Node::file_of(call.recording_no, part, number), files[i].size);
    if (limit-- == 0 || !sink(Entry{files[i].name, status, number})) return Status();
  }
  if (!is_call) return Status();
  int last = 1;
  for (const FileRow& file : all) {  // by part
    if (file.part <= last || kPartCookie + file.part <= cookie) continue;
    last = file.part;
    const struct stat status = call_status(row, Node::part_directory(call.recording_no, file.part));
    if (limit-- == 0 ||
        !sink(Entry{fmt::format("+{}", file.part), status, kPartCookie + file.part}))
      return Status();
  }
  return Status();
}

Status Tree::list_matters_of(Database& index, int64_t cookie, int limit,
                             const EntrySink& sink) const {
  HOLDFAST_ASSIGN(matters, list_matters(index));
  std::sort(matters.begin(), matters.end(),
            [](const MatterRow& a, const MatterRow& b) { return a.matter < b.matter; });
  for (const MatterRow& row : matters) {
    const Node node = Node::matter(row.matter);
    const auto own = static_cast<int64_t>(node.matter_bits);
    if (own <= cookie) continue;
    const struct stat status = directory_status(node, row.created_at);
    if (limit-- == 0 || !sink(Entry{row.matter.text(), status, own})) break;
  }
  return Status();
}

Status Tree::list_held(Database& index, const Node& matter, int64_t cookie, int limit,
                       const EntrySink& sink) const {
  HOLDFAST_ASSIGN(of, matter_of(index, matter.matter_bits));
  for (bool found = false; !found;) {
    HOLDFAST_ASSIGN(rows, recordings_of_matter(index, of.matter, RecordingNo(cookie), limit));
    for (const RecordingRow& row : rows) {
      cookie = row.recording_no.value;
      if (!is_visible(row)) continue;
      found = true;
      const struct stat status = link_status(row, Node::held_call(of.matter, row.recording_no));
      if (!sink(Entry{held_name(row.workspace, row.call_sid), status, cookie})) return Status();
    }
    if (rows.size() < static_cast<size_t>(limit)) break;
  }
  return Status();
}

Result<std::string> Tree::link_target(Database& index, const Node& link) const {
  HOLDFAST_ASSIGN(row, visible_row(index, link.recording_no));
  return fmt::format("../../{}/{}/{}", row.workspace.text(), row.day.path(), row.call_sid);
}

}  // namespace holdfast
