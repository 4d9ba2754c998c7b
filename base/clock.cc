#include "base/clock.h"

#include <time.h>

#include <chrono>

namespace holdfast {

UnixMillis SystemClock::now() const {
  using std::chrono::duration_cast;
  using std::chrono::milliseconds;
  const auto since = std::chrono::system_clock::now().time_since_epoch();
  return UnixMillis(duration_cast<milliseconds>(since).count());
}

// Raw: what slews the system clock (adjtimex, by up to a tenth) does not make it faster.
Millis SystemClock::monotonic() const {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC_RAW, &now);
  return Millis(int64_t{now.tv_sec} * 1000 + now.tv_nsec / 1'000'000);
}

}  // namespace holdfast
