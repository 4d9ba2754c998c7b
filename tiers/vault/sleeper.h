// Waiting comes in through this interface, so that tests never wait.
#pragma once

#include "base/types.h"

namespace holdfast {

// Thread rule: every method may be called from any thread.
class Sleeper {
 public:
  virtual ~Sleeper() = default;
  // Returns when `length` has passed.
  virtual void sleep(Millis length) = 0;
};

// clock_nanosleep(2) on the monotonic clock.
class SystemSleeper final : public Sleeper {
 public:
  void sleep(Millis length) override;
};

}  // namespace holdfast
