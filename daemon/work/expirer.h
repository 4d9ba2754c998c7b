// Expiry: condemns, at a pace, what retention no longer keeps; the mover destroys it.
//
// Off unless the configuration says so (expiry.enabled); the compliance clock is kept going either
// way. What may go, and when a circuit breaker stands before it: index/commands/expiry.h.
#pragma once

#include <atomic>
#include <functional>

#include "daemon/work/archive.h"
#include "daemon/work/clock_keeper.h"

namespace holdfast {

class Expirer {
 public:
  // `wake_mover` is called after something was condemned.
  Expirer(const Archive& archive, std::function<void()> wake_mover)
      : archive_(archive), clock_(archive), wake_mover_(std::move(wake_mover)) {}

  // One turn: as many as the rate allows since the last one. Gives how many were condemned. Thread
  // rule: one thread.
  Result<int64_t> run_once(Io& io);
  // The same, errors logged.
  void run(Io& io);
  void request_stop() { stop_ = true; }

 private:
  int64_t allowance();

  Archive archive_;
  ClockKeeper clock_;
  std::function<void()> wake_mover_;
  std::optional<Millis> looked_at_;  // monotonic
  int64_t earned_ = 0;               // run time × rate, not spent yet
  std::atomic<bool> stop_{false};
};

}  // namespace holdfast
