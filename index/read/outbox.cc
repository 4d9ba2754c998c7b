#include "index/read/outbox.h"

#include <algorithm>
#include <iterator>

#include "index/read/columns.h"

namespace holdfast {
namespace {

const std::string kSelect =
    "SELECT o.message_no, o.message_id, w.workspace_id, o.workspace_no, o.url, o.event, o.body, "
    "o.created_at, o.attempts, o.not_before, o.error, o.parked_at FROM outbox o ";
const std::string kWorkspace = "CROSS JOIN workspace w ON w.workspace_no = o.workspace_no ";

MessageRow read_message(Statement& row) {
  MessageRow out;
  out.message_no = row.next<int64_t>();
  out.message = row.next<MessageId>();
  out.workspace = row.next<WorkspaceId>();
  out.workspace_no = row.next<WorkspaceNo>();
  out.url = row.next<std::string>();
  out.event = row.next<std::string>();
  out.body = row.next<std::string>();
  out.created_at = row.next<UnixMillis>();
  out.attempts = row.next<int>();
  out.not_before = row.next<UnixMillis>();
  out.error = row.next<std::string>();
  out.parked_at = row.next<std::optional<UnixMillis>>();
  return out;
}

}  // namespace

Result<std::vector<MessageRow>> due_messages(Database& index, UnixMillis now, int limit) {
  static const std::string sql = kSelect + "INDEXED BY outbox_ready " + kWorkspace +
                                 "WHERE o.parked_at IS NULL AND o.workspace_no = ?1 "
                                 "AND o.not_before <= ?2 ORDER BY o.not_before LIMIT ?3";
  std::vector<MessageRow> due;
  int64_t workspace_no = -1;
  while (true) {
    Statement next = index.prepare(
        "SELECT workspace_no FROM outbox INDEXED BY outbox_ready WHERE parked_at IS NULL "
        "AND workspace_no > ?1 ORDER BY workspace_no LIMIT 1");
    next.bind(workspace_no);
    HOLDFAST_ASSIGN(found, next.step());
    if (!found) break;
    workspace_no = next.next<int64_t>();
    Statement statement = index.prepare(sql);
    statement.bind(workspace_no, now, limit);
    HOLDFAST_ASSIGN(rows, columns::read_all(std::move(statement), read_message));
    std::move(rows.begin(), rows.end(), std::back_inserter(due));
  }
  std::stable_sort(due.begin(), due.end(), [](const MessageRow& a, const MessageRow& b) {
    return a.not_before < b.not_before;
  });
  return due;
}

Result<bool> has_messages(Database& index, WorkspaceNo workspace_no, int64_t count) {
  Statement statement = index.prepare(
      "SELECT count(*) FROM (SELECT 1 FROM outbox INDEXED BY outbox_workspace "
      "WHERE workspace_no = ?1 LIMIT ?2)");
  statement.bind(workspace_no.value, count);
  HOLDFAST_ASSIGN(found, statement.step());
  return found && statement.next<int64_t>() >= count;
}

Result<std::vector<MessageRow>> list_messages(Database& index, const MessageFilter& filter,
                                              int limit) {
  // The parked ones are few: they are read by their own index and filtered.
  const bool by_workspace = filter.workspace_no && !filter.parked_only;
  std::string sql = kSelect;
  if (by_workspace) sql += "INDEXED BY outbox_workspace ";
  if (filter.parked_only) sql += "INDEXED BY outbox_parked ";
  sql += kWorkspace + "WHERE o.message_no < ?1";
  if (filter.parked_only) sql += " AND o.parked_at IS NOT NULL";
  if (filter.workspace_no) sql += " AND o.workspace_no = ?3";
  sql += " ORDER BY o.message_no DESC LIMIT ?2";
  Statement statement = index.prepare(sql);
  statement.bind(filter.before.value_or(INT64_MAX), limit);
  if (filter.workspace_no) statement.bind(filter.workspace_no->value);
  return columns::read_all(std::move(statement), read_message);
}

Result<OutboxCount> outbox_count(Database& index) {
  Statement statement = index.prepare(
      "SELECT (SELECT value FROM counter WHERE name = 'outbox'), "
      "(SELECT value FROM counter WHERE name = 'parked')");
  HOLDFAST_ASSIGN(found, statement.step());
  OutboxCount count;
  if (!found) return count;
  count.waiting = statement.next<int64_t>();
  count.parked = statement.next<int64_t>();
  return count;
}

}  // namespace holdfast
