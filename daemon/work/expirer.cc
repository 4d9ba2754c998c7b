#include "daemon/work/expirer.h"

#include <algorithm>

#include "base/limits.h"
#include "base/log.h"
#include "index/commands/expiry.h"

namespace holdfast {
namespace {

constexpr int64_t kHourMs = 3'600'000;
constexpr int64_t kEarnedMs = 120'000;  // what two turns of a minute earn is kept, no more

}  // namespace

void Expirer::run(Io& io) {
  const Result<int64_t> condemned = run_once(io);
  if (!condemned.ok())
    log::warning("expiry: {}", condemned.error().message);
  else if (*condemned > 0)
    log::info("expiry: {} recordings whose retention has ended were condemned", *condemned);
}

// Recordings that the rate allows now.
int64_t Expirer::allowance() {
  const int64_t rate = archive_.config().expiry.rate_per_hour;
  const Millis now = archive_.clock.monotonic();
  const int64_t passed = looked_at_ ? now.count - looked_at_->count : 0;
  looked_at_ = now;
  // At least one is earned in the end, however low the rate.
  const int64_t most = std::max(rate * kEarnedMs, kHourMs);
  earned_ = std::min(most, earned_ + std::min(passed, kHourMs) * rate);
  return earned_ / kHourMs;
}

Result<int64_t> Expirer::run_once(Io& io) {
  HOLDFAST_ASSIGN(goes, clock_.tick());
  int64_t left = allowance();
  const Config::Expiry& settings = archive_.config().expiry;
  if (!goes || !settings.enabled) return int64_t{0};
  int64_t condemned = 0;
  ExpireDue request;
  request.not_before = settings.not_before;
  request.breaker = ExpiryBreaker{settings.breaker_percent, settings.breaker_count};
  if (left > 0) {
    HOLDFAST_ASSIGN(index, archive_.index.take());
    HOLDFAST_ASSIGN(due, count_due(*index, archive_.clock.now(), request));
    request.due = due;
  }
  while (left > 0 && !stop_) {
    io.pulse().beat();
    request.most = left;
    HOLDFAST_ASSIGN(turn, archive_.writer.call(expire_due(request)));
    if (turn.opened)
      log::error(
          "expiry: {} recordings are due, more than a day may take: nothing goes until "
          "somebody says holdfast expire --accept",
          request.due);
    if (turn.condemned == 0) break;
    condemned += turn.condemned;
    left -= turn.condemned;
    request.due -= turn.condemned;
    earned_ -= turn.condemned * kHourMs;
    wake_mover_();
  }
  return condemned;
}

}  // namespace holdfast
