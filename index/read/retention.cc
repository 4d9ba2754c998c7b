#include "index/read/retention.h"

#include <algorithm>

#include "index/read/columns.h"

namespace holdfast {
namespace {

using columns::read_all;
using columns::read_one;

RetentionClassRow read_class(Statement& row) {
  RetentionClassRow out;
  out.class_no = row.next<int64_t>();
  out.name = row.next<std::string>();
  out.version = row.next<int>();
  out.rule.mode = row.next<RetentionMode>();
  out.rule.event = row.next<RetentionEvent>();
  out.rule.period.amount = row.next<int64_t>();
  out.rule.period.unit = row.next<PeriodUnit>();
  out.created_at = row.next<UnixMillis>();
  out.created_by = row.next<std::string>();
  return out;
}

RetentionDefaultRow read_default(Statement& row) {
  RetentionDefaultRow out;
  out.workspace_no = row.next<WorkspaceNo>();
  const auto workspace = row.next<WorkspaceId>();
  if (out.workspace_no != WorkspaceNo(0)) out.workspace = workspace;
  out.name = row.next<std::string>();
  return out;
}

ClockRow read_clock(Statement& row) {
  ClockRow out;
  out.state.now = row.next<UnixMillis>();
  out.state.system = row.next<UnixMillis>();
  out.state.credit = row.next<Millis>();
  out.state.stopped_at = row.next<std::optional<UnixMillis>>();
  out.state.why = row.next<std::string>();
  out.noted_at = row.next<UnixMillis>();
  out.epoch = row.next<int64_t>();
  out.accepted_at = row.next<std::optional<UnixMillis>>();
  return out;
}

ExpiryRow read_expiry(Statement& row) {
  ExpiryRow out;
  out.day_from = row.next<UnixMillis>();
  out.expired = row.next<int64_t>();
  out.accepted = row.next<int64_t>();
  out.open_since = row.next<std::optional<UnixMillis>>();
  out.due = row.next<int64_t>();
  return out;
}

ClassDue read_due(Statement& row) {
  ClassDue out;
  out.name = row.next<std::string>();
  out.recordings = row.next<int64_t>();
  out.bytes = row.next<Bytes>();
  out.oldest = row.next<UnixMillis>();
  return out;
}

const std::string kSelectClass =
    "SELECT class_no, name, version, mode, event, amount, unit, created_at, created_by "
    "FROM retention_class k ";

// ?1: what has come, ?2: nothing that came in after this. The conditions of the index stand here
// word for word, since SQLite uses it only then.
const std::string kDue =
    " FROM recording r INDEXED BY recording_expiry CROSS JOIN workspace w "
    "ON w.workspace_no = r.workspace_no WHERE r.expires_at IS NOT NULL AND r.holds = 0 "
    "AND r.state = 1 AND r.expires_at <= ?1 AND coalesce(r.arrived_at, r.received_at) <= ?2 AND "
    "NOT EXISTS "
    "(SELECT 1 FROM part t WHERE t.recording_no = r.recording_no "
    "AND (t.received_at > ?2 OR t.placed = 0)) ";

}  // namespace

Result<std::vector<RetentionClassRow>> list_retention_classes(Database& index) {
  static const std::string sql =
      kSelectClass +
      "WHERE version = (SELECT version FROM retention_class o WHERE o.name = k.name "
      "ORDER BY created_by <> '' DESC, version DESC LIMIT 1) ORDER BY name";
  return read_all(index.prepare(sql), read_class);
}

Result<std::optional<RetentionClassRow>> find_retention_class(Database& index,
                                                              std::string_view name) {
  static const std::string sql =
      kSelectClass + "WHERE name = ?1 ORDER BY created_by <> '' DESC, version DESC LIMIT 1";
  Statement statement = index.prepare(sql);
  statement.bind(name);
  return read_one(std::move(statement), read_class);
}

Result<std::optional<RetentionClassRow>> find_retention_class(Database& index,
                                                              std::string_view name, int version) {
  static const std::string sql = kSelectClass + "WHERE name = ?1 AND version = ?2";
  Statement statement = index.prepare(sql);
  statement.bind(name, version);
  return read_one(std::move(statement), read_class);
}

Result<std::vector<RetentionDefaultRow>> list_retention_defaults(Database& index) {
  return read_all(index.prepare("SELECT d.workspace_no, w.workspace_id, d.class "
                                "FROM retention_default d CROSS JOIN workspace w "
                                "ON w.workspace_no = d.workspace_no ORDER BY d.workspace_no"),
                  read_default);
}

Result<std::optional<RetentionClassRow>> default_retention_class(Database& index,
                                                                 WorkspaceNo workspace_no) {
  std::optional<std::string> name;
  {
    Statement statement = index.prepare(
        "SELECT class FROM retention_default WHERE workspace_no IN (0, ?1) "
        "ORDER BY workspace_no DESC LIMIT 1");
    statement.bind(workspace_no.value);
    HOLDFAST_ASSIGN(found, statement.step());
    if (found) name = statement.next<std::string>();
  }
  if (!name) return std::optional<RetentionClassRow>();
  HOLDFAST_ASSIGN(given, find_retention_class(index, *name));
  if (given && is_stand_in(*given)) given.reset();
  return given;
}

Result<std::optional<ClockRow>> find_clock(Database& index) {
  return read_one(index.prepare("SELECT now, system, credit_ms, stopped_at, why, noted_at, epoch, "
                                "accepted_at FROM compliance_clock"),
                  read_clock);
}

Result<UnixMillis> kept_time(Database& index) {
  HOLDFAST_ASSIGN(clock, find_clock(index));
  return clock ? clock->state.now : UnixMillis(0);
}

Result<UnixMillis> certain_time(Database& index, UnixMillis now) {
  HOLDFAST_ASSIGN(clock, find_clock(index));
  return clock ? std::min(clock->state.now, now) : UnixMillis(0);
}

std::optional<UnixMillis> expiry_waits_until(const ClockRow& clock, UnixMillis certain,
                                             Millis not_before) {
  if (!clock.accepted_at || certain >= *clock.accepted_at + not_before) return std::nullopt;
  return *clock.accepted_at + not_before;
}

bool is_retained(const RecordingRow& row, UnixMillis certain) {
  return row.retain_until && *row.retain_until > certain;
}

Result<ExpiryRow> find_expiry(Database& index) {
  HOLDFAST_ASSIGN(
      row,
      read_one(index.prepare("SELECT day_from, expired, accepted, open_since, due FROM expiry"),
               read_expiry));
  return row.value_or(ExpiryRow());
}

Result<std::vector<RecordingRow>> due_to_expire(Database& index, const DueExpiry& due, int limit) {
  static const std::string sql =
      "SELECT " + columns::kRecording + kDue + "ORDER BY r.expires_at LIMIT ?3";
  Statement statement = index.prepare(sql);
  statement.bind(due.certain, due.certain - due.not_before, limit);
  return read_all(std::move(statement), columns::read_recording);
}

Result<int64_t> count_due_to_expire(Database& index, const DueExpiry& due, int64_t most) {
  static const std::string sql = "SELECT count(*) FROM (SELECT 1" + kDue + "LIMIT ?3)";
  Statement statement = index.prepare(sql);
  statement.bind(due.certain, due.certain - due.not_before, most);
  HOLDFAST_ASSIGN(found, statement.step());
  return found ? statement.next<int64_t>() : 0;
}

Result<std::vector<ClassDue>> due_by_class(Database& index, const DueExpiry& due) {
  static const std::string sql =
      "SELECT coalesce(k.name, ''), count(*), sum(d.bytes), min(d.expires_at) FROM "
      "(SELECT r.class_no, r.bytes, r.expires_at" +
      kDue +
      ") AS d LEFT JOIN retention_class k ON k.class_no = d.class_no GROUP BY k.name "
      "ORDER BY k.name";
  Statement statement = index.prepare(sql);
  statement.bind(due.certain, due.certain - due.not_before);
  return read_all(std::move(statement), read_due);
}

}  // namespace holdfast
