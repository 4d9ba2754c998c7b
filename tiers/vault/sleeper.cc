#include "tiers/vault/sleeper.h"

#include <cerrno>
#include <ctime>

namespace holdfast {

void SystemSleeper::sleep(Millis length) {
  struct timespec rest = {};
  rest.tv_sec = length.count / 1000;
  rest.tv_nsec = static_cast<long>(length.count % 1000) * 1'000'000;
  // A signal wakes the thread early; what is left is slept on.
  while (::clock_nanosleep(CLOCK_MONOTONIC, 0, &rest, &rest) == EINTR) continue;
}

}  // namespace holdfast
