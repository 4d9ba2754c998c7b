#include "base/clock.h"

#include <chrono>

namespace holdfast {
namespace {

template <typename Source>
int64_t milliseconds_of() {
  using std::chrono::duration_cast;
  using std::chrono::milliseconds;
  return duration_cast<milliseconds>(Source::now().time_since_epoch()).count();
}

}  // namespace

UnixMillis SystemClock::now() const {
  return UnixMillis(milliseconds_of<std::chrono::system_clock>());
}
Millis SystemClock::monotonic() const {
  return Millis(milliseconds_of<std::chrono::steady_clock>());
}

}  // namespace holdfast
