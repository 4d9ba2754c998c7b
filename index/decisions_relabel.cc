// Decisions that override what media say of a recording. What is effective follows from the
// ingest and all relabels in their order, so that a replay, whatever it learns first, ends alike.
#include "index/decisions_apply.h"
#include "index/details.h"
#include "index/read/attributes.h"
#include "index/read/recordings.h"
#include "index/read/relabels.h"
#include "index/rows.h"

namespace holdfast::apply {
namespace {

using rows::run;

Status set_search_row(Database& index, const RecordingRow& row) {
  HOLDFAST_ASSIGN(attributes, effective_attributes(index, row.recording_no));
  const SearchText text = search_text(attributes);
  return run(index,
             "UPDATE recording_search SET scope = ?2, caller = ?3, callee = ?4, tags = ?5, "
             "consent = ?6, words = ?7 WHERE rowid = ?1",
             row.recording_no, search_scope(row.workspace_no), text.from, text.to, text.tags,
             text.consent, text.words);
}

// Restores go along; who waited in the other workspace is not called back there.
Status move_restores(Database& index, RecordingNo recording, WorkspaceNo to) {
  HOLDFAST_TRY(run(index,
                   "UPDATE restore_waiter SET callback_url = '' WHERE restore_no IN "
                   "(SELECT restore_no FROM restore WHERE recording_no = ?1)",
                   recording));
  return run(index, "UPDATE restore SET workspace_no = ?2 WHERE recording_no = ?1", recording,
             to.value);
}

// Another workspace may have another rule: policy looks at it now, not when the old one said.
Status look_anew(WriteTxn& txn, RecordingNo recording) {
  HOLDFAST_TRY(run(txn.index(),
                   "UPDATE recording SET next_action_at = ?2 WHERE recording_no = ?1 AND state = 1",
                   recording, txn.now()));
  return run(txn.index(),
             "UPDATE pack SET next_action_at = ?2 WHERE state = 1 AND pack_no IN "
             "(SELECT pack_no FROM copy WHERE recording_no = ?1 AND pack_no IS NOT NULL)",
             recording, txn.now());
}

}  // namespace

Status apply_labels(WriteTxn& txn, RecordingNo recording) {
  Database& index = txn.index();
  HOLDFAST_TRY(run(index,
                   "UPDATE recording SET service_id = last.service_id FROM "
                   "(SELECT service_id FROM relabel WHERE recording_no = ?1 AND sets_service = 1 "
                   "ORDER BY relabel_no DESC LIMIT 1) AS last WHERE recording_no = ?1",
                   recording));
  // The first move freezes where its files lie: in the tree of the workspace that took it in.
  HOLDFAST_TRY(run(index,
                   "UPDATE recording SET home_no = coalesce(home_no, workspace_no), "
                   "workspace_no = last.to_no FROM (SELECT to_no FROM relabel "
                   "WHERE recording_no = ?1 AND from_no <> to_no ORDER BY relabel_no DESC LIMIT 1) "
                   "AS last WHERE recording_no = ?1 AND workspace_no <> last.to_no",
                   recording));
  HOLDFAST_ASSIGN(row, rows::need_recording(index, recording));
  return set_search_row(index, row);
}

// details: note, number; and of labels (a note), mark (of the former address), service ("" for
// none), workspace those that change
Status relabelled(WriteTxn& txn, const Decision& line, DecisionSource&) {
  Database& index = txn.index();
  HOLDFAST_ASSIGN(recording, RecordingId::from_text(line.on));
  HOLDFAST_ASSIGN(number, need_integer(line.details, "number"));
  HOLDFAST_ASSIGN(note, details::note_of(line.details, "note"));
  HOLDFAST_ASSIGN(labels, details::note_of(line.details, "labels"));
  HOLDFAST_ASSIGN(service, find_string(line.details, "service"));
  HOLDFAST_ASSIGN(workspace, details::find_id<WorkspaceId>(line.details, "workspace"));
  HOLDFAST_ASSIGN(recording_no,
                  rows::known_or_unlocated(txn, recording, RecordingNo(0), WorkspaceNo(0)));
  HOLDFAST_ASSIGN(row, rows::need_recording(index, recording_no));
  WorkspaceNo to = row.workspace_no;
  if (workspace) {
    HOLDFAST_ASSIGN(known, rows::known_workspace(txn, *workspace, WorkspaceNo(0), ""));
    to = known;
    HOLDFAST_ASSIGN(mark, details::need_digest(line.details, "mark"));
    HOLDFAST_TRY(run(index,
                     "INSERT INTO former_address (mark, recording_id, at) VALUES (?1, ?2, ?3) "
                     "ON CONFLICT (mark) DO NOTHING",
                     mark, recording, txn.now()));
  }
  std::optional<WorkspaceId> agent;
  if (service && !service->empty()) {
    HOLDFAST_ASSIGN(id, WorkspaceId::from_text(*service));
    agent = id;
  }
  HOLDFAST_TRY(txn.read_note(note));
  HOLDFAST_TRY(txn.read_note(labels));
  HOLDFAST_TRY(run(index,
                   "INSERT INTO relabel (recording_no, relabel_no, at, who, reason, labels, "
                   "sets_service, service_id, from_no, to_no) "
                   "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10) "
                   "ON CONFLICT (recording_no, relabel_no) DO NOTHING",
                   recording_no, number, txn.now(), line.who, note, labels, service.has_value(),
                   agent, row.workspace_no.value, to.value));
  HOLDFAST_TRY(apply_labels(txn, recording_no));
  if (to == row.workspace_no) return {};
  HOLDFAST_TRY(move_restores(index, recording_no, to));
  return look_anew(txn, recording_no);
}

}  // namespace holdfast::apply
