#include "index/commands/copies.h"

#include "index/read/recordings.h"
#include "index/rows.h"

namespace holdfast {
namespace {

LineDraft copy_line(std::string_view kind, const RecordingRow& row, int part,
                    const MediumId& medium, const std::string& who) {
  LineDraft line;
  line.kind = kind;
  line.who = who;
  line.on = row.recording.text();
  line.details["part"] = part;
  line.details["medium"] = medium.text();
  return line;
}

Result<bool> is_releasing(Database& index, RecordingNo recording, int part,
                          const MediumId& medium) {
  Statement statement = index.prepare(
      "SELECT 1 FROM copy WHERE recording_no = ?1 AND part = ?2 AND state = 3 "
      "AND medium_no = (SELECT medium_no FROM medium WHERE medium_id = ?3)");
  statement.bind(recording, part, medium);
  return statement.step();
}

// A copy that somebody may read, of a recording that is not being destroyed.
Result<bool> is_standing(Database& index, RecordingNo recording, int part, const MediumId& medium,
                         const std::optional<UnixMillis>& copied_at) {
  Statement statement = index.prepare(
      "SELECT 1 FROM copy c CROSS JOIN recording r ON r.recording_no = c.recording_no "
      "WHERE c.recording_no = ?1 AND c.part = ?2 AND c.state IN (1, 2, 4) AND r.state <> 3 "
      "AND c.medium_no = (SELECT medium_no FROM medium WHERE medium_id = ?3) "
      "AND (?4 IS NULL OR c.copied_at = ?4)");
  statement.bind(recording, part, medium, copied_at);
  return statement.step();
}

}  // namespace

Command<ReleasePermit> release_copy(RecordingNo recording, int part, MediumId medium,
                                    ReleasePolicy policy, std::string who) {
  const auto apply = [=](WriteTxn& txn) -> Result<ReleasePermit> {
    HOLDFAST_ASSIGN(permit, Guard::check_release(txn, recording, part, medium, policy));
    HOLDFAST_ASSIGN(releasing, is_releasing(txn.index(), recording, part, medium));
    if (releasing) return permit;
    HOLDFAST_ASSIGN(row, rows::need_recording(txn.index(), recording));
    LineDraft line = copy_line(decision::kCopyReleased, row, part, medium, who);
    line.weight = Weight::kWeakening;
    HOLDFAST_TRY(txn.decide(std::move(line)));
    return permit;
  };
  return {"release a copy", apply};
}

Command<void> copy_gone(RecordingNo recording, int part, MediumId medium) {
  const auto apply = [=](WriteTxn& txn) -> Status {
    HOLDFAST_TRY(rows::run(txn.index(),
                           "DELETE FROM copy WHERE recording_no = ?1 AND part = ?2 AND state = 3 "
                           "AND medium_no = (SELECT medium_no FROM medium WHERE medium_id = ?3)",
                           recording, part, medium));
    return rows::may_lie_nowhere(txn.index(), recording, txn.now());
  };
  return {"forget a released copy", apply};
}

Command<bool> copy_quarantined(RecordingNo recording, int part, MediumId medium,
                               std::optional<UnixMillis> copied_at, std::string reason,
                               std::string who) {
  const auto apply = [=](WriteTxn& txn) -> Result<bool> {
    HOLDFAST_ASSIGN(stands, is_standing(txn.index(), recording, part, medium, copied_at));
    if (!stands) return false;
    HOLDFAST_ASSIGN(row, rows::need_recording(txn.index(), recording));
    HOLDFAST_ASSIGN(note, txn.write_note(reason));
    LineDraft line = copy_line(decision::kCopyQuarantined, row, part, medium, who);
    line.weight = Weight::kNeutral;
    if (!note.empty()) line.details["note"] = note;
    HOLDFAST_TRY(txn.decide(std::move(line)));
    return true;
  };
  return {"quarantine a copy", apply};
}

Command<void> copy_verified(RecordingNo recording, int part, MediumId medium, VerifyMode mode) {
  const auto apply = [=](WriteTxn& txn) -> Status {
    if (mode == VerifyMode::kNone)
      return Error{Code::kInvalid, "a read from the page cache verifies nothing"};
    return rows::run(txn.index(),
                     "UPDATE copy SET state = 2, verified_at = ?4, verify_mode = ?5 "
                     "WHERE recording_no = ?1 AND part = ?2 AND state IN (1, 2) "
                     "AND medium_no = (SELECT medium_no FROM medium WHERE medium_id = ?3)",
                     recording, part, medium, txn.now(), mode);
  };
  return {"note a verified copy", apply};
}

}  // namespace holdfast
