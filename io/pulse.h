// The signs of life of one thread, for whoever watches it (daemon/watchdog.h).
//
//   idle ──begin──▶ at work ──end──▶ idle
//
// A thread at work beats with each operation of its Io, and where it waits on purpose. Whether it
// still lives is for the watcher to say: it looks now and then whether beats() has changed.
#pragma once

#include <atomic>
#include <cstdint>

namespace holdfast {

// Thread rule: begin, end and beat by the thread itself; the rest by any.
class Pulse {
 public:
  void begin() {
    beat();
    at_work_.store(true, std::memory_order_relaxed);
  }
  void end() { at_work_.store(false, std::memory_order_relaxed); }
  // One writer: no read-modify-write is needed.
  void beat() {
    beats_.store(beats_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  }

  bool is_at_work() const { return at_work_.load(std::memory_order_relaxed); }
  uint64_t beats() const { return beats_.load(std::memory_order_relaxed); }

 private:
  std::atomic<bool> at_work_{false};
  std::atomic<uint64_t> beats_{0};
};

}  // namespace holdfast
