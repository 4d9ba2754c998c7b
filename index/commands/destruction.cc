#include "index/commands/destruction.h"

#include "index/guard.h"
#include "index/read/recordings.h"
#include "index/read/retention.h"
#include "index/rows.h"

namespace holdfast {
namespace {

LineDraft weakening(std::string_view kind, const RecordingRow& row, const std::string& who) {
  LineDraft line;
  line.kind = kind;
  line.who = who;
  line.on = row.recording.text();
  line.weight = Weight::kWeakening;
  return line;
}

// With the compliance time by which retention was judged: a replay must know that it had come.
Result<LineDraft> judged(WriteTxn& txn, std::string_view kind, const RecordingRow& row,
                         const std::string& who) {
  LineDraft line = weakening(kind, row, who);
  HOLDFAST_ASSIGN(kept, kept_time(txn.index()));
  if (row.retention_class) line.details["clock"] = kept.count;
  return line;
}

Error wrong_state(const RecordingRow& row, std::string_view what) {
  return Error{Code::kConflict, "recording " + row.recording.text() + " is " +
                                    std::string(word(row.state)) + ": " + std::string(what)};
}

Result<RecordingRow> begin(WriteTxn& txn, RecordingNo recording, const std::string& who) {
  HOLDFAST_ASSIGN(row, rows::need_recording(txn.index(), recording));
  if (row.state == RecordingState::kDestroying) return row;
  HOLDFAST_TRY(Guard::check_destroy(txn, recording));
  if (row.state != RecordingState::kCondemned)
    return wrong_state(row, "only a condemned recording is destroyed");
  HOLDFAST_ASSIGN(line, judged(txn, decision::kDestroying, row, who));
  // The age of what is dead in a pack begins then, whatever the system clock says.
  HOLDFAST_ASSIGN(kept, kept_time(txn.index()));
  line.details["clock"] = kept.count;
  // Its bytes may be gone, and the index lost, before the last line is written.
  line.details["mark"] = txn.tombstone(row.workspace, row.call_sid).hex();
  HOLDFAST_TRY(txn.decide(std::move(line)));
  return rows::need_recording(txn.index(), recording);
}

Result<std::vector<ReleasePermit>> permits(WriteTxn& txn, RecordingNo recording) {
  HOLDFAST_ASSIGN(row, rows::need_recording(txn.index(), recording));
  if (row.state != RecordingState::kDestroying)
    return wrong_state(row, "no copy is permitted to go");
  HOLDFAST_ASSIGN(copies, list_copies(txn.index(), recording));
  std::vector<ReleasePermit> out;
  for (const CopyRow& copy : copies) {
    if (copy.pack) continue;
    HOLDFAST_ASSIGN(permit, Guard::check_release(txn, recording, copy.part, copy.medium, {}));
    out.push_back(std::move(permit));
  }
  HOLDFAST_TRY(rows::run(txn.index(),
                         "UPDATE copy SET state = 3 WHERE recording_no = ?1 AND pack_no IS NULL "
                         "AND state <> 3",
                         recording));
  return out;
}

// kConflict while its files are still on the way to their place.
Status check_placed(WriteTxn& txn, const RecordingRow& row) {
  if (row.state == RecordingState::kCommitted)
    return wrong_state(row, "its files are not in their place yet; try again");
  HOLDFAST_ASSIGN(parts, list_parts(txn.index(), row.recording_no));
  for (const PartRow& part : parts)
    if (!part.placed) return wrong_state(row, "a part of it is not in its place yet; try again");
  return {};
}

// What was said of it goes with it. Its destruction is decided already, so a crash between here and
// the last line only leaves less to erase the next time.
Status erase_labels(WriteTxn& txn, RecordingNo recording) {
  Statement statement =
      txn.index().prepare("SELECT reason, labels FROM relabel WHERE recording_no = ?1");
  statement.bind(recording);
  std::vector<std::string> notes;
  for (;;) {
    HOLDFAST_ASSIGN(more, statement.step());
    if (!more) break;
    notes.push_back(statement.next<std::string>());
    notes.push_back(statement.next<std::string>());
  }
  for (const std::string& note : notes) HOLDFAST_TRY(txn.erase_note(note));
  return Status();
}

// A replay keeps it of a recording whose destruction had begun.
Result<std::optional<Digest>> mark_of_begun(WriteTxn& txn, const RecordingId& recording) {
  Statement statement =
      txn.index().prepare("SELECT mark FROM tombstone WHERE recording_id = ?1 LIMIT 1");
  statement.bind(recording);
  HOLDFAST_ASSIGN(begun, statement.step());
  if (!begun) return std::optional<Digest>();
  return std::optional<Digest>(statement.next<Digest>());
}

}  // namespace

Command<RecordingRow> condemn(RecordingNo recording, std::string who, std::string reason,
                              std::optional<WorkspaceNo> workspace_no) {
  const auto apply = [recording, who = std::move(who), reason = std::move(reason),
                      workspace_no](WriteTxn& txn) -> Result<RecordingRow> {
    HOLDFAST_ASSIGN(row, rows::need_recording_of(txn.index(), recording, workspace_no));
    if (row.state == RecordingState::kCondemned || row.state == RecordingState::kDestroying)
      return row;
    HOLDFAST_TRY(Guard::check_destroy(txn, recording));
    HOLDFAST_TRY(check_placed(txn, row));
    HOLDFAST_ASSIGN(line, judged(txn, decision::kCondemned, row, who));
    HOLDFAST_ASSIGN(note, txn.write_note(reason));
    if (!note.empty()) line.details["note"] = note;
    HOLDFAST_TRY(txn.decide(std::move(line)));
    return rows::need_recording(txn.index(), recording);
  };
  return {"condemn", apply};
}

Result<bool> condemn_expired(WriteTxn& txn, const RecordingRow& row, const std::string& who) {
  for (const Status& ready :
       {Guard::check_destroy(txn, row.recording_no), check_placed(txn, row)}) {
    if (ready.ok()) continue;
    if (ready.error().code == Code::kLocked || ready.error().code == Code::kConflict) return false;
    return ready.error();
  }
  HOLDFAST_ASSIGN(line, judged(txn, decision::kCondemned, row, who));
  line.details["cause"] = "expired";
  HOLDFAST_TRY(txn.decide(std::move(line)));
  return true;
}

Command<RecordingRow> begin_destroying(RecordingNo recording, std::string who) {
  return {"begin destroying",
          [recording, who = std::move(who)](WriteTxn& txn) { return begin(txn, recording, who); }};
}

Command<std::vector<ReleasePermit>> permit_destruction(RecordingNo recording) {
  return {"permit destruction", [recording](WriteTxn& txn) { return permits(txn, recording); }};
}

Command<void> finish_destroyed(RecordingNo recording, std::string who) {
  const auto apply = [recording, who = std::move(who)](WriteTxn& txn) -> Status {
    HOLDFAST_ASSIGN(row, rows::need_recording(txn.index(), recording));
    if (row.state != RecordingState::kDestroying)
      return wrong_state(row, "its destruction has not begun");
    HOLDFAST_ASSIGN(copies, list_copies(txn.index(), recording));
    if (!copies.empty()) return wrong_state(row, "copies of it are left");
    HOLDFAST_TRY(erase_labels(txn, recording));
    LineDraft line = weakening(decision::kDestroyed, row, who);
    line.details["mark"] = txn.tombstone(row.workspace, row.call_sid).hex();
    return txn.decide(std::move(line));
  };
  return {"finish destroying", apply};
}

Command<bool> finish_unseen_destruction(RecordingNo recording, std::string who) {
  const auto apply = [recording, who = std::move(who)](WriteTxn& txn) -> Result<bool> {
    HOLDFAST_ASSIGN(row, rows::need_recording(txn.index(), recording));
    HOLDFAST_ASSIGN(kept, kept_time(txn.index()));
    if (row.state != RecordingState::kUnlocated || row.holds > 0 || is_retained(row, kept))
      return false;
    HOLDFAST_ASSIGN(mark, mark_of_begun(txn, row.recording));
    if (!mark) return false;
    HOLDFAST_TRY(erase_labels(txn, recording));
    LineDraft line = weakening(decision::kDestroyed, row, who);
    line.details["mark"] = mark->hex();
    HOLDFAST_TRY(txn.decide(std::move(line)));
    return true;
  };
  return {"finish a destruction that nobody sees", apply};
}

}  // namespace holdfast
