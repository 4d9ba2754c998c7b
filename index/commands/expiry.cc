#include "index/commands/expiry.h"

#include <algorithm>

#include "base/limits.h"
#include "index/commands/destruction.h"
#include "index/rows.h"

namespace holdfast {
namespace {

// Those that nobody has condemned.
Result<int64_t> count_living(Database& index) {
  Statement statement = index.prepare(
      "SELECT coalesce(sum(recordings - destroying), 0) FROM tally WHERE workspace_no = 0");
  HOLDFAST_ASSIGN(found, statement.step());
  return found ? statement.next<int64_t>() : 0;
}

// What has certainly come; nothing while the clock stands or was never set, nor soon after a person
// set it forward: what came in before may have come in later than its line says.
Result<std::optional<UnixMillis>> going_time(WriteTxn& txn, Millis not_before) {
  HOLDFAST_ASSIGN(clock, find_clock(txn.index()));
  if (!clock || clock->state.stopped_at) return std::optional<UnixMillis>();
  const UnixMillis certain = std::min(clock->state.now, txn.now());
  if (expiry_waits_until(*clock, certain, not_before)) return std::optional<UnixMillis>();
  return std::optional<UnixMillis>(certain);
}

Status store(WriteTxn& txn, const ExpiryRow& row) {
  return rows::run(txn.index(),
                   "UPDATE expiry SET day_from = ?1, expired = ?2, accepted = ?3, open_since = ?4, "
                   "due = ?5",
                   row.day_from, row.expired, row.accepted, row.open_since, row.due);
}

// A turn that has nothing to do writes nothing.
Status store_changed(WriteTxn& txn, const ExpiryRow& before, const ExpiryRow& after) {
  return before == after ? Status() : store(txn, after);
}

Result<Expired> expire(WriteTxn& txn, const ExpireDue& request) {
  Database& index = txn.index();
  Expired out;
  HOLDFAST_ASSIGN(now, going_time(txn, request.not_before));
  HOLDFAST_ASSIGN(state, find_expiry(index));
  if (!now || state.open_since) return out;
  const ExpiryRow before = state;
  const DueExpiry due{*now, request.not_before};
  if (*now - state.day_from >= Millis(limits::kExpiryDayMs) || *now < state.day_from) {
    state.day_from = *now;
    state.expired = 0;
  }
  HOLDFAST_ASSIGN(living, count_living(index));
  // What went today counts as if it were still there: the share is of the archive as it was.
  const int64_t allowed =
      std::max<int64_t>(0,
                        breaker_allows(request.breaker, living + state.expired) - state.expired) +
      state.accepted;
  if (request.due == 0) {
    state.accepted = 0;  // what a person let go is gone
    state.day_from = before.day_from;
    state.expired = before.expired;
    HOLDFAST_TRY(store_changed(txn, before, state));
    return out;
  }
  if (request.due > allowed) {
    state.open_since = txn.now();
    state.due = request.due;
    out.opened = true;
    HOLDFAST_TRY(store(txn, state));
    return out;
  }
  // Leave is for what is due: what others have deleted or locked since leaves none for later.
  state.accepted = std::min(state.accepted, request.due);
  const int64_t most = std::min({request.most, limits::kExpiryBatch, request.due});
  HOLDFAST_ASSIGN(rows, due_to_expire(index, due, static_cast<int>(most)));
  for (const RecordingRow& row : rows) {
    HOLDFAST_ASSIGN(condemned, condemn_expired(txn, row, request.who));
    if (!condemned) continue;
    ++out.condemned;
    if (state.accepted > 0)
      --state.accepted;
    else
      ++state.expired;
  }
  HOLDFAST_TRY(store(txn, state));
  return out;
}

}  // namespace

int64_t breaker_allows(const ExpiryBreaker& breaker, int64_t recordings) {
  const int64_t share =
      recordings / 100 * breaker.percent + recordings % 100 * breaker.percent / 100;
  return std::max(limits::kExpiryBreakerLeast, std::min(breaker.count, share));
}

Result<int64_t> count_due(Database& index, UnixMillis now, const ExpireDue& request) {
  HOLDFAST_ASSIGN(certain, certain_time(index, now));
  HOLDFAST_ASSIGN(state, find_expiry(index));
  const int64_t most =
      std::max(limits::kExpiryCountMax, request.breaker.count) + state.accepted + 1;
  return count_due_to_expire(index, DueExpiry{certain, request.not_before}, most);
}

Command<Expired> expire_due(ExpireDue request) {
  return {"expire what is due",
          [request = std::move(request)](WriteTxn& txn) { return expire(txn, request); }};
}

Command<int64_t> accept_expiry(int64_t due, std::string reason, std::string who) {
  const auto apply = [=](WriteTxn& txn) -> Result<int64_t> {
    Database& index = txn.index();
    HOLDFAST_ASSIGN(state, find_expiry(index));
    if (due == 0 && !state.open_since) return int64_t{0};
    LineDraft line;
    line.kind = decision::kExpiryAccepted;
    line.who = who;
    line.weight = Weight::kWeakening;
    line.details["due"] = due;
    HOLDFAST_ASSIGN(note, txn.write_note(reason));
    if (!note.empty()) line.details["note"] = note;
    HOLDFAST_TRY(txn.decide(std::move(line)));
    return due;
  };
  return {"accept what is due to expire", apply};
}

}  // namespace holdfast
