// A rewrite rig of which media go away, are declared lost, or stop.
#pragma once

#include "daemon/work/open_archive.h"
#include "index/commands/media.h"
#include "tests/repair/rewrite_rig.h"

namespace holdfast {

class AwayRig : public RewriteRig {
 public:
  AwayRig() = default;
  explicit AwayRig(const Change& change) : RewriteRig(change) {}

  // The label is gone, as below an empty mount point.
  static void take_away(const std::string& root) {
    std::filesystem::rename(label(root), away(root));
  }
  static void bring_back(const std::string& root) {
    std::filesystem::rename(away(root), label(root));
  }
  // Three calls on warm and cold, of which two are destroyed.
  std::vector<TestCall> two_of_three_die() {
    std::vector<TestCall> calls = make_calls(3);
    to_both();
    begin_to_destroy(calls.at(0));
    begin_to_destroy(calls.at(1));
    return calls;
  }
  // Nothing but restores asks the media of the tier; of none: any.
  void pause(std::optional<Tier> tier = std::nullopt) {
    PauseRow row;
    row.tier = tier;
    row.who = "uid:0";
    row.since = clock.now();
    archive().gate.set_pauses({row});
  }
  void resume() { archive().gate.set_pauses({}); }
  void compact_later() {
    clock.advance(minutes(11));
    compact();
  }
  // The present cold disk is away for good; a new one has its place. Gives the old one.
  MediumId replace_cold() {
    const MediumId old = archive().cold->backend().medium();
    close();
    config.cold->path = directory / "cold-2";
    must(init_archive(*io, config, clock, random));
    open();
    BOOST_REQUIRE((archive().cold->backend().medium() != old));
    return old;
  }
  void declare_lost(const MediumId& medium) {
    must(archive().writer.call(set_medium_state(medium, MediumState::kLost, "uid:0")));
  }
  std::optional<CopyRow> copy_on(const TestCall& call, const MediumId& medium) {
    for (const CopyRow& copy : recording(call).copies)
      if (copy.medium == medium) return copy;
    return std::nullopt;
  }

 private:
  static std::string label(const std::string& root) { return root + "/holdfast-label.json"; }
  static std::string away(const std::string& root) { return root + "/away"; }
};

}  // namespace holdfast
