#include "index/commands/holds.h"

#include "index/read/holds.h"
#include "index/read/recordings.h"
#include "index/rows.h"

namespace holdfast {
namespace {

// The unreleased hold of a matter on a recording.
Result<std::optional<HoldId>> standing_hold(Database& index, RecordingNo recording,
                                            const MatterId& matter) {
  Statement statement = index.prepare(
      "SELECT hold_id FROM hold WHERE recording_no = ?1 AND matter_id = ?2 "
      "AND released_at IS NULL");
  statement.bind(recording, matter);
  HOLDFAST_ASSIGN(found, statement.step());
  if (!found) return std::optional<HoldId>();
  return std::optional<HoldId>(statement.next<HoldId>());
}

Result<HoldRow> need_hold(Database& index, const HoldId& hold) {
  HOLDFAST_ASSIGN(row, find_hold(index, hold));
  if (!row) return Error{Code::kNotFound, "there is no hold " + hold.text()};
  return *std::move(row);
}

Result<HoldRow> place(WriteTxn& txn, const PlaceHold& request) {
  Database& index = txn.index();
  if (request.matter.empty()) return Error{Code::kInvalid, "a hold names its matter"};
  HOLDFAST_ASSIGN(recording, find_recording_row(index, request.recording));
  if (!recording)
    return Error{Code::kNotFound, "there is no recording " + request.recording.text()};
  HOLDFAST_ASSIGN(matter, find_matter(index, request.workspace_no, request.matter));
  LineDraft line;
  line.kind = decision::kHoldPlaced;
  line.who = request.who;
  line.on = request.recording.text();
  line.weight = Weight::kProtecting;
  if (matter) {
    HOLDFAST_ASSIGN(standing, standing_hold(index, recording->recording_no, matter->matter));
    if (standing) return need_hold(index, *standing);
  } else {
    HOLDFAST_ASSIGN(name_note, txn.write_note(request.matter));
    line.details["matter_name"] = name_note;
  }
  const MatterId matter_id = matter ? matter->matter : txn.random().id<MatterId>();
  const auto hold = txn.random().id<HoldId>();
  HOLDFAST_ASSIGN(note, txn.write_note(request.reason));
  line.details["hold"] = hold.text();
  line.details["matter"] = matter_id.text();
  line.details["workspace_no"] = request.workspace_no.value;
  if (!note.empty()) line.details["note"] = note;
  HOLDFAST_TRY(txn.decide(std::move(line)));
  return need_hold(index, hold);
}

}  // namespace

Command<HoldRow> place_hold(PlaceHold request) {
  return {"place a hold",
          [request = std::move(request)](WriteTxn& txn) { return place(txn, request); }};
}

Command<HoldRow> release_hold(HoldId hold, std::string reason, std::string who) {
  const auto apply = [hold, reason = std::move(reason),
                      who = std::move(who)](WriteTxn& txn) -> Result<HoldRow> {
    HOLDFAST_ASSIGN(row, need_hold(txn.index(), hold));
    if (row.released_at)
      return Error{Code::kConflict, "hold " + hold.text() + " is released already"};
    HOLDFAST_ASSIGN(note, txn.write_note(reason));
    LineDraft line;
    line.kind = decision::kHoldReleased;
    line.who = who;
    line.on = row.recording.text();
    line.weight = Weight::kWeakening;
    line.details["hold"] = hold.text();
    if (!note.empty()) line.details["note"] = note;
    HOLDFAST_TRY(txn.decide(std::move(line)));
    return need_hold(txn.index(), hold);
  };
  return {"release a hold", apply};
}

}  // namespace holdfast
