// Decisions about recordings: ingest, destruction, holds.
#include <algorithm>

#include "index/decisions_apply.h"
#include "index/details.h"
#include "index/read/packed_text.h"
#include "index/read/recordings.h"
#include "index/read/retention.h"
#include "index/rows.h"

namespace holdfast::apply {
namespace {

using rows::run;

Status insert_recording(WriteTxn& txn, const IngestRow& row, WorkspaceNo workspace_no) {
  HOLDFAST_TRY(rows::pass_number(txn.index(), row.recording_no));
  HOLDFAST_TRY(
      run(txn.index(),
          "INSERT INTO recording (recording_no, recording_id, workspace_no, call_sid, service_id, "
          "direction, started_at, ended_at, received_at, day, duration_ms, state, flags, tier, "
          "next_action_at, parts, bytes) "
          "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, 0, ?12, 0, ?13, 0, 0)",
          row.recording_no, row.recording, workspace_no.value, row.call_sid, row.service,
          row.direction, row.started_at, row.ended_at, row.received_at, row.day.packed(),
          row.duration, row.flags, row.next_action_at));
  return Status();
}

// A row that only the ledger spoke of has been shown by a medium.
Status locate_recording(WriteTxn& txn, const IngestRow& row, WorkspaceNo workspace_no) {
  return run(
      txn.index(),
      "UPDATE recording SET workspace_no = ?2, call_sid = ?3, service_id = ?4, "
      "direction = ?5, started_at = ?6, ended_at = ?7, received_at = ?8, day = ?9, "
      "duration_ms = ?10, flags = flags | ?11, next_action_at = ?12, state = 0, home_no = NULL "
      "WHERE recording_id = ?1 AND state = 4",
      row.recording, workspace_no.value, row.call_sid, row.service, row.direction, row.started_at,
      row.ended_at, row.received_at, row.day.packed(), row.duration, row.flags, row.next_action_at);
}

Status insert_files(Database& index, RecordingNo number, const IngestRow& row) {
  for (const FileRow& file : row.files)
    HOLDFAST_TRY(run(index,
                     "INSERT INTO file (recording_no, part, name, size, sha256, channel, format, "
                     "sample_rate, tracks, duration_ms) "
                     "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
                     number, row.part, file.name, file.size, file.sha256, file.channel, file.format,
                     file.sample_rate, file.tracks, file.duration));
  if (!row.metadata) return Status();
  return run(index, "INSERT INTO metadata (recording_no, bytes) VALUES (?1, ?2)", number,
             as_bytes(pack_text(*row.metadata)));
}

Status insert_search(Database& index, RecordingNo number, const IngestRow& row,
                     WorkspaceNo workspace_no) {
  return run(index,
             "INSERT INTO recording_search (rowid, scope, call_sid, caller, callee, tags, consent, "
             "words) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
             number, search_scope(workspace_no), row.call_sid, row.search.from, row.search.to,
             row.search.tags, row.search.consent, row.search.words);
}

struct PartTimes {
  UnixMillis received_at;
  std::optional<UnixMillis> started_at = std::nullopt;
  std::optional<UnixMillis> ended_at = std::nullopt;
};

Status insert_part(WriteTxn& txn, RecordingNo number, int part, Bytes bytes,
                   const PartTimes& times) {
  HOLDFAST_TRY(run(txn.index(),
                   "INSERT INTO part (recording_no, part, bytes, received_at, started_at, "
                   "ended_at, placed) VALUES (?1, ?2, ?3, ?4, ?5, ?6, 0)",
                   number, part, bytes, times.received_at, times.started_at, times.ended_at));
  return run(txn.index(),
             "UPDATE recording SET parts = max(parts, ?2), bytes = bytes + ?3 "
             "WHERE recording_no = ?1",
             number, part, bytes);
}

Status insert_original(WriteTxn& txn, RecordingNo number, const IngestRow& row,
                       const MediumId& medium) {
  HOLDFAST_ASSIGN(medium_no, rows::known_medium(txn, medium, Tier::kStandard));
  return run(txn.index(),
             "INSERT INTO copy (recording_no, part, medium_no, state, original, copied_at) "
             "VALUES (?1, ?2, ?3, 1, 1, ?4)",
             number, row.part, medium_no, txn.now());
}

// Only the ledger speaks of the part: a locked row keeps its place.
Status ingested_unseen(WriteTxn& txn, const RecordingId& recording, const json::object& details,
                       WorkspaceNo workspace_no, int part) {
  HOLDFAST_ASSIGN(number, need_integer(details, "no"));
  HOLDFAST_ASSIGN(bytes, need_integer(details, "bytes"));
  HOLDFAST_ASSIGN(known,
                  rows::known_or_unlocated(txn, recording, RecordingNo(number), workspace_no));
  if (part == 1) HOLDFAST_TRY(set_ingest_retention(txn, known, details));
  HOLDFAST_ASSIGN(arrived, arrival_of(details));
  return insert_part(txn, known, part, Bytes(bytes),
                     PartTimes{std::max(txn.now(), arrived.value_or(UnixMillis(0)))});
}

// Whether what a medium shows is what the line acknowledged.
bool is_the_same(const IngestRow& row, const json::object& details) {
  const json::value* digests = details.if_contains("files");
  if (digests == nullptr || !digests->is_array()) return true;
  std::vector<std::string> told;
  for (const json::value& one : digests->get_array())
    if (one.is_string()) told.emplace_back(one.get_string());
  std::vector<std::string> shown;
  for (const FileRow& file : row.files) shown.push_back(file.sha256.hex());
  std::sort(told.begin(), told.end());
  std::sort(shown.begin(), shown.end());
  return told == shown;
}

// Nothing too when a medium shows it with other files than were acknowledged.
Result<std::optional<IngestRow>> find_acknowledged(WriteTxn& txn, DecisionSource& source,
                                                   const RecordingId& recording, int part,
                                                   const json::object& details) {
  HOLDFAST_ASSIGN(row, source.find_ingest(recording, part));
  if (row && txn.replaying() && !is_the_same(*row, details)) return std::optional<IngestRow>();
  return row;
}

Result<bool> has_files(Database& index, RecordingNo number, int part) {
  Statement statement =
      index.prepare("SELECT 1 FROM file WHERE recording_no = ?1 AND part = ?2 LIMIT 1");
  statement.bind(number, part);
  return statement.step();
}

Result<bool> has_part(Database& index, RecordingNo number, int part) {
  Statement statement = index.prepare("SELECT 1 FROM part WHERE recording_no = ?1 AND part = ?2");
  statement.bind(number, part);
  return statement.step();
}

Result<bool> is_workspace(Database& index, int64_t workspace_no) {
  Statement statement = index.prepare("SELECT 1 FROM workspace WHERE workspace_no = ?1");
  statement.bind(workspace_no);
  return statement.step();
}

}  // namespace

Status let_lock_win(WriteTxn& txn, Status done) {
  if (done.ok() || !txn.replaying()) return done;
  if (done.error().code != Code::kLocked && done.error().code != Code::kConflict) return done;
  txn.note_contradiction(done.error().message);
  return Status();
}

// details: bytes, files (their digests), medium, no, part, workspace; of a class by default also
// class, version, retain_until or forever, expires_at; arrived_at
Status ingested(WriteTxn& txn, const Decision& line, DecisionSource& source) {
  HOLDFAST_ASSIGN(recording, RecordingId::from_text(line.on));
  HOLDFAST_ASSIGN(part64, need_integer(line.details, "part"));
  HOLDFAST_ASSIGN(workspace, details::need_id<WorkspaceId>(line.details, "workspace"));
  const int part = static_cast<int>(part64);
  HOLDFAST_ASSIGN(workspace_no, rows::known_workspace(txn, workspace, WorkspaceNo(0), ""));
  HOLDFAST_ASSIGN(known, find_recording_row(txn.index(), recording));
  if (known) {
    HOLDFAST_ASSIGN(there, has_part(txn.index(), known->recording_no, part));
    if (there) return Status();
  }
  HOLDFAST_ASSIGN(row, find_acknowledged(txn, source, recording, part, line.details));
  if (!row) return ingested_unseen(txn, recording, line.details, workspace_no, part);
  if (!known && txn.replaying()) {
    HOLDFAST_ASSIGN(number, rows::free_number(txn.index(), row->recording_no));
    row->recording_no = number;
  }
  if (!known)
    HOLDFAST_TRY(insert_recording(txn, *row, workspace_no));
  else if (known->state == RecordingState::kUnlocated && part == 1)
    HOLDFAST_TRY(locate_recording(txn, *row, workspace_no));
  const RecordingNo number = known ? known->recording_no : row->recording_no;
  const bool is_first = part == 1;
  if (is_first) HOLDFAST_TRY(insert_search(txn.index(), number, *row, workspace_no));
  if (is_first) HOLDFAST_TRY(set_ingest_retention(txn, number, line.details));
  Bytes bytes;
  for (const FileRow& file : row->files) bytes += file.size;
  HOLDFAST_ASSIGN(arrived, arrival_of(line.details));
  const PartTimes times{std::max(row->received_at, arrived.value_or(UnixMillis(0))),
                        row->part_started_at, row->part_ended_at};
  HOLDFAST_TRY(insert_part(txn, number, part, bytes, times));
  HOLDFAST_TRY(insert_files(txn.index(), number, *row));
  // Without a medium it was taken from a pack (adopt_part).
  HOLDFAST_ASSIGN(medium, details::find_id<MediumId>(line.details, "medium"));
  if (medium) HOLDFAST_TRY(insert_original(txn, number, *row, *medium));
  // A relabel may have been replayed before anybody knew what it speaks of.
  if (is_first && known) HOLDFAST_TRY(apply_labels(txn, number));
  if (part > 1)
    HOLDFAST_TRY(run(txn.index(),
                     "UPDATE recording SET flags = flags | ?2, "
                     "next_action_at = min(coalesce(next_action_at, ?3), coalesce(?3, "
                     "next_action_at)) WHERE recording_no = ?1",
                     number, row->flags, row->next_action_at));
  return rows::refresh_tier(txn.index(), number);
}

Status locate_part(WriteTxn& txn, RecordingNo number, int part, DecisionSource& source) {
  Database& index = txn.index();
  HOLDFAST_ASSIGN(known, rows::need_recording(index, number));
  HOLDFAST_ASSIGN(has, has_files(index, number, part));
  if (has) return Status();
  HOLDFAST_ASSIGN(row, source.find_ingest(known.recording, part));
  if (!row) return Status();
  Bytes bytes;
  for (const FileRow& file : row->files) bytes += file.size;
  HOLDFAST_TRY(run(index,
                   "UPDATE recording SET bytes = bytes + ?3 - (SELECT bytes FROM part "
                   "WHERE recording_no = ?1 AND part = ?2) WHERE recording_no = ?1",
                   number, part, bytes));
  HOLDFAST_TRY(run(index,
                   // An arrival by the compliance clock stands: it is later than what the medium
                   // says by more than a decision takes.
                   "UPDATE part SET bytes = ?3, received_at = iif(received_at > ?4 + 60000, "
                   "received_at, ?4), started_at = ?5, ended_at = ?6, "
                   "placed = 1 WHERE recording_no = ?1 AND part = ?2",
                   number, part, bytes, row->received_at, row->part_started_at,
                   row->part_ended_at));
  HOLDFAST_TRY(insert_files(index, number, *row));
  if (part > 1)
    return run(index, "UPDATE recording SET flags = flags | ?2 WHERE recording_no = ?1", number,
               row->flags);
  if (known.state != RecordingState::kUnlocated) return Status();
  HOLDFAST_ASSIGN(workspace_no, rows::known_workspace(txn, row->workspace, WorkspaceNo(0), ""));
  HOLDFAST_TRY(locate_recording(txn, *row, workspace_no));
  HOLDFAST_TRY(run(index, "UPDATE recording SET state = 1 WHERE recording_no = ?1", number));
  HOLDFAST_TRY(insert_search(index, number, *row, workspace_no));
  return apply_labels(txn, number);
}

Status condemned(WriteTxn& txn, const Decision& line, DecisionSource&) {
  HOLDFAST_ASSIGN(recording, RecordingId::from_text(line.on));
  HOLDFAST_ASSIGN(note, details::note_of(line.details, "note"));
  HOLDFAST_TRY(txn.read_note(note));
  HOLDFAST_TRY(learn_clock(txn, line.details));
  // An older index may not know that the files were placed, which has no line. What no medium has
  // shown stays locked: a missing index never destroys (P6).
  if (txn.replaying())
    HOLDFAST_TRY(run(txn.index(),
                     "UPDATE recording SET state = 1 WHERE recording_id = ?1 AND state = 0",
                     recording));
  return let_lock_win(txn,
                      run(txn.index(),
                          "UPDATE recording SET state = 2 WHERE recording_id = ?1 AND state <> 2 "
                          "AND NOT (?2 AND state = 4)",
                          recording, txn.replaying()));
}

namespace {

// A replay makes it at the destruction's beginning; its time is that of the last line.
Status insert_tombstone(WriteTxn& txn, const Digest& mark, const RecordingId& recording) {
  return run(txn.index(),
             "INSERT INTO tombstone (mark, recording_id, at) VALUES (?1, ?2, ?3) "
             "ON CONFLICT (mark) DO UPDATE SET at = excluded.at "
             "WHERE recording_id = excluded.recording_id",
             mark, recording, txn.now());
}

// A destruction that had begun may have taken the first part, which names the call, and left a
// later one, which names it as well. Without any, whether its bytes are gone or away is the
// rebuild's to judge, and the mark alone recognises a retry.
Result<bool> condemn_what_is_left(WriteTxn& txn, const RecordingRow& row, DecisionSource& source) {
  Database& index = txn.index();
  HOLDFAST_ASSIGN(kept, kept_time(index));
  if (row.holds > 0 || is_retained(row, kept)) return false;
  HOLDFAST_ASSIGN(parts, list_parts(index, row.recording_no));
  std::optional<IngestRow> left;
  for (const PartRow& part : parts) {
    HOLDFAST_ASSIGN(accepted, has_files(index, row.recording_no, part.part));
    if (!accepted) continue;
    HOLDFAST_ASSIGN(shown, source.find_ingest(row.recording, part.part));
    left = std::move(shown);
    if (left) break;
  }
  if (!left) return false;
  HOLDFAST_ASSIGN(workspace_no, rows::known_workspace(txn, left->workspace, WorkspaceNo(0), ""));
  const Status located = locate_recording(txn, *left, workspace_no);
  if (!located.ok() && located.error().code == Code::kConflict) {
    txn.note_contradiction(located.error().message);  // another has its call meanwhile
    return false;
  }
  if (!located.ok()) return located.error();
  for (const char* step : {"UPDATE recording SET state = 1 WHERE recording_no = ?1",
                           "UPDATE recording SET state = 2 WHERE recording_no = ?1"})
    HOLDFAST_TRY(run(index, step, row.recording_no));
  return true;
}

}  // namespace

// details: clock, mark (HMAC of workspace and call; older lines have none)
Status destroying(WriteTxn& txn, const Decision& line, DecisionSource& source) {
  HOLDFAST_ASSIGN(recording, RecordingId::from_text(line.on));
  HOLDFAST_ASSIGN(mark, details::find_digest(line.details, "mark"));
  HOLDFAST_TRY(learn_clock(txn, line.details));
  HOLDFAST_ASSIGN(row, find_recording_row(txn.index(), recording));
  if (!row) return Status();
  if (txn.replaying() && row->state == RecordingState::kUnlocated) {
    if (!mark) return Status();  // an older line
    HOLDFAST_TRY(insert_tombstone(txn, *mark, recording));
    HOLDFAST_ASSIGN(found, condemn_what_is_left(txn, *row, source));
    if (!found) return Status();
  }
  if (Status begun = run(txn.index(),
                         "UPDATE recording SET state = 3, next_action_at = NULL "
                         "WHERE recording_no = ?1 AND state <> 3",
                         row->recording_no);
      !begun.ok())
    return let_lock_win(txn, std::move(begun));
  if (txn.index().changes() > 0) {
    HOLDFAST_ASSIGN(at, rows::erasure_time(txn));
    HOLDFAST_TRY(rows::add_dead(txn.index(), row->recording_no, at));
  }
  HOLDFAST_TRY(run(txn.index(),
                   "UPDATE restore_waiter SET state = 5 WHERE state <= 1 AND restore_no IN "
                   "(SELECT restore_no FROM restore WHERE recording_no = ?1 AND state <= 2)",
                   row->recording_no));
  HOLDFAST_TRY(run(txn.index(),
                   "UPDATE restore SET state = 5 WHERE recording_no = ?1 AND state <= 1",
                   row->recording_no));
  return rows::leave_open_packs(txn.index(), row->recording_no);
}

namespace {

// Its retention has not ended by any time that the ledger kept: the row stays, and what the ledger
// says of its bytes is told as what became of its copies.
Status keep_without_copies(WriteTxn& txn, const RecordingRow& row) {
  txn.note_contradiction("recording " + row.recording.text() +
                         " was destroyed, and is retained until " + end_text(*row.retain_until));
  HOLDFAST_TRY(run(txn.index(),
                   "INSERT INTO quarantine (recording_no, part, pack_no, medium_no, reason, at) "
                   "SELECT recording_no, part, NULL, medium_no, "
                   "'the ledger says that it was destroyed', ?2 FROM copy "
                   "WHERE recording_no = ?1 AND state IN (1, 2, 4)",
                   row.recording_no, txn.now()));
  return run(txn.index(),
             "UPDATE copy SET state = 5 WHERE recording_no = ?1 AND state IN (1, 2, 4)",
             row.recording_no);
}

// The ledger says that its last copy went, by a line that both of its places had: whatever a replay
// has made of the row meanwhile (a hold of the matter recovery, or one whose release was lost),
// there is nothing left to keep, nor to look for.
Status begin_what_is_done(WriteTxn& txn, RecordingNo number) {
  Database& index = txn.index();
  HOLDFAST_TRY(run(index,
                   "UPDATE hold SET released_at = ?2, released_by = 'system' "
                   "WHERE recording_no = ?1 AND released_at IS NULL",
                   number, txn.now()));
  for (const char* step :
       {"UPDATE recording SET state = 1, call_sid = iif(state = 4, hex(recording_id), call_sid) "
        "WHERE recording_no = ?1 AND state IN (0, 4)",
        "UPDATE recording SET state = 2 WHERE recording_no = ?1 AND state = 1",
        "UPDATE recording SET state = 3 WHERE recording_no = ?1 AND state = 2"})
    HOLDFAST_TRY(run(index, step, number));
  return Status();
}

}  // namespace

// details: mark (HMAC of workspace and call)
Status destroyed(WriteTxn& txn, const Decision& line, DecisionSource&) {
  HOLDFAST_ASSIGN(recording, RecordingId::from_text(line.on));
  HOLDFAST_ASSIGN(mark, details::need_digest(line.details, "mark"));
  Database& index = txn.index();
  HOLDFAST_TRY(insert_tombstone(txn, mark, recording));
  HOLDFAST_ASSIGN(row, find_recording_row(index, recording));
  if (!row) return Status();
  const RecordingNo number = row->recording_no;
  const bool is_lost = row->state == RecordingState::kUnlocated;
  if ((txn.replaying() || is_lost) && row->state != RecordingState::kDestroying) {
    HOLDFAST_ASSIGN(kept, kept_time(index));
    if (is_retained(*row, kept)) return keep_without_copies(txn, *row);
    HOLDFAST_TRY(begin_what_is_done(txn, number));
  }
  HOLDFAST_TRY(run(index,
                   "UPDATE restore_waiter SET state = 5 WHERE state <= 2 AND restore_no IN "
                   "(SELECT restore_no FROM restore WHERE recording_no = ?1 AND state <= 2)",
                   number));
  HOLDFAST_TRY(
      run(index, "UPDATE restore SET state = 5 WHERE recording_no = ?1 AND state <= 2", number));
  HOLDFAST_TRY(run(index, "DELETE FROM copy WHERE recording_no = ?1", number));
  HOLDFAST_TRY(run(index, "DELETE FROM file WHERE recording_no = ?1", number));
  HOLDFAST_TRY(run(index, "DELETE FROM part WHERE recording_no = ?1", number));
  HOLDFAST_TRY(run(index, "DELETE FROM relabel WHERE recording_no = ?1", number));
  HOLDFAST_TRY(run(index, "DELETE FROM outbox WHERE recording_no = ?1", number));
  HOLDFAST_TRY(run(index, "DELETE FROM metadata WHERE recording_no = ?1", number));
  HOLDFAST_TRY(run(index, "DELETE FROM recording_search WHERE rowid = ?1", number));
  return run(index, "DELETE FROM recording WHERE recording_no = ?1", number);
}

// details: hold, matter, matter_name (a note), note, workspace_no
Status hold_placed(WriteTxn& txn, const Decision& line, DecisionSource&) {
  HOLDFAST_ASSIGN(recording, RecordingId::from_text(line.on));
  HOLDFAST_ASSIGN(hold, details::need_id<HoldId>(line.details, "hold"));
  HOLDFAST_ASSIGN(matter, details::need_id<MatterId>(line.details, "matter"));
  HOLDFAST_ASSIGN(name_note, details::note_of(line.details, "matter_name"));
  HOLDFAST_ASSIGN(note, details::note_of(line.details, "note"));
  HOLDFAST_ASSIGN(workspace_no, need_integer(line.details, "workspace_no"));
  HOLDFAST_ASSIGN(number, rows::known_or_unlocated(txn, recording, RecordingNo(0), WorkspaceNo(0)));
  HOLDFAST_ASSIGN(name, txn.read_note(name_note));
  HOLDFAST_TRY(txn.read_note(note));  // the index shows reasons
  HOLDFAST_ASSIGN(has_workspace, is_workspace(txn.index(), workspace_no));
  // Of a workspace whose line was lost, the lock is what counts.
  const bool is_lost = txn.replaying() && !has_workspace;
  HOLDFAST_TRY(run(txn.index(),
                   "INSERT INTO matter (matter_id, workspace_no, name, note, created_at) "
                   "VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (matter_id) DO NOTHING",
                   matter, is_lost ? 0 : workspace_no,
                   is_lost ? matter.text() : name.value_or(matter.text()), name_note, txn.now()));
  return run(txn.index(),
             "INSERT INTO hold (hold_id, recording_no, recording_id, matter_id, note, placed_by, "
             // Of the same matter, too, where the release of the former one was lost.
             "placed_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT DO NOTHING",
             hold, number, recording, matter, note, line.who, txn.now());
}

// details: hold, note
Status hold_released(WriteTxn& txn, const Decision& line, DecisionSource&) {
  HOLDFAST_ASSIGN(hold, details::need_id<HoldId>(line.details, "hold"));
  HOLDFAST_ASSIGN(note, details::note_of(line.details, "note"));
  HOLDFAST_TRY(txn.read_note(note));
  return run(txn.index(),
             "UPDATE hold SET released_at = ?2, released_by = ?3, release_note = ?4 "
             "WHERE hold_id = ?1 AND released_at IS NULL",
             hold, txn.now(), line.who, note);
}

}  // namespace holdfast::apply
