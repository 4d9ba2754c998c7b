// Keeps the compliance clock going: looks at both clocks of the machine, and writes down where it
// is, so that the guard judges by it and a restart goes on from there.
//
// Invariants
// - What the index has is what has certainly been reached: the guard never sees a later time.
// - A clock that was set meanwhile (its epoch is another) is taken up before the next look.
#pragma once

#include <optional>

#include "base/compliance_clock.h"
#include "daemon/work/archive.h"

namespace holdfast {

// Thread rule: one thread.
class ClockKeeper {
 public:
  explicit ClockKeeper(const Archive& archive) : archive_(archive) {}

  // True when the clock goes; false: it stands, or was never set.
  Result<bool> tick();

 private:
  bool is_to_be_kept() const;
  Status keep();

  Archive archive_;
  std::optional<ComplianceClock> clock_;
  int64_t epoch_ = 0;
  UnixMillis noted_at_;
  Millis kept_at_{0};  // monotonic
  bool kept_stopped_ = false;
};

}  // namespace holdfast
