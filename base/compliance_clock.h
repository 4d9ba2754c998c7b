// The compliance clock: the time by which retention ends. The system's clock can be set to any
// time by mistake, by malice or by a broken server; this one cannot be made to run ahead (P9).
//
//   going ──a jump of the system clock, either way──▶ stopped ──accept()──▶ going
//
// Invariants
// - It never passes the system clock by its own going.
// - Over any run, however often interrupted, it gains at most the time that monotonic clocks
//   counted, a hundredth of that, and 15 minutes: what it may catch up is a credit of at most 15
//   min, which fills again by a hundredth of run time and is kept with the clock.
// - Stopped, it stands, over restarts, until a person accepts the system's time.
// - certain() has come by both clocks: a compliance clock that is ahead of the system's (it was
//   first set from a wrong one) ends nothing early.
#pragma once

#include <optional>
#include <string>

#include "base/clock.h"
#include "base/result.h"

namespace holdfast {

// What is kept of it.
struct ComplianceState {
  UnixMillis now;                        // the compliance time ...
  UnixMillis system;                     // ... when the system clock said this
  Millis credit;                         // may be caught up at once
  std::optional<UnixMillis> stopped_at;  // by the system clock; none: it goes
  std::string why;                       // it stands; for people
  bool operator==(const ComplianceState&) const = default;

  UnixMillis certain() const { return now < system ? now : system; }
};

// A system clock that says less was never set: a dead battery, and no time server yet.
constexpr UnixMillis kEarliestSystemTime{1'767'225'600'000};  // 2026-01-01
// kUnavailable, with what to do, before that: an archive neither begins nor goes on by such a
// clock, since what comes in meanwhile would look old once it is right.
Status check_system_clock(UnixMillis now);

// The state of a clock that a person has set, or that begins with its archive.
ComplianceState compliance_from(UnixMillis system);

// Thread rule: one thread.
class ComplianceClock {
 public:
  // Goes on from what was kept: stopped at once when the system clock went back meanwhile. `clock`
  // outlives it.
  ComplianceClock(const Clock& clock, ComplianceState kept);

  // Looks at both clocks, and goes on by what has passed.
  void tick();
  const ComplianceState& state() const { return state_; }

 private:
  void stop(std::string why);
  void go_on(Millis elapsed);

  const Clock& clock_;
  ComplianceState state_;
  Millis last_monotonic_;
  int64_t gain_rest_ = 0;  // run time too short yet for a millisecond of credit
};

}  // namespace holdfast
