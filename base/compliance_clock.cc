#include "base/compliance_clock.h"

#include <algorithm>
#include <cstdlib>

#include "base/limits.h"
#include "base/time_text.h"

namespace holdfast {

Status check_system_clock(UnixMillis now) {
  if (now >= kEarliestSystemTime) return {};
  return Error{Code::kUnavailable,
               "the system clock says " + to_iso(now) +
                   ", which has passed long ago: it is not set. Set it, or wait "
                   "for the time server (timedatectl), and start again"};
}

ComplianceState compliance_from(UnixMillis system) {
  ComplianceState state;
  state.now = system;
  state.system = system;
  state.credit = Millis(limits::kClockCreditMs);
  return state;
}

ComplianceClock::ComplianceClock(const Clock& clock, ComplianceState kept)
    : clock_(clock), state_(std::move(kept)), last_monotonic_(clock.monotonic()) {
  const UnixMillis system = clock_.now();
  const UnixMillis before = state_.system;
  state_.system = system;
  if (before - system > Millis(limits::kClockJumpMs))
    stop("the system clock went back from " + to_iso(before) + " to " + to_iso(system) +
         " while the archive was off");
  go_on(Millis(0));
}

void ComplianceClock::stop(std::string why) {
  if (state_.stopped_at) return;
  state_.stopped_at = state_.system;
  state_.why = std::move(why);
}

void ComplianceClock::tick() {
  const UnixMillis system = clock_.now();
  const Millis monotonic = clock_.monotonic();
  const Millis elapsed(monotonic.count - last_monotonic_.count);
  const UnixMillis expected = state_.system + elapsed;
  last_monotonic_ = monotonic;
  state_.system = system;
  if (std::abs(system.count - expected.count) > limits::kClockJumpMs)
    stop("the system clock jumped from " + to_iso(expected) + " to " + to_iso(system));
  go_on(elapsed);
}

void ComplianceClock::go_on(Millis elapsed) {
  if (state_.stopped_at) return;
  gain_rest_ += elapsed.count;
  state_.credit = Millis(
      std::min(limits::kClockCreditMs, state_.credit.count + gain_rest_ / limits::kClockGainPart));
  gain_rest_ %= limits::kClockGainPart;
  const int64_t behind = std::max<int64_t>(0, state_.system.count - state_.now.count);
  const int64_t step = std::min(behind, elapsed.count + state_.credit.count);
  const int64_t caught_up = std::max<int64_t>(0, step - elapsed.count);
  state_.credit = Millis(state_.credit.count - caught_up);
  state_.now = state_.now + Millis(step);
}

}  // namespace holdfast
