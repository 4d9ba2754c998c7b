// Commands of restores. A restart asks again, so none has a line.
#pragma once

#include "base/permit.h"
#include "index/writer.h"

namespace holdfast {

struct RequestRestore {
  RecordingNo recording;
  RestoreId restore;  // used when a new one is made
  std::string who;    // key id or uid: its recall budget
  RestorePriority priority = RestorePriority::kStandard;
  Millis keep = hours(24);
  std::string callback_url;
};
struct RestoreOutcome {
  RestoreRow restore;
  bool joined = false;  // an earlier one was joined
  int64_t waiter_no = 0;
};
// Joins the live restore of the recording or makes one. The longest keep and the most urgent
// priority win. One asker is one waiter. kConflict when the recording is not archived (a copy is on
// the standard tier), destroying or unlocated.
Command<RestoreOutcome> request_restore(RequestRestore request);

// queued → recalling; kConflict in another state. Idempotent on recalling.
Command<void> begin_recall(RestoreId restore);
// recalling → staged: every part has a staged copy on the medium. Gives the row with expires_at.
Command<RestoreRow> restore_staged(RestoreId restore, MediumId medium);
// recalling → queued, to be tried again at `not_before`; attempts + 1.
Command<void> restore_retry(RestoreId restore, std::string error, UnixMillis not_before);
// → failed, for its waiters too.
Command<void> restore_failed(RestoreId restore, std::string error);
// One waiter no longer wants it; the last one's leaving cancels a restore that is not staged yet.
// True when the restore itself is cancelled.
Command<bool> cancel_waiter(RestoreId restore, std::string who);
// staged → expired when its time is up at `now` (kConflict otherwise): permits for its staged
// copies, which become releasing; copy_gone ends each. Idempotent.
Command<std::vector<ReleasePermit>> expire_restore(RestoreId restore, UnixMillis now);

}  // namespace holdfast
