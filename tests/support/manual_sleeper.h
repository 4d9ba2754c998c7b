// A sleeper that moves a manual clock instead of waiting.
#pragma once

#include "base/clock.h"
#include "tiers/vault/sleeper.h"

namespace holdfast {

class ManualSleeper final : public Sleeper {
 public:
  explicit ManualSleeper(ManualClock& clock) : clock_(clock) {}
  void sleep(Millis length) override { clock_.advance(length); }

 private:
  ManualClock& clock_;
};

}  // namespace holdfast
