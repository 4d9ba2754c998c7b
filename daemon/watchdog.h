// Whether the daemon lives: not that a timer fires, but that what clients wait for goes on.
//
//   the loop     by asking at all: only a turning loop calls look()
//   the writer   answers a probe that waits in its queue like every command
//   lanes and workers
//                beat while they are at work (io/pulse.h): each operation of their I/O, and each
//                second that they wait on purpose
//
// Whoever is silent longer than the limit is named; systemd is then not answered (WatchdogSec of
// the unit), which kills and starts the daemon anew. That is safe at any instant (P7), and it is
// the only way out of a thread that does not come back.
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "index/writer.h"
#include "io/pulse.h"

namespace holdfast {

// Thread rule: one thread (the loop).
class Watchdog {
 public:
  explicit Watchdog(const Clock& clock) : clock_(clock) {}

  // Both outlive the watchdog, or forget() comes first.
  void watch(std::string name, const Pulse& pulse);
  void watch(Writer& writer);
  void forget();

  // Looks at everybody and asks the writer anew. Who has been silent too long, in words; nothing:
  // all is well.
  std::optional<std::string> look();

 private:
  struct Thread {
    std::string name;
    const Pulse& pulse;
    uint64_t beats;
    Millis since;  // monotonic: when it beat last, as far as was looked
  };

  const Clock& clock_;
  std::vector<Thread> threads_;
  Writer* writer_ = nullptr;
  // Of the probe under way; the writer's thread sets it, and may outlive this.
  std::shared_ptr<std::atomic<bool>> answered_;
  Millis asked_{0};
};

}  // namespace holdfast
