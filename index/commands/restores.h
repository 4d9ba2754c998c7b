// Commands of restores. A restart asks again, so none has a line.
#pragma once

#include "base/permit.h"
#include "index/writer.h"

namespace holdfast {

struct RequestRestore {
  RecordingNo recording;
  RestoreId restore;  // used when a new one is made
  std::string who;    // key id or uid: its recall budget
  // Recalls that `who` may start within an hour; none: as many as it likes. Joining is free.
  std::optional<int> budget_per_hour;
  RestorePriority priority = RestorePriority::kStandard;
  Millis keep = hours(24);
  std::string callback_url;
};
struct RestoreOutcome {
  RestoreRow restore;
  bool joined = false;  // an earlier one was joined; else the recall is started by this request
  int64_t waiter_no = 0;
};
// Joins the live restore of the recording or makes one. The longest keep and the most urgent
// priority win. One asker is one waiter. A staged one that is not whole any more (a staged copy was
// quarantined, a later part was archived) is over: a new one begins with its waiters, since no
// later restore revives the links of an earlier one. kConflict when the recording is not archived
// (a copy is on the standard tier), destroying or unlocated; kExhausted when the budget is used up.
Command<RestoreOutcome> request_restore(RequestRestore request);
// Several in one command, each as request_restore does it, in their order (at most
// limits::kBulkRestoreChunk: the writer serves others in between). One that is refused
// (kConflict, kExhausted, kNotFound) says so in its place and keeps none of the others back; any
// other error refuses them all.
Command<std::vector<Result<RestoreOutcome>>> request_restores(std::vector<RequestRestore> requests);

// Where queued or recalling restores are recalled from by now: their lane and their group. What is
// over by then is passed over.
struct RestoreSource {
  RestoreId restore;
  Tier tier = Tier::kWarm;
  MediumId medium;
  PackId pack;
};
Command<void> move_restores(std::vector<RestoreSource> sources);

// queued → recalling, its space reserved: kNoSpace when the staged copies and the recalls under way
// would have more than `staging_max`; kConflict in another state. Idempotent on recalling.
Command<void> begin_recall(RestoreId restore, Bytes staging_max);
// recalling → staged: `parts` have staged copies on the medium now. Gives the row with expires_at;
// while another part is still archived (it came meanwhile) the restore is queued again for it, and
// what is staged stays.
Command<RestoreRow> restore_staged(RestoreId restore, MediumId medium, std::vector<int> parts);
// recalling → queued, to be tried again at `not_before`; attempts + 1.
Command<void> restore_retry(RestoreId restore, std::string error, UnixMillis not_before);
// Of those that are queued every one may be looked at now, whatever it waits for.
Command<void> restores_wait_no_more();
// → queued, not to be looked at before `not_before`, because of `error` (empty: as it was told
// before): what is waited for (room, a removal, a medium that is away) is not the fault of any
// copy, and counts as no attempt. Passes over what is neither queued nor recalling; of the latter
// only the lane that recalls it may say so.
Command<void> restores_wait(std::vector<RestoreId> restores, std::string error,
                            UnixMillis not_before);
// → failed, for its waiters too. Staged copies that earlier tries left become releasing.
Command<void> restore_failed(RestoreId restore, std::string error);
// One waiter no longer wants it: the others' keep and priority alone count from then on. The last
// one's leaving cancels a restore that is not staged yet, and its staged copies, if an earlier one
// left some, become releasing; one that is staged stays until its time is up. True when the restore
// itself is cancelled. kNotFound when `who` does not wait for it.
Command<bool> cancel_waiter(RestoreId restore, std::string who);
// staged → expired when its time is up at `now` (kConflict otherwise): permits for its staged
// copies, which become releasing; copy_gone ends each. Idempotent.
Command<std::vector<ReleasePermit>> expire_restore(RestoreId restore, UnixMillis now);

}  // namespace holdfast
