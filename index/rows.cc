#include "index/rows.h"

#include "index/read/recordings.h"
#include "index/read/retention.h"
#include "index/read/status.h"

namespace holdfast::rows {
namespace {

Result<std::optional<int64_t>> one_integer(Statement statement) {
  HOLDFAST_ASSIGN(found, statement.step());
  if (!found) return std::optional<int64_t>();
  return std::optional<int64_t>(statement.next<int64_t>());
}

}  // namespace

Result<int64_t> need_medium_no(Database& index, const MediumId& medium) {
  Statement statement = index.prepare("SELECT medium_no FROM medium WHERE medium_id = ?1");
  statement.bind(medium);
  HOLDFAST_ASSIGN(number, one_integer(std::move(statement)));
  if (!number) return Error{Code::kNotFound, "medium " + medium.text() + " is not registered"};
  return *number;
}

Result<int64_t> known_medium(WriteTxn& txn, const MediumId& medium, Tier tier) {
  auto known = need_medium_no(txn.index(), medium);
  if (known.ok() || !txn.replaying() || known.error().code != Code::kNotFound) return known;
  HOLDFAST_TRY(run(txn.index(),
                   "INSERT INTO medium (medium_id, tier, kind, name, state, registered_at) "
                   "VALUES (?1, ?2, '', '', 0, ?3)",
                   medium, tier, txn.now()));
  return need_medium_no(txn.index(), medium);
}

Result<int64_t> need_pack_no(Database& index, const PackId& pack) {
  Statement statement = index.prepare("SELECT pack_no FROM pack WHERE pack_id = ?1");
  statement.bind(pack);
  HOLDFAST_ASSIGN(number, one_integer(std::move(statement)));
  if (!number) return Error{Code::kNotFound, "there is no pack " + pack.text()};
  return *number;
}

Result<RecordingRow> need_recording(Database& index, RecordingNo recording_no) {
  HOLDFAST_ASSIGN(row, find_recording_row(index, recording_no));
  if (!row)
    return Error{Code::kNotFound,
                 "there is no recording number " + std::to_string(recording_no.value)};
  return *std::move(row);
}

Result<RecordingRow> need_recording_of(Database& index, RecordingNo recording_no,
                                       std::optional<WorkspaceNo> workspace_no) {
  HOLDFAST_ASSIGN(row, need_recording(index, recording_no));
  if (workspace_no && row.workspace_no != *workspace_no)
    return Error{Code::kNotFound, "recording " + row.recording.text() +
                                      " was moved to another workspace a moment ago"};
  return row;
}

Status store_setting(Database& index, std::string_view name, std::string_view value) {
  return run(index,
             "INSERT INTO setting (name, value) VALUES (?1, ?2) "
             "ON CONFLICT (name) DO UPDATE SET value = excluded.value",
             name, value);
}

Status raise_setting(Database& index, std::string_view name, int64_t value) {
  return run(index,
             "INSERT INTO setting (name, value) VALUES (?1, CAST(?2 AS TEXT)) "
             "ON CONFLICT (name) DO UPDATE SET value = excluded.value "
             "WHERE CAST(value AS INTEGER) < CAST(excluded.value AS INTEGER)",
             name, value);
}

Result<bool> is_covered_gap(Database& index, std::string_view gap) {
  HOLDFAST_ASSIGN(covered, find_setting(index, kRecoveryGaps));
  if (!covered) return false;
  const std::string all = "," + *covered;
  return all.find("," + std::string(gap) + ",") != std::string::npos;
}

Status pass_number(Database& index, RecordingNo number) {
  return raise_setting(index, "recording_no_end", number.value + 1);
}

Result<RecordingNo> free_number(Database& index, RecordingNo number) {
  if (number.value != 0) {
    HOLDFAST_ASSIGN(taken, find_recording_row(index, number));
    if (!taken) return number;
  }
  HOLDFAST_ASSIGN(next, one_integer(index.prepare(
                            "SELECT max(coalesce((SELECT max(recording_no) FROM recording), 0), "
                            "coalesce((SELECT CAST(value AS INTEGER) FROM setting "
                            "WHERE name = 'recording_no_end'), 1) - 1) + 1")));
  return RecordingNo(next.value_or(1));
}

Result<RecordingNo> known_or_unlocated(WriteTxn& txn, const RecordingId& recording,
                                       RecordingNo number, WorkspaceNo workspace_no) {
  Database& index = txn.index();
  HOLDFAST_ASSIGN(row, find_recording_row(index, recording));
  if (row) return row->recording_no;
  HOLDFAST_ASSIGN(free, free_number(index, number));
  number = free;
  HOLDFAST_TRY(pass_number(index, number));
  HOLDFAST_TRY(run(index,
                   "INSERT INTO recording (recording_no, recording_id, workspace_no, started_at, "
                   "ended_at, received_at, day, state, flags, tier, parts, bytes) "
                   "VALUES (?1, ?2, ?3, ?4, ?4, ?4, ?5, 4, 0, 0, 0, 0)",
                   number, recording, workspace_no.value, txn.now(), day_of(txn.now()).packed()));
  txn.count_unlocated();
  return number;
}

Result<WorkspaceNo> known_workspace(WriteTxn& txn, const WorkspaceId& workspace, WorkspaceNo number,
                                    std::string_view name) {
  Database& index = txn.index();
  HOLDFAST_ASSIGN(row, find_workspace(index, workspace));
  if (row) {
    if (row->name.empty() && !name.empty())
      HOLDFAST_TRY(run(index, "UPDATE workspace SET name = ?2 WHERE workspace_no = ?1",
                       row->workspace_no.value, name));
    return row->workspace_no;
  }
  if (number.value == 0) {
    // Numbers were given without gaps: the first that is missing is that of the line that was lost.
    HOLDFAST_ASSIGN(next, one_integer(index.prepare(
                              "SELECT min(w.workspace_no) + 1 FROM workspace w WHERE NOT EXISTS "
                              "(SELECT 1 FROM workspace o "
                              "WHERE o.workspace_no = w.workspace_no + 1)")));
    number = WorkspaceNo(next.value_or(1));
  }
  HOLDFAST_TRY(run(index,
                   "INSERT INTO workspace (workspace_no, workspace_id, name, created_at) "
                   "VALUES (?1, ?2, ?3, ?4)",
                   number.value, workspace, name, txn.now()));
  return number;
}

Result<std::optional<RecordingId>> find_former_address(Database& index, const Digest& mark) {
  Statement statement = index.prepare("SELECT recording_id FROM former_address WHERE mark = ?1");
  statement.bind(mark);
  HOLDFAST_ASSIGN(found, statement.step());
  if (!found) return std::optional<RecordingId>();
  return std::optional<RecordingId>(statement.next<RecordingId>());
}

Status refresh_tier(Database& index, RecordingNo recording) {
  return run(index,
             "UPDATE recording SET tier = live.tier FROM (SELECT min(m.tier) AS tier FROM copy c "
             "CROSS JOIN medium m ON m.medium_no = c.medium_no "
             "WHERE c.recording_no = ?1 AND c.state IN (1, 2)) AS live "
             "WHERE recording.recording_no = ?1 AND live.tier IS NOT NULL "
             "AND recording.tier <> live.tier",
             recording);
}

Status refresh_member_tiers(Database& index, int64_t pack_no) {
  return run(index,
             "UPDATE recording SET tier = live.tier FROM (SELECT c.recording_no, "
             "min(m.tier) AS tier FROM copy c CROSS JOIN medium m ON m.medium_no = c.medium_no "
             "WHERE c.recording_no IN (SELECT recording_no FROM copy WHERE pack_no = ?1) "
             "AND c.state IN (1, 2) GROUP BY c.recording_no) AS live "
             "WHERE recording.recording_no = live.recording_no AND recording.tier <> live.tier",
             pack_no);
}

Status refresh_pack_totals(Database& index, int64_t pack_no, int64_t medium_no) {
  return run(index,
             "UPDATE pack SET (members, bytes) = (SELECT count(*), coalesce(sum(t.bytes), 0) "
             "FROM copy c CROSS JOIN part t ON t.recording_no = c.recording_no AND t.part = c.part "
             "WHERE c.pack_no = ?1 AND c.medium_no = ?2) WHERE pack_no = ?1",
             pack_no, medium_no);
}

Result<UnixMillis> erasure_time(WriteTxn& txn) {
  HOLDFAST_ASSIGN(kept, kept_time(txn.index()));
  return kept > UnixMillis(0) ? kept : txn.now();
}

Status refresh_pack_dead(Database& index, int64_t pack_no, UnixMillis now) {
  return run(index,
             "UPDATE pack SET dead_bytes = coalesce(d.bytes, 0), "
             "dead_since = iif(d.bytes IS NULL, NULL, coalesce(dead_since, ?2)) FROM "
             "(SELECT sum(t.bytes) AS bytes FROM (SELECT DISTINCT recording_no, part FROM copy "
             "INDEXED BY copy_pack WHERE pack_no = ?1) c "
             "CROSS JOIN recording r ON r.recording_no = c.recording_no AND r.state = 3 "
             "CROSS JOIN part t ON t.recording_no = c.recording_no AND t.part = c.part) d "
             "WHERE pack.pack_no = ?1 AND (d.bytes IS NOT NULL OR pack.dead_since IS NOT NULL)",
             pack_no, now);
}

Status add_dead(Database& index, RecordingNo recording, UnixMillis now) {
  return run(index,
             "UPDATE pack SET dead_since = coalesce(dead_since, ?2), dead_bytes = dead_bytes + "
             "(SELECT coalesce(sum(t.bytes), 0) FROM part t WHERE t.recording_no = ?1 AND EXISTS "
             "(SELECT 1 FROM copy c WHERE c.recording_no = t.recording_no AND c.part = t.part "
             "AND c.pack_no = pack.pack_no)) WHERE state = 1 AND pack_no IN "
             "(SELECT pack_no FROM copy WHERE recording_no = ?1 AND pack_no IS NOT NULL)",
             recording, now);
}

Status members_lie_nowhere(Database& index, int64_t pack_no, int64_t medium_no, UnixMillis now) {
  return run(index,
             "UPDATE recording SET tier = 0, next_action_at = ?3 WHERE state = 3 "
             "AND recording_no IN (SELECT recording_no FROM copy INDEXED BY copy_pack "
             "WHERE pack_no = ?1 AND medium_no = ?2) AND NOT EXISTS (SELECT 1 FROM copy o "
             "WHERE o.recording_no = recording.recording_no "
             "AND (o.medium_no <> ?2 OR o.pack_no IS NOT ?1))",
             pack_no, medium_no, now);
}

Status may_lie_nowhere(Database& index, RecordingNo recording, UnixMillis now) {
  return run(index,
             "UPDATE recording SET tier = 0, next_action_at = ?2 WHERE recording_no = ?1 "
             "AND state = 3 AND NOT EXISTS (SELECT 1 FROM copy WHERE recording_no = ?1)",
             recording, now);
}

Status leave_open_packs(Database& index, RecordingNo recording) {
  HOLDFAST_TRY(run(index,
                   "UPDATE pack SET members = pack.members - gone.members, "
                   "bytes = pack.bytes - gone.bytes "
                   "FROM (SELECT c.pack_no, count(*) AS members, sum(t.bytes) AS bytes FROM copy c "
                   "CROSS JOIN part t ON t.recording_no = c.recording_no AND t.part = c.part "
                   "WHERE c.recording_no = ?1 AND c.state = 0 GROUP BY c.pack_no) AS gone "
                   "WHERE pack.pack_no = gone.pack_no",
                   recording));
  return run(index, "DELETE FROM copy WHERE recording_no = ?1 AND state = 0", recording);
}

}  // namespace holdfast::rows
