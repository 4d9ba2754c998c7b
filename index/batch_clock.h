// The clock of a batch: while a batch is made it stands still, so that a line's
// `t` and the times in the rows it makes are one and replay gives the same rows.
#pragma once

#include <atomic>

#include "base/clock.h"

namespace holdfast {

// Thread rule: any thread may read; the writer's thread freezes and thaws.
class BatchClock final : public Clock {
 public:
  explicit BatchClock(const Clock& clock) : clock_(clock) {}
  UnixMillis now() const override {
    const int64_t frozen = frozen_.load();
    return frozen >= 0 ? UnixMillis(frozen) : clock_.now();
  }
  Millis monotonic() const override { return clock_.monotonic(); }

  UnixMillis freeze() {
    frozen_ = clock_.now().count;
    return UnixMillis(frozen_.load());
  }
  void thaw() { frozen_ = -1; }

 private:
  const Clock& clock_;
  std::atomic<int64_t> frozen_{-1};  // -1: runs with the clock behind it
};

}  // namespace holdfast
