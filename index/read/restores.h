// Restores: the queue that the restorers' lanes read, and what is told of it.
// A query of the queue costs what it returns, not what waits.
#pragma once

#include "index/read/database.h"
#include "index/read/records.h"

namespace holdfast {

Result<std::optional<RestoreRow>> find_restore(Database& index, const RestoreId& restore);
// The live restore of a recording: queued, recalling or staged.
Result<std::optional<RestoreRow>> live_restore(Database& index, RecordingNo recording_no);

// Restores of the tier that are being recalled, oldest first: after a start those that the last run
// left.
Result<std::vector<RestoreRow>> recalls_under_way(Database& index, Tier tier, int limit);

// What one lane may choose from, whatever the length of the queue: the oldest of the tier, and the
// oldest of each priority of each workspace, so that neither a long queue nor its priorities hide
// anybody. Restores that may not be tried yet at `now` are not among them; none comes twice.
struct ReadyShare {
  int oldest = 256;          // rows by age alone
  int by_group = 512;        // rows of all groups together, at least one of each
  int groups_max = 512;      // groups (workspace and priority) looked at
  WorkspaceNo begin_with{};  // groups are looked at from this workspace on, and then round
};
struct ReadyRestores {
  std::vector<RestoreRow> rows;
  WorkspaceNo go_on_with{};  // where the next look should begin; 0: all groups were looked at
};
Result<ReadyRestores> ready_restores(Database& index, Tier tier, UnixMillis now,
                                     const ReadyShare& share);

// Whether a queued restore may not be tried yet at `now`.
Result<bool> has_waiting_restores(Database& index, UnixMillis now);

// Staged restores whose keep time is over at `now`.
Result<std::vector<RestoreRow>> expired_restores(Database& index, UnixMillis now, int limit);
Result<std::vector<RestoreWaiterRow>> restore_waiters(Database& index, const RestoreId& restore);

// Restores of a workspace, newest first; state none: all. `after` is the last row of the page
// before.
struct RestoreKey {
  UnixMillis requested_at;
  int64_t restore_no = 0;
};
Result<std::vector<RestoreRow>> list_restores(Database& index, WorkspaceNo workspace_no,
                                              std::optional<RestoreState> state,
                                              std::optional<RestoreKey> after, int limit);

// Where the bytes of a restore lie on the medium that its row names: by that the recalls of a batch
// are ordered. Nothing when its copy is there no more.
struct RecallPlace {
  std::string location;
  Bytes offset;
  Bytes length;
};
Result<std::optional<RecallPlace>> recall_place(Database& index, const RestoreRow& restore);

// Restores of the tier that are queued and were asked before `asked_before`: all, or those of one
// workspace and priority. Counted up to 10,000: beyond that the estimate is at its bound anyway.
struct QueuePart {
  struct Group {
    WorkspaceId workspace;
    RestorePriority priority = RestorePriority::kStandard;
  };
  std::optional<Group> group;
  UnixMillis asked_before{INT64_MAX};
};
Result<int64_t> queue_length(Database& index, Tier tier, const QueuePart& part = {});
// How many each workspace has queued, of the first 10,000 rows.
Result<std::vector<int64_t>> queue_by_workspace(Database& index, Tier tier);

// Bytes of staged copies and of recalls under way: what the reservation counts.
Result<Bytes> staged_bytes(Database& index);
// Restores that `who` started (joined ones are free) at or after `since`: the recall budget of a
// key. Counted up to `most`.
Result<int64_t> recalls_since(Database& index, std::string_view who, UnixMillis since,
                              int64_t most);

// The measured history of a medium, newest first, at most limits::kRecallSamplesKept.
Result<std::vector<RecallSampleRow>> recall_samples(Database& index, const MediumId& medium);

}  // namespace holdfast
