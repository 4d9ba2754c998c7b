// Time comes in through this interface, so that tests own it.
#pragma once

#include <atomic>

#include "base/types.h"

namespace holdfast {

// Thread rule: every method may be called from any thread.
class Clock {
 public:
  virtual ~Clock() = default;
  // System time, UTC. May jump; nothing is destroyed on its word alone (P9).
  virtual UnixMillis now() const = 0;
  // Milliseconds since an arbitrary start; never goes backwards.
  virtual Millis monotonic() const = 0;
};

class SystemClock final : public Clock {
 public:
  UnixMillis now() const override;
  Millis monotonic() const override;
};

// A clock that stands still until it is moved. For tests and simulations.
class ManualClock final : public Clock {
 public:
  explicit ManualClock(UnixMillis start) : now_(start.count), monotonic_(0) {}
  UnixMillis now() const override { return UnixMillis(now_.load()); }
  Millis monotonic() const override { return Millis(monotonic_.load()); }
  // Both clocks go forward together. `step` is 0 or more.
  void advance(Millis step) { now_ += step.count, monotonic_ += step.count; }
  // The system time is set, as an administrator or a broken NTP server would.
  void jump_to(UnixMillis time) { now_ = time.count; }

 private:
  std::atomic<int64_t> now_;
  std::atomic<int64_t> monotonic_;
};

}  // namespace holdfast
