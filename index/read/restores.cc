#include "index/read/restores.h"

#include <algorithm>
#include <set>

#include "base/limits.h"
#include "index/read/columns.h"

namespace holdfast {
namespace {

using columns::read_all;
using columns::read_one;

// Counting a longer queue would tell nobody more: its estimate is at the tier's bound.
constexpr int kQueueRowsCounted = 10'000;

RestoreWaiterRow read_waiter(Statement& row) {
  RestoreWaiterRow out;
  out.waiter_no = row.next<int64_t>();
  out.restore = row.next<RestoreId>();
  out.who = row.next<std::string>();
  out.state = row.next<RestoreState>();
  out.priority = row.next<RestorePriority>();
  out.keep = row.next<Millis>();
  out.callback_url = row.next<std::string>();
  out.requested_at = row.next<UnixMillis>();
  return out;
}

RecallSampleRow read_sample(Statement& row) {
  RecallSampleRow out;
  out.at = row.next<UnixMillis>();
  out.bytes = row.next<Bytes>();
  out.elapsed = row.next<Millis>();
  out.attach = row.next<Millis>();
  out.recordings = row.next<int>();
  return out;
}

const std::string kSelectRestore = "SELECT " + columns::kRestore + columns::kFromRestore;

// The same by a named index: the queue's plan must not depend on statistics.
std::string select_by(std::string_view index_name) {
  constexpr std::string_view kTable = " FROM restore s";
  std::string sql = kSelectRestore;
  const size_t at = sql.find(kTable);
  assert(at != std::string::npos);
  return sql.insert(at + kTable.size(), " INDEXED BY " + std::string(index_name));
}

// The rows of one workspace that wait with one priority: among themselves, age is urgency.
struct Group {
  int64_t workspace_no = 0;
  RestorePriority priority = RestorePriority::kExpedited;
};

// The first group after (workspace, priority), by one step of the index.
Result<std::optional<Group>> next_group(Database& index, Tier tier, int64_t workspace_no,
                                        int64_t priority) {
  Statement statement = index.prepare(
      "SELECT workspace_no, priority FROM restore INDEXED BY restore_queue "
      "WHERE state = 0 AND tier = ?1 AND (workspace_no, priority) > (?2, ?3) "
      "ORDER BY workspace_no, priority LIMIT 1");
  statement.bind(tier, workspace_no, priority);
  HOLDFAST_ASSIGN(found, statement.step());
  if (!found) return std::optional<Group>();
  Group group;
  group.workspace_no = statement.next<int64_t>();
  group.priority = statement.next<RestorePriority>();
  return std::optional<Group>(group);
}

struct Groups {
  std::vector<Group> groups;
  WorkspaceNo go_on_with{};
};

Result<Groups> groups_of(Database& index, Tier tier, const ReadyShare& share) {
  Groups out;
  // From the given workspace to the last one, then from the first one up to it.
  const int64_t begin = share.begin_with.value;
  for (const bool second_half : {false, true}) {
    if (second_half && begin == 0) break;
    int64_t workspace_no = second_half ? 0 : begin;
    int64_t priority = -1;
    while (true) {
      HOLDFAST_ASSIGN(group, next_group(index, tier, workspace_no, priority));
      if (!group || (second_half && group->workspace_no >= begin)) break;
      if (static_cast<int>(out.groups.size()) == share.groups_max) {
        out.go_on_with = WorkspaceNo(group->workspace_no);
        return out;
      }
      out.groups.push_back(*group);
      workspace_no = group->workspace_no;
      priority = static_cast<int64_t>(group->priority);
    }
  }
  return out;
}

}  // namespace

Result<std::optional<RestoreRow>> find_restore(Database& index, const RestoreId& restore) {
  static const std::string sql = kSelectRestore + "WHERE s.restore_id = ?1";
  Statement statement = index.prepare(sql);
  statement.bind(restore);
  return read_one(std::move(statement), columns::read_restore);
}

Result<std::optional<RestoreRow>> live_restore(Database& index, RecordingNo recording_no) {
  static const std::string sql = kSelectRestore + "WHERE s.recording_no = ?1 AND s.state <= 2";
  Statement statement = index.prepare(sql);
  statement.bind(recording_no);
  return read_one(std::move(statement), columns::read_restore);
}

Result<std::vector<RestoreRow>> recalls_under_way(Database& index, Tier tier, int limit) {
  // `state <= 1` is the condition of the partial index: only with it may SQLite use that.
  static const std::string sql =
      select_by("restore_age") +
      "WHERE s.state = 1 AND s.state <= 1 AND s.tier = ?1 ORDER BY s.requested_at LIMIT ?2";
  Statement statement = index.prepare(sql);
  statement.bind(tier, limit);
  return read_all(std::move(statement), columns::read_restore);
}

Result<ReadyRestores> ready_restores(Database& index, Tier tier, UnixMillis now,
                                     const ReadyShare& share) {
  ReadyRestores out;
  std::set<int64_t> seen;
  const auto take = [&](std::vector<RestoreRow> rows) {
    for (RestoreRow& row : rows)
      if (seen.insert(row.restore_no).second) out.rows.push_back(std::move(row));
  };
  {
    static const std::string sql = select_by("restore_age") +
                                   "WHERE s.state = 0 AND s.state <= 1 AND s.tier = ?1 "
                                   "AND s.not_before <= ?2 ORDER BY s.requested_at LIMIT ?3";
    Statement statement = index.prepare(sql);
    statement.bind(tier, now, share.oldest);
    HOLDFAST_ASSIGN(rows, read_all(std::move(statement), columns::read_restore));
    take(std::move(rows));
  }
  // Fewer than asked for: these were all.
  if (out.rows.size() < static_cast<size_t>(share.oldest)) return out;
  HOLDFAST_ASSIGN(groups, groups_of(index, tier, share));
  out.go_on_with = groups.go_on_with;
  if (groups.groups.empty()) return out;
  const int each = std::max(1, share.by_group / static_cast<int>(groups.groups.size()));
  for (const Group& group : groups.groups) {
    static const std::string sql = select_by("restore_queue") +
                                   "WHERE s.state = 0 AND s.tier = ?1 AND s.workspace_no = ?2 "
                                   "AND s.priority = ?3 AND s.not_before <= ?4 "
                                   "ORDER BY s.requested_at LIMIT ?5";
    Statement statement = index.prepare(sql);
    statement.bind(tier, group.workspace_no, group.priority, now, each);
    HOLDFAST_ASSIGN(rows, read_all(std::move(statement), columns::read_restore));
    take(std::move(rows));
  }
  return out;
}

Result<bool> has_waiting_restores(Database& index, UnixMillis now) {
  Statement statement =
      index.prepare("SELECT 1 FROM restore WHERE state = 0 AND not_before > ?1 LIMIT 1");
  statement.bind(now);
  return statement.step();
}

Result<std::vector<RestoreRow>> expired_restores(Database& index, UnixMillis now, int limit) {
  static const std::string sql =
      kSelectRestore + "WHERE s.state = 2 AND s.expires_at <= ?1 ORDER BY s.expires_at LIMIT ?2";
  Statement statement = index.prepare(sql);
  statement.bind(now, limit);
  return read_all(std::move(statement), columns::read_restore);
}

Result<std::vector<RestoreWaiterRow>> restore_waiters(Database& index, const RestoreId& restore) {
  Statement statement = index.prepare(
      "SELECT a.waiter_no, s.restore_id, a.who, a.state, a.priority, a.keep_ms, "
      "a.callback_url, a.requested_at FROM restore s CROSS JOIN restore_waiter a ON a.restore_no = "
      "s.restore_no "
      "WHERE s.restore_id = ?1 ORDER BY a.waiter_no");
  statement.bind(restore);
  return read_all(std::move(statement), read_waiter);
}

Result<std::vector<RestoreRow>> list_restores(Database& index, WorkspaceNo workspace_no,
                                              std::optional<RestoreState> state,
                                              std::optional<RestoreKey> after, int limit) {
  // Each state has its index: a page of the few that failed does not read the many that expired.
  std::string sql = select_by(state ? "restore_workspace_state" : "restore_workspace");
  sql += "WHERE s.workspace_no = ?";
  if (state) sql += " AND s.state = ?";
  if (after) sql += " AND (s.requested_at, s.restore_no) < (?, ?)";
  sql += " ORDER BY s.requested_at DESC, s.restore_no DESC LIMIT ?";
  Statement statement = index.prepare(sql);
  statement.bind(workspace_no.value);
  if (state) statement.bind(*state);
  if (after) statement.bind(after->requested_at, after->restore_no);
  statement.bind(limit);
  return read_all(std::move(statement), columns::read_restore);
}

Result<std::optional<RecallPlace>> recall_place(Database& index, const RestoreRow& restore) {
  Statement statement = index.prepare(
      "SELECT v.location, c.audio_offset, c.audio_length FROM copy c "
      "CROSS JOIN pack_copy v ON v.pack_no = c.pack_no AND v.medium_no = c.medium_no "
      "WHERE c.recording_no = ?1 AND c.pack_no IS NOT NULL AND c.audio_offset IS NOT NULL "
      "AND c.medium_no = (SELECT medium_no FROM medium WHERE medium_id = ?2) LIMIT 1");
  statement.bind(restore.recording_no, restore.medium);
  HOLDFAST_ASSIGN(found, statement.step());
  if (!found) return std::optional<RecallPlace>();
  RecallPlace place;
  place.location = statement.next<std::string>();
  place.offset = statement.next<Bytes>();
  place.length = statement.next<Bytes>();
  return std::optional<RecallPlace>(std::move(place));
}

Result<int64_t> queue_length(Database& index, Tier tier, const QueuePart& part) {
  // Either is one range of one index.
  Statement statement = index.prepare(
      part.group ? "SELECT count(*) FROM (SELECT 1 FROM restore INDEXED BY restore_queue "
                   "WHERE state = 0 AND tier = ?1 AND workspace_no = "
                   "(SELECT workspace_no FROM workspace WHERE workspace_id = ?4) "
                   "AND priority = ?5 AND requested_at < ?2 LIMIT ?3)"
                 : "SELECT count(*) FROM (SELECT 1 FROM restore INDEXED BY restore_age "
                   "WHERE state = 0 AND state <= 1 AND tier = ?1 AND requested_at < ?2 LIMIT ?3)");
  statement.bind(tier, part.asked_before, kQueueRowsCounted);
  if (part.group) statement.bind(part.group->workspace, part.group->priority);
  HOLDFAST_ASSIGN(row, statement.step());
  return row ? statement.next<int64_t>() : 0;
}

Result<std::vector<int64_t>> queue_by_workspace(Database& index, Tier tier) {
  Statement statement = index.prepare(
      "SELECT count(*) FROM (SELECT workspace_no FROM restore INDEXED BY restore_queue "
      "WHERE state = 0 AND tier = ?1 ORDER BY workspace_no LIMIT ?2) GROUP BY workspace_no");
  statement.bind(tier, kQueueRowsCounted);
  const auto count = [](Statement& row) { return row.next<int64_t>(); };
  return read_all<int64_t>(std::move(statement), count);
}

Result<Bytes> staged_bytes(Database& index) {
  Statement statement = index.prepare("SELECT value FROM counter WHERE name = 'staged_bytes'");
  HOLDFAST_ASSIGN(row, statement.step());
  return row ? statement.next<Bytes>() : Bytes(0);
}

Result<int64_t> recalls_since(Database& index, std::string_view who, UnixMillis since,
                              int64_t most) {
  Statement statement = index.prepare(
      "SELECT count(*) FROM (SELECT 1 FROM restore INDEXED BY restore_starter "
      "WHERE started_by = ?1 AND requested_at >= ?2 LIMIT ?3)");
  statement.bind(who, since, most);
  HOLDFAST_ASSIGN(row, statement.step());
  return row ? statement.next<int64_t>() : 0;
}

Result<std::vector<RecallSampleRow>> recall_samples(Database& index, const MediumId& medium) {
  Statement statement = index.prepare(
      "SELECT at, bytes, elapsed_ms, attach_ms, recordings FROM recall_sample "
      "WHERE medium_no = (SELECT medium_no FROM medium WHERE medium_id = ?1) "
      "ORDER BY sample_no DESC LIMIT ?2");
  statement.bind(medium, limits::kRecallSamplesKept);
  return read_all(std::move(statement), read_sample);
}

}  // namespace holdfast
