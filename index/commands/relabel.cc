#include "index/commands/relabel.h"

#include "base/limits.h"
#include "index/read/attributes.h"
#include "index/read/recordings.h"
#include "index/read/relabels.h"
#include "index/rows.h"

namespace holdfast {
namespace {

Status refuse_unless_kept(const RecordingRow& row) {
  const std::string name = "recording " + row.recording.text();
  switch (row.state) {
    case RecordingState::kCommitted:
    case RecordingState::kLive:
      return {};
    case RecordingState::kCondemned:
      return Error{Code::kConflict,
                   name + " is condemned: what is on its way out keeps its labels"};
    case RecordingState::kDestroying:
      return Error{Code::kConflict, "already-destroyed: " + name + " is being destroyed"};
    case RecordingState::kUnlocated:
      return Error{Code::kConflict, name + " lies on no medium that was shown yet"};
  }
  return {};
}

Status check_attributes(const json::object& attributes) {
  for (const json::key_value_pair& member : attributes)
    if (is_contract_key(member.key()))
      return Error{Code::kInvalid, "\"" + std::string(member.key()) +
                                       "\" is a fact of the platform, not an attribute"};
  return {};
}

Result<bool> has_tombstone(Database& index, const Digest& mark) {
  Statement statement = index.prepare("SELECT 1 FROM tombstone WHERE mark = ?1");
  statement.bind(mark);
  return statement.step();
}

// The workspace to move to, if it takes the recording.
Result<WorkspaceRow> need_target(WriteTxn& txn, const RecordingRow& row, const WorkspaceId& to) {
  Database& index = txn.index();
  HOLDFAST_ASSIGN(target, find_workspace(index, to));
  if (!target)
    return Error{Code::kInvalid, "there is no workspace " + to.text() +
                                     "; add it first: holdfast workspace add " + to.text()};
  HOLDFAST_ASSIGN(there, find_recording_row(index, target->workspace_no, row.call_sid));
  if (there)
    return Error{Code::kConflict,
                 "workspace " + to.text() +
                     " has a recording of this call already: " + there->recording.text()};
  const Digest mark = txn.tombstone(to, row.call_sid);
  HOLDFAST_ASSIGN(destroyed, has_tombstone(index, mark));
  if (destroyed)
    return Error{Code::kConflict, "erased: workspace " + to.text() +
                                      " had a recording of this call, which was destroyed"};
  HOLDFAST_ASSIGN(former, rows::find_former_address(index, mark));
  if (former && *former != row.recording)
    return Error{Code::kConflict, "relabelled: workspace " + to.text() +
                                      " had another recording of this call: " + former->text()};
  return *std::move(target);
}

Result<int> next_number(Database& index, RecordingNo recording) {
  Statement statement =
      index.prepare("SELECT coalesce(max(relabel_no), 0) + 1 FROM relabel WHERE recording_no = ?1");
  statement.bind(recording);
  HOLDFAST_ASSIGN(found, statement.step());
  return found ? statement.next<int>() : 1;
}

// True when the patch says something else than what is known.
Result<bool> patch_changes(Database& index, RecordingNo recording, const json::object& patch) {
  HOLDFAST_ASSIGN(before, effective_attributes(index, recording));
  json::object after = before;
  merge_patch(after, patch);
  if (canonical(after).size() > size_t{limits::kMetadataBytesMax})
    return Error{Code::kTooLarge, "the attributes would have more than " +
                                      std::to_string(limits::kMetadataBytesMax) + " bytes"};
  return after != before;
}

Result<Relabelled> apply(WriteTxn& txn, const Relabel& request) {
  Database& index = txn.index();
  if (request.reason.empty()) return Error{Code::kInvalid, "a relabel names its reason"};
  HOLDFAST_ASSIGN(row, rows::need_recording(index, request.recording));
  HOLDFAST_TRY(refuse_unless_kept(row));
  Relabelled out{false, row, row};

  LineDraft line;
  line.kind = decision::kRelabelled;
  line.who = request.who;
  line.on = row.recording.text();
  line.weight = Weight::kNeutral;
  if (request.sets_service && request.service != row.service)
    line.details["service"] = request.service ? request.service->text() : "";
  if (request.workspace && *request.workspace != row.workspace) {
    HOLDFAST_ASSIGN(target, need_target(txn, row, *request.workspace));
    line.details["workspace"] = target.workspace.text();
    line.details["mark"] = txn.tombstone(row.workspace, row.call_sid).hex();
  }
  if (request.attributes) {
    HOLDFAST_TRY(check_attributes(*request.attributes));
    HOLDFAST_ASSIGN(changes, patch_changes(index, request.recording, *request.attributes));
    if (changes) {
      HOLDFAST_ASSIGN(labels, txn.write_note(canonical(*request.attributes)));
      line.details["labels"] = labels;
    }
  }
  if (line.details.empty()) return out;
  HOLDFAST_ASSIGN(number, next_number(index, request.recording));
  if (number > kRelabelsMax)
    return Error{Code::kConflict, "recording " + row.recording.text() + " was relabelled " +
                                      std::to_string(kRelabelsMax) + " times already"};
  HOLDFAST_ASSIGN(reason, txn.write_note(request.reason));
  line.details["note"] = reason;
  line.details["number"] = number;
  HOLDFAST_TRY(txn.decide(std::move(line)));
  HOLDFAST_ASSIGN(after, rows::need_recording(index, request.recording));
  out.changed = true;
  out.after = std::move(after);
  return out;
}

}  // namespace

Command<Relabelled> relabel(Relabel request) {
  return {"relabel", [request = std::move(request)](WriteTxn& txn) { return apply(txn, request); }};
}

}  // namespace holdfast
