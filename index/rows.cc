#include "index/rows.h"

#include "index/read/recordings.h"
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

Result<RecordingNo> known_or_unlocated(WriteTxn& txn, const RecordingId& recording,
                                       RecordingNo number, WorkspaceNo workspace_no) {
  Database& index = txn.index();
  HOLDFAST_ASSIGN(row, find_recording_row(index, recording));
  if (row) return row->recording_no;
  if (number.value == 0) {
    HOLDFAST_ASSIGN(next, one_integer(index.prepare(
                              "SELECT max(coalesce((SELECT max(recording_no) FROM recording), 0), "
                              "coalesce((SELECT CAST(value AS INTEGER) FROM setting "
                              "WHERE name = 'recording_no_end'), 1) - 1) + 1")));
    number = RecordingNo(next.value_or(1));
  }
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
    HOLDFAST_ASSIGN(next,
                    one_integer(index.prepare("SELECT max(workspace_no) + 1 FROM workspace")));
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
