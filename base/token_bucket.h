// How fast bytes may go: a bucket that fills with `rate` bytes a second and holds what a second
// brings.
//
// Bytes are taken first and waited for afterwards: a piece of any size costs its time, and no piece
// is too large for the bucket.
#pragma once

#include <algorithm>

#include "base/types.h"

namespace holdfast {

// Thread rule: one thread at a time. Times are monotonic.
class TokenBucket {
 public:
  // Bytes a second; 0: no limit.
  explicit TokenBucket(Bytes rate) : rate_(rate.count) {}

  bool is_limited() const { return rate_ > 0; }

  void take(Bytes bytes, Millis now) {
    if (!is_limited()) return;
    const int64_t start = std::max(paid_until_us_, now.count * 1000 - kBurstUs);
    // Whole seconds apart from the rest: a pack in microseconds must not overflow.
    paid_until_us_ =
        start + bytes.count / rate_ * kSecondUs + bytes.count % rate_ * kSecondUs / rate_;
  }

  // From `now` until the next bytes may go; 0: at once.
  Millis wait(Millis now) const {
    const int64_t left = paid_until_us_ - now.count * 1000;
    return Millis(std::max<int64_t>(0, (left + 999) / 1000));
  }

 private:
  static constexpr int64_t kSecondUs = 1'000'000;
  static constexpr int64_t kBurstUs = kSecondUs;

  int64_t rate_;
  int64_t paid_until_us_ = 0;  // what was taken is paid for then
};

}  // namespace holdfast
