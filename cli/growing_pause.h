// How long to wait before asking again.
#pragma once

#include <algorithm>

#include "base/types.h"

namespace holdfast::cli {

// Twice as long each time, up to a bound. Thread rule: one thread.
class GrowingPause {
 public:
  GrowingPause(Millis first, Millis longest) : first_(first), longest_(longest), next_(first) {}

  Millis next() {
    const Millis now = next_;
    next_ = std::min(Millis(now.count * 2), longest_);
    return now;
  }
  // Something happened: the next one is short again.
  void reset() { next_ = first_; }

 private:
  Millis first_;
  Millis longest_;
  Millis next_;
};

// A daemon that does not answer.
inline GrowingPause until_it_is_back() { return {Millis(200), seconds(5)}; }

}  // namespace holdfast::cli
