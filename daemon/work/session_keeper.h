// One medium's session, shared by mover and restorer.
//
//   detached ──use──▶ attached ──use──▶ attached ──linger over──▶ detached
//
// Attaching may cost minutes (a robot, a shelf), so the session stays open while
// there is work and for `linger` after it. One user at a time: the medium has
// one head.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>

#include "base/clock.h"
#include "tiers/backend.h"

namespace holdfast {

class SessionKeeper {
 public:
  SessionKeeper(PackBackend& backend, const Clock& clock, Millis linger)
      : backend_(backend), clock_(clock), linger_ms_(linger.count) {}

  PackBackend& backend() { return backend_; }

  // Calls `work` with the session, attaching first when needed; waits while
  // another thread uses it. An error of kind kUnavailable or kIo closes the
  // session, so that the next use checks the label again. Attaching may cost minutes even when it
  // fails: who waited meanwhile shares the failure. `attach_time`, when asked for, is what
  // attaching took (0: it was open).
  Status use(Io& io, const std::function<Status(PackSession&)>& work,
             Millis* attach_time = nullptr);

  // How many wait for the present user of the session. Any thread.
  int waiting() const { return waiting_; }

  void set_linger(Millis linger) { linger_ms_ = linger.count; }  // any thread

  // Closes a session that nobody used for `linger`. Called now and then.
  void close_if_idle();
  // Closes it now, after the present user.
  void close();

 private:
  PackBackend& backend_;
  const Clock& clock_;
  std::atomic<int64_t> linger_ms_;
  std::mutex mutex_;
  std::atomic<int> waiting_{0};
  std::atomic<uint64_t> failures_{0};  // of attaching
  uint64_t failures_answered_ = 0;     // of them, those before it succeeded last
  Error last_failure_;
  std::unique_ptr<PackSession> session_;
  Millis last_use_{0};
};

}  // namespace holdfast
