// Whether a back-end is worth asking: one that fails again and again is suspended, and says so.
//
//   well ──kSuspendFailures within kSuspendWithinMs──▶ suspended
//    ▲                                                    │ probed: after a minute, then after
//    └── a probe succeeds, or an operator says so ────────┘ twice the time, at most 32 min
//
// Invariants
// - Only failures of the back-end itself count (WatchedBackend tells them): not those of whoever
//   gives or takes the bytes, and not a full medium.
// - It lives in memory: a restart asks again, which costs a broken back-end kSuspendFailures more
//   tries and nobody a byte, since a failed step leaves its source where it is.
#pragma once

#include <deque>
#include <mutex>
#include <optional>
#include <string>

#include "base/clock.h"
#include "base/result.h"

namespace holdfast {

struct Suspension {
  UnixMillis since;
  std::string error;         // of the failure that was one too many, or of the last probe
  UnixMillis next_probe_at;  // by the clock as it is now
};

// Thread rule: any thread.
class BackendHealth {
 public:
  explicit BackendHealth(const Clock& clock) : clock_(clock) {}

  // An operation of the back-end failed. True when it is suspended for it.
  bool failed(const Error& error);
  std::optional<Suspension> suspension() const;
  // Suspended, and time to look whether it still must be.
  bool wants_probe() const;
  void probe_failed(const Error& error);
  // A probe succeeded, or a person knows better. True when it was suspended.
  bool resume();

 private:
  struct State {
    UnixMillis since;
    std::string error;
    Millis wait{0};        // until the next probe
    Millis next_probe{0};  // monotonic
  };

  const Clock& clock_;
  mutable std::mutex mutex_;
  std::deque<Millis> failures_;  // when, monotonic; those of the last kSuspendWithinMs
  std::optional<State> suspended_;
};

}  // namespace holdfast
