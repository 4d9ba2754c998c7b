// An archive with retention: classes, an expirer, and a life in which both clocks go on.
#pragma once

#include "daemon/work/expirer.h"
#include "index/commands/clock.h"
#include "index/commands/expiry.h"
#include "index/commands/retention.h"
#include "tests/work/rebuild_rig.h"

namespace holdfast::testing {

class RetentionRig : public ArchiveFixture {
 public:
  explicit RetentionRig(const Change& change = Change(),
                        const FixtureOptions& options = FixtureOptions())
      : ArchiveFixture(
            [&](Config& changed) {
              changed.expiry.enabled = true;
              changed.expiry.rate_per_hour = 100'000;
              changed.warm.release_after = days(10);  // so that a pack may lie on both tiers
              if (change) change(changed);
            },
            options) {
    add_class("day", "1d", RetentionMode::kGovernance);
    add_class("decade", "10y", RetentionMode::kGovernance);
    add_class("law", "10y", RetentionMode::kCompliance);
  }

  void add_class(const std::string& name, const std::string& keep, RetentionMode mode) {
    SetRetentionClass wish;
    wish.name = name;
    wish.rule = {mode, RetentionEvent::kCallEnd, *parse_period(keep)};
    wish.who = "uid:0";
    must(archive().writer.call(set_retention_class(wish)));
  }
  Result<Retained> retain(const TestCall& call, std::optional<std::string> name,
                          bool bypass = false) {
    AssignRetention wish;
    wish.recording = recording(call).recording_no;
    wish.name = std::move(name);
    wish.bypass = bypass;
    if (bypass) wish.reason = "a test";
    wish.who = "uid:0";
    wish.not_before = config.expiry.not_before;
    return archive().writer.call(assign_retention(wish));
  }
  Result<RecordingRow> condemn_now(const TestCall& call) {
    return archive().writer.call(condemn(recording(call).recording_no, "key:test"));
  }
  ClockRow compliance() {
    auto index = must(archive().index.take());
    return must(find_clock(*index)).value();
  }
  // A process that lives from now on: its expirer, which keeps the compliance clock going.
  Expirer& expirer() {
    if (!expirer_) expirer_.emplace(archive(), [] {});
    return *expirer_;
  }
  void end_process() { expirer_.reset(); }
  // Time passes while the process runs. Gives how many recordings were condemned.
  int64_t live(Millis length, Millis step = hours(6)) {
    int64_t condemned = must(expirer().run_once(*io));
    for (int64_t left = length.count; left > 0; left -= step.count) {
      clock.advance(Millis(std::min(left, step.count)));
      condemned += must(expirer().run_once(*io));
    }
    return condemned;
  }

 private:
  std::optional<Expirer> expirer_;
};

}  // namespace holdfast::testing
