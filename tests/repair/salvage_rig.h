// A rig of which packs are damaged in known places, and salvaged.
#pragma once

#include "tests/repair/away_rig.h"

namespace holdfast {

class SalvageRig : public AwayRig {
 public:
  SalvageRig() = default;
  explicit SalvageRig(const Change& change) : AwayRig(change) {}

  using AwayRig::copy_on;
  CopyRow copy_on(const TestCall& call, Tier tier) {
    for (const CopyRow& copy : recording(call).copies)
      if (copy.tier == tier) return copy;
    BOOST_FAIL("it lies elsewhere");
    return {};
  }
  void damage_sound(const TestCall& call, Tier tier, const std::string& file) {
    const PackSpan span = copy_on(call, tier).audio.value();
    flip_byte(file, span.offset.count + span.length.count / 2);
  }
  void damage_metadata(const TestCall& call, Tier tier, const std::string& file) {
    const PackSpan span = copy_on(call, tier).metadata.value();
    flip_byte(file, span.offset.count + 515);  // of metadata.json: behind its header
  }
  void repair_and_salvage() {
    for (int turn = 0; turn < 3; ++turn) {
      repair();
      compact();
    }
  }
  bool is_good_on(const TestCall& call, Tier tier) {
    return state_on(call, tier) == CopyState::kVerified;
  }
};

}  // namespace holdfast
