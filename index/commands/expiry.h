// Commands of expiry: what retention no longer keeps is condemned, as if somebody had deleted it;
// the mover destroys it. A circuit breaker stands before it.
//
//   closed ──more is due within a day than it lets through──▶ open ──accept_expiry()──▶ closed
//
// Invariants
// - Nothing is condemned while the breaker is open, while the compliance clock stands or was never
//   set, before the end by both clocks, or less than `not_before` after its last part came in, or
//   after a person set the compliance clock forward.
// - Each goes through the guard of every destruction, in the transaction that condemns it.
#pragma once

#include "index/read/retention.h"
#include "index/writer.h"

namespace holdfast {

struct ExpiryBreaker {
  int percent = 2;  // of all recordings, within a day
  int64_t count = 10'000;
};
// How many a day it lets through, of an archive of so many recordings.
int64_t breaker_allows(const ExpiryBreaker& breaker, int64_t recordings);

struct ExpireDue {
  int64_t most = 0;  // recordings of this turn
  Millis not_before = days(30);
  ExpiryBreaker breaker;
  std::string who = "system";
  int64_t due = 0;  // count_due: what the breaker judges by; no more go
};
// How many are due at system time `now`, as far as the breaker has to know. It costs what is due:
// on a reader's connection, never within a command.
Result<int64_t> count_due(Database& index, UnixMillis now, const ExpireDue& request);
struct Expired {
  int64_t condemned = 0;
  bool opened = false;  // the breaker, by this turn
};
// Condemns the next ones that are due. Decision recording.condemned for each (weakening).
Command<Expired> expire_due(ExpireDue request);

// As many as a person was told are due may go: the breaker closes, and lets them through beside
// what it always does. Gives how many. Decision expiry.accepted (weakening); none when nothing is
// due and it is closed.
Command<int64_t> accept_expiry(int64_t due, std::string reason, std::string who);

}  // namespace holdfast
