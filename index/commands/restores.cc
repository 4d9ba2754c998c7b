#include "index/commands/restores.h"

#include "base/limits.h"
#include "base/time_text.h"
#include "index/commands/outbox.h"
#include "index/guard.h"
#include "index/read/recordings.h"
#include "index/read/restores.h"
#include "index/rows.h"

namespace holdfast {
namespace {

using rows::run;

constexpr std::string_view kRestored = "recording.restored";
constexpr std::string_view kRestoreFailed = "recording.restore_failed";

Result<RestoreRow> need_restore(Database& index, const RestoreId& restore) {
  HOLDFAST_ASSIGN(row, find_restore(index, restore));
  if (!row) return Error{Code::kNotFound, "there is no restore " + restore.text()};
  return *std::move(row);
}

Error wrong_state(const RestoreRow& row, std::string_view what) {
  return Error{Code::kConflict, "restore " + row.restore.text() + " is " +
                                    std::string(word(row.state)) + ": " + std::string(what)};
}

// Some part has no plain, live copy on the standard tier, but a live one below it.
Result<bool> is_archived(Database& index, const RecordingRow& row) {
  if (row.state == RecordingState::kDestroying || row.state == RecordingState::kUnlocated)
    return false;
  Statement statement = index.prepare(
      "SELECT count(*) FROM part t WHERE t.recording_no = ?1 AND NOT EXISTS "
      "(SELECT 1 FROM copy c CROSS JOIN medium m ON m.medium_no = c.medium_no "
      "WHERE c.recording_no = t.recording_no AND c.part = t.part AND m.tier = 0 "
      "AND c.state IN (1, 2, 4))");
  statement.bind(row.recording_no);
  HOLDFAST_ASSIGN(found, statement.step());
  return found && statement.next<int64_t>() > 0;
}

Status check_archived(Database& index, const RecordingRow& row) {
  HOLDFAST_ASSIGN(archived, is_archived(index, row));
  if (archived) return Status();
  const bool is_living =
      row.state != RecordingState::kDestroying && row.state != RecordingState::kUnlocated;
  return Error{Code::kConflict,
               "recording " + row.recording.text() + " is " +
                   (is_living ? "not archived: it is readable now" : std::string(word(row.state)))};
}

// Counted where it is taken, so that requests at one time cannot exceed it together.
Status check_budget(WriteTxn& txn, const RequestRestore& request) {
  if (!request.budget_per_hour) return Status();
  const int64_t budget = *request.budget_per_hour;
  HOLDFAST_ASSIGN(
      used, recalls_since(txn.index(), request.who, txn.now() - hours(1) + Millis(1), budget));
  if (used < budget) return Status();
  return Error{Code::kExhausted, "this key has started " + std::to_string(used) +
                                     " recalls within the last hour, which is its budget"};
}

// What is promised to be told must have its place.
Status check_outbox(Database& index, const RequestRestore& request, WorkspaceNo workspace_no) {
  if (request.callback_url.empty()) return Status();
  HOLDFAST_ASSIGN(is_full, has_messages(index, workspace_no, limits::kOutboxMax));
  if (!is_full) return Status();
  return Error{Code::kExhausted, std::to_string(limits::kOutboxMax) +
                                     " callbacks of this workspace wait for receivers that do not "
                                     "answer; ask without callback_url, or have them dropped"};
}

Status insert_restore(WriteTxn& txn, const RequestRestore& request, const RecordingRow& row) {
  // Grouped by the pack of the first archived part, on the fastest medium that is not lost.
  return run(txn.index(),
             "INSERT INTO restore (restore_id, recording_no, workspace_no, state, priority, tier, "
             "bytes, keep_ms, started_by, requested_at, not_before, pack_no, medium_no) "
             "SELECT ?1, ?2, ?3, 0, ?4, max(1, coalesce(best.tier, ?5)), ?6, ?7, ?9, ?8, ?8, "
             "best.pack_no, "
             "best.medium_no FROM (SELECT 1) LEFT JOIN (SELECT c.pack_no, c.medium_no, m.tier "
             "FROM copy c CROSS JOIN medium m ON m.medium_no = c.medium_no "
             "WHERE c.recording_no = ?2 AND c.pack_no IS NOT NULL AND c.state IN (1, 2) "
             "AND m.state <> 3 ORDER BY m.state <> 0, m.tier, c.part LIMIT 1) AS best",
             request.restore, row.recording_no, row.workspace_no.value, request.priority, row.tier,
             row.bytes, request.keep, txn.now(), request.who);
}

// A staged restore of which a part is archived again is over. Its waiters go on waiting, for the
// one that follows, which keeps the result as long as they were promised.
Result<Millis> end_broken(WriteTxn& txn, const RestoreRow& live) {
  HOLDFAST_TRY(
      run(txn.index(), "UPDATE restore SET state = 3 WHERE restore_no = ?1", live.restore_no));
  const UnixMillis until = live.expires_at.value_or(txn.now());
  return Millis(std::max<int64_t>(0, until.count - txn.now().count));
}
Status take_over_waiters(WriteTxn& txn, const RestoreRow& ended, int64_t restore_no, Millis keep) {
  HOLDFAST_TRY(run(txn.index(),
                   "UPDATE restore_waiter SET restore_no = ?2, state = 0, "
                   "keep_ms = min(keep_ms, ?3) WHERE restore_no = ?1 AND state <= 2",
                   ended.restore_no, restore_no, keep));
  return run(txn.index(),
             "UPDATE restore SET keep_ms = max(keep_ms, ?2), priority = min(priority, ?3) "
             "WHERE restore_no = ?1",
             restore_no, keep, ended.priority);
}

// One asker is one waiter: asking again may only lengthen the keep and hurry, unless it had taken
// its wish back.
Result<int64_t> join(WriteTxn& txn, const RequestRestore& request, int64_t restore_no,
                     RestoreState state) {
  Statement statement = txn.index().prepare(
      "INSERT INTO restore_waiter (restore_no, who, state, keep_ms, callback_url, requested_at, "
      "priority) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (restore_no, who) DO UPDATE SET "
      "state = excluded.state, "
      "keep_ms = iif(state = 5, excluded.keep_ms, max(keep_ms, excluded.keep_ms)), "
      "priority = iif(state = 5, excluded.priority, min(priority, excluded.priority)), "
      "requested_at = iif(state = 5, excluded.requested_at, requested_at), "
      "callback_url = iif(state = 5 OR excluded.callback_url <> '', excluded.callback_url, "
      "callback_url) "
      "RETURNING waiter_no");
  statement.bind(restore_no, request.who, state, request.keep, request.callback_url, txn.now(),
                 request.priority);
  HOLDFAST_ASSIGN(found, statement.step());
  assert(found);
  const auto waiter_no = found ? statement.next<int64_t>() : 0;
  HOLDFAST_TRY(statement.step());
  HOLDFAST_TRY(run(txn.index(),
                   "UPDATE restore SET keep_ms = max(keep_ms, ?2), priority = min(priority, ?3), "
                   "expires_at = iif(state = 2, max(expires_at, ?4 + ?2), expires_at) "
                   "WHERE restore_no = ?1",
                   restore_no, request.keep, request.priority, txn.now()));
  return waiter_no;
}

Result<RestoreOutcome> request(WriteTxn& txn, const RequestRestore& request) {
  Database& index = txn.index();
  HOLDFAST_ASSIGN(row, rows::need_recording(index, request.recording));
  HOLDFAST_TRY(check_outbox(index, request, row.workspace_no));
  HOLDFAST_ASSIGN(live, live_restore(index, request.recording));
  bool broken = false;
  if (live && live->state == RestoreState::kStaged) {
    HOLDFAST_ASSIGN(archived, is_archived(index, row));
    broken = archived;
  }
  RestoreOutcome out;
  out.joined = live.has_value() && !broken;
  if (!out.joined) {
    HOLDFAST_TRY(check_archived(index, row));
    HOLDFAST_TRY(check_budget(txn, request));
    Millis promised{0};
    if (broken) {
      HOLDFAST_ASSIGN(left, end_broken(txn, *live));
      promised = left;
    }
    HOLDFAST_TRY(insert_restore(txn, request, row));
    if (broken) {
      HOLDFAST_ASSIGN(follower, need_restore(index, request.restore));
      HOLDFAST_TRY(take_over_waiters(txn, *live, follower.restore_no, promised));
    }
  }
  HOLDFAST_ASSIGN(joined, need_restore(index, out.joined ? live->restore : request.restore));
  HOLDFAST_ASSIGN(waiter_no, join(txn, request, joined.restore_no, joined.state));
  HOLDFAST_ASSIGN(restore, need_restore(index, joined.restore));
  out.restore = std::move(restore);
  out.waiter_no = waiter_no;
  return out;
}

// The restore and those of its waiters that still wait.
Status to_state(WriteTxn& txn, const RestoreRow& row, RestoreState state) {
  HOLDFAST_TRY(run(txn.index(), "UPDATE restore SET state = ?2 WHERE restore_no = ?1",
                   row.restore_no, state));
  return run(txn.index(),
             "UPDATE restore_waiter SET state = ?2 WHERE restore_no = ?1 AND state <= 2",
             row.restore_no, state);
}

// To those who wait and named a URL, how it ended. `row` is as it ends.
Status call_back(WriteTxn& txn, const RestoreRow& row, std::string_view event) {
  HOLDFAST_ASSIGN(workspace, find_workspace(txn.index(), row.workspace));
  HOLDFAST_ASSIGN(waiters, restore_waiters(txn.index(), row.restore));
  assert(workspace.has_value());
  for (const RestoreWaiterRow& waiter : waiters) {
    if (waiter.callback_url.empty() || waiter.state > RestoreState::kRecalling) continue;
    json::object data{{"workspace_id", row.workspace.text()},
                      {"call_sid", row.call_sid},
                      {"restore_id", row.restore.text()}};
    if (row.expires_at) data["expires_at"] = to_iso(*row.expires_at);
    // Why is told to those who ask with a key: the words may name media.
    if (event == kRestoreFailed) data["error"] = "no copy of it could be read";
    HOLDFAST_TRY(enqueue_message(txn, {workspace->workspace_no, row.recording_no,
                                       waiter.callback_url, std::string(event), std::move(data)}));
  }
  return Status();
}

// Of a restore that ends before it is staged: what an earlier one left goes, unless it is the last
// good copy.
Status release_staged(WriteTxn& txn, const RestoreRow& row) {
  Database& index = txn.index();
  HOLDFAST_ASSIGN(recording, find_recording_row(index, row.recording_no));
  if (!recording) return Status();
  HOLDFAST_ASSIGN(copies, list_copies(index, row.recording_no));
  for (const CopyRow& copy : copies) {
    if (copy.state != CopyState::kStaged) continue;
    const auto permit = Guard::check_staged_release(txn, row.recording_no, copy.part, copy.medium);
    if (!permit.ok() && permit.error().code == Code::kLocked) continue;
    if (!permit.ok()) return permit.error();
    HOLDFAST_TRY(run(index,
                     "UPDATE copy SET state = 3 WHERE recording_no = ?1 AND part = ?2 "
                     "AND state = 4 AND medium_no = (SELECT medium_no FROM medium "
                     "WHERE medium_id = ?3)",
                     row.recording_no, copy.part, copy.medium));
  }
  return Status();
}

Result<RestoreRow> staged(WriteTxn& txn, const RestoreId& restore, const MediumId& medium,
                          const std::vector<int>& parts) {
  Database& index = txn.index();
  HOLDFAST_ASSIGN(row, need_restore(index, restore));
  if (row.state == RestoreState::kStaged) return row;
  if (row.state != RestoreState::kRecalling) return wrong_state(row, "it cannot be staged");
  HOLDFAST_ASSIGN(recording, rows::need_recording(index, row.recording_no));
  if (recording.state == RecordingState::kDestroying)
    return wrong_state(row, "the recording is being destroyed");
  HOLDFAST_ASSIGN(medium_no, rows::need_medium_no(index, medium));
  // What is still being removed, or is bad, stands where the staged copy would.
  Statement standing = index.prepare(
      "SELECT 1 FROM copy WHERE recording_no = ?1 AND medium_no = ?2 AND state IN (3, 5)");
  standing.bind(row.recording_no, medium_no);
  HOLDFAST_ASSIGN(in_the_way, standing.step());
  if (in_the_way) return wrong_state(row, "an older copy on the medium is not gone yet");
  for (int part : parts)
    HOLDFAST_TRY(run(index,
                     "INSERT INTO copy (recording_no, part, medium_no, state, copied_at) "
                     "VALUES (?1, ?2, ?3, 4, ?4) "
                     "ON CONFLICT (recording_no, part, medium_no) DO NOTHING",
                     row.recording_no, part, medium_no, txn.now()));
  // A part that came meanwhile and is archived already is fetched as well, before anybody is told.
  HOLDFAST_ASSIGN(archived, is_archived(index, recording));
  if (archived) {
    HOLDFAST_TRY(to_state(txn, row, RestoreState::kQueued));
    return need_restore(index, restore);
  }
  HOLDFAST_TRY(run(index,
                   "UPDATE restore SET staged_at = ?2, expires_at = ?2 + keep_ms, error = '' "
                   "WHERE restore_id = ?1",
                   restore, txn.now()));
  HOLDFAST_ASSIGN(ended, need_restore(index, restore));
  HOLDFAST_TRY(call_back(txn, ended, kRestored));
  HOLDFAST_TRY(to_state(txn, row, RestoreState::kStaged));
  return need_restore(index, restore);
}

Result<std::vector<ReleasePermit>> expire(WriteTxn& txn, const RestoreId& restore, UnixMillis now) {
  Database& index = txn.index();
  HOLDFAST_ASSIGN(row, need_restore(index, restore));
  if (row.state == RestoreState::kStaged && row.expires_at && *row.expires_at > now)
    return wrong_state(row, "its time is not up");
  if (row.state != RestoreState::kStaged && row.state != RestoreState::kExpired)
    return wrong_state(row, "nothing is staged");
  std::vector<ReleasePermit> permits;
  HOLDFAST_ASSIGN(copies, list_copies(index, row.recording_no));
  for (const CopyRow& copy : copies) {
    const bool going = copy.state == CopyState::kReleasing && !copy.pack && !copy.original;
    if (copy.state != CopyState::kStaged && !going) continue;
    HOLDFAST_ASSIGN(permit,
                    Guard::check_staged_release(txn, row.recording_no, copy.part, copy.medium));
    permits.push_back(std::move(permit));
  }
  HOLDFAST_TRY(run(index, "UPDATE copy SET state = 3 WHERE recording_no = ?1 AND state = 4",
                   row.recording_no));
  if (row.state == RestoreState::kStaged) HOLDFAST_TRY(to_state(txn, row, RestoreState::kExpired));
  return permits;
}

}  // namespace

Command<RestoreOutcome> request_restore(RequestRestore asked) {
  return {"request a restore",
          [asked = std::move(asked)](WriteTxn& txn) { return request(txn, asked); }};
}

Command<std::vector<Result<RestoreOutcome>>> request_restores(
    std::vector<RequestRestore> requests) {
  using Outcomes = std::vector<Result<RestoreOutcome>>;
  const auto apply = [requests = std::move(requests)](WriteTxn& txn) -> Result<Outcomes> {
    Outcomes outcomes;
    for (const RequestRestore& one : requests) {
      // Whatever refuses one of them does so before its first row is written.
      Result<RestoreOutcome> outcome = request(txn, one);
      if (!outcome.ok()) {
        const Code code = outcome.error().code;
        if (code != Code::kConflict && code != Code::kExhausted && code != Code::kNotFound)
          return outcome.error();
      }
      outcomes.push_back(std::move(outcome));
    }
    return outcomes;
  };
  return {"request restores", apply};
}

Command<void> move_restores(std::vector<RestoreSource> sources) {
  const auto apply = [sources = std::move(sources)](WriteTxn& txn) -> Status {
    for (const RestoreSource& source : sources) {
      HOLDFAST_ASSIGN(medium_no, rows::need_medium_no(txn.index(), source.medium));
      HOLDFAST_ASSIGN(pack_no, rows::need_pack_no(txn.index(), source.pack));
      HOLDFAST_TRY(run(txn.index(),
                       "UPDATE restore SET tier = max(1, ?2), medium_no = ?3, pack_no = ?4 "
                       "WHERE restore_id = ?1 AND state <= 1",
                       source.restore, source.tier, medium_no, pack_no));
    }
    return Status();
  };
  return {"follow the copies of restores", apply};
}

Command<void> begin_recall(RestoreId restore, Bytes staging_max) {
  const auto apply = [restore, staging_max](WriteTxn& txn) -> Status {
    HOLDFAST_ASSIGN(row, need_restore(txn.index(), restore));
    if (row.state != RestoreState::kQueued && row.state != RestoreState::kRecalling)
      return wrong_state(row, "it cannot be recalled");
    HOLDFAST_ASSIGN(reserved, staged_bytes(txn.index()));
    if (row.state == RestoreState::kQueued && reserved + row.bytes > staging_max)
      return Error{Code::kNoSpace,
                   "restore " + row.restore.text() + ": of " + std::to_string(staging_max.count) +
                       " bytes for staged copies " + std::to_string(reserved.count) + " are taken"};
    // Also of one that is recalled again: an index that takes no row stops it before it is read.
    HOLDFAST_TRY(run(txn.index(), "UPDATE restore SET started_at = ?2 WHERE restore_id = ?1",
                     restore, txn.now()));
    return to_state(txn, row, RestoreState::kRecalling);
  };
  return {"begin a recall", apply};
}

Command<RestoreRow> restore_staged(RestoreId restore, MediumId medium, std::vector<int> parts) {
  return {"stage a restore", [restore, medium, parts = std::move(parts)](WriteTxn& txn) {
            return staged(txn, restore, medium, parts);
          }};
}

Command<void> restore_retry(RestoreId restore, std::string error, UnixMillis not_before) {
  const auto apply = [=](WriteTxn& txn) -> Status {
    HOLDFAST_ASSIGN(row, need_restore(txn.index(), restore));
    if (row.state != RestoreState::kRecalling && row.state != RestoreState::kQueued)
      return wrong_state(row, "it cannot be tried again");
    HOLDFAST_TRY(run(txn.index(),
                     "UPDATE restore SET attempts = attempts + 1, error = ?2, not_before = ?3 "
                     "WHERE restore_id = ?1",
                     restore, error.substr(0, limits::kErrorBytesMax), not_before));
    return to_state(txn, row, RestoreState::kQueued);
  };
  return {"put a restore back into the queue", apply};
}

Command<void> restores_wait_no_more() {
  const auto apply = [](WriteTxn& txn) -> Status {
    return run(txn.index(),
               "UPDATE restore SET not_before = ?1 WHERE state = 0 AND not_before > ?1", txn.now());
  };
  return {"let queued restores be tried", apply};
}

Command<void> restores_wait(std::vector<RestoreId> restores, std::string error,
                            UnixMillis not_before) {
  const auto apply = [=](WriteTxn& txn) -> Status {
    for (const RestoreId& restore : restores) {
      HOLDFAST_TRY(run(txn.index(),
                       "UPDATE restore SET error = iif(?2 = '', error, ?2), not_before = ?3, "
                       "state = 0 WHERE restore_id = ?1 AND state <= 1",
                       restore, error.substr(0, limits::kErrorBytesMax), not_before));
      HOLDFAST_TRY(run(txn.index(),
                       "UPDATE restore_waiter SET state = 0 WHERE state = 1 AND restore_no = "
                       "(SELECT restore_no FROM restore WHERE restore_id = ?1 AND state = 0)",
                       restore));
    }
    return Status();
  };
  return {"let restores wait", apply};
}

Command<void> restore_failed(RestoreId restore, std::string error) {
  const auto apply = [=](WriteTxn& txn) -> Status {
    HOLDFAST_ASSIGN(row, need_restore(txn.index(), restore));
    if (row.state == RestoreState::kFailed) return Status();
    if (row.state > RestoreState::kRecalling) return wrong_state(row, "it cannot fail any more");
    HOLDFAST_TRY(run(txn.index(),
                     "UPDATE restore SET attempts = attempts + 1, error = ?2 "
                     "WHERE restore_id = ?1",
                     restore, error.substr(0, limits::kErrorBytesMax)));
    HOLDFAST_TRY(release_staged(txn, row));
    HOLDFAST_ASSIGN(ended, need_restore(txn.index(), restore));
    HOLDFAST_TRY(call_back(txn, ended, kRestoreFailed));
    return to_state(txn, row, RestoreState::kFailed);
  };
  return {"fail a restore", apply};
}

Command<bool> cancel_waiter(RestoreId restore, std::string who) {
  const auto apply = [=](WriteTxn& txn) -> Result<bool> {
    Database& index = txn.index();
    HOLDFAST_ASSIGN(row, need_restore(index, restore));
    HOLDFAST_TRY(run(index,
                     "UPDATE restore_waiter SET state = 5 WHERE restore_no = ?1 AND who = ?2 "
                     "AND state <= 2",
                     row.restore_no, who));
    if (index.changes() == 0)
      return Error{Code::kNotFound, "nobody of that name waits for restore " + restore.text()};
    if (row.state > RestoreState::kRecalling) return false;
    // The others' wishes alone decide from now on.
    HOLDFAST_TRY(run(index,
                     "UPDATE restore SET priority = w.priority, keep_ms = w.keep FROM "
                     "(SELECT min(priority) AS priority, max(keep_ms) AS keep FROM restore_waiter "
                     "WHERE restore_no = ?1 AND state <= 2) AS w "
                     "WHERE restore_no = ?1 AND w.priority IS NOT NULL",
                     row.restore_no));
    if (index.changes() > 0) return false;
    HOLDFAST_TRY(release_staged(txn, row));
    HOLDFAST_TRY(to_state(txn, row, RestoreState::kCancelled));
    return true;
  };
  return {"cancel a restore", apply};
}

Command<std::vector<ReleasePermit>> expire_restore(RestoreId restore, UnixMillis now) {
  return {"expire a restore", [restore, now](WriteTxn& txn) { return expire(txn, restore, now); }};
}

}  // namespace holdfast
