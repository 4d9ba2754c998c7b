// Work that is cut at a point of its I/O or of its commits, gone on with by the same code, and
// compared: every byte of every call, and every row with those that a rebuild makes.
#pragma once

#include <algorithm>

#include "daemon/work/compactor.h"
#include "daemon/work/expirer.h"
#include "tests/support/faulty_backend.h"
#include "tests/work/rebuild_rig.h"

namespace holdfast::testing {

class PointRig : public RebuildRig {
 public:
  PointRig() : RebuildRig(short_ages) {
    close();
    before_commit = [this] { return commits.at("commit"); };
    around_backend = [this](PackBackend& inner) {
      return std::make_unique<FaultyBackend>(inner, backends);
    };
    open();
    workspaces = {workspace};
    kept = ingest();
    must(hold(kept));
  }

  // Turns of a lane until it has no more to do, or fails.
  void turn_movers() {
    for (int turn = 0; turn < 50; ++turn)
      if (!goes_on(mover->run_once(*io))) return;
  }
  void turn_compactor() {
    Compactor compactor(archive());
    for (int turn = 0; turn < 50; ++turn)
      if (!goes_on(compactor.run_once(*io))) return;
  }
  void turn_restorers() {
    for (Tier tier : {Tier::kWarm, Tier::kCold}) {
      Restorer restorer(archive(), tier);
      for (int turn = 0; turn < 50; ++turn)
        if (!goes_on(restorer.run_once(*io))) break;
    }
  }
  // Its process lives on: what passes while there is none is not believed of the clock.
  void begin_expirer() {
    expirer.emplace(archive(), [] {});
  }
  void turn_expirer() {
    static_cast<void>(expirer->run_once(*io).ok());
    turn_movers();
  }
  // The process dies, and another goes on.
  void restart() {
    expirer.reset();
    reopen();
  }
  // Whatever backs off has its turn again.
  void turn_all_later() {
    for (int round = 0; round < 6; ++round) {
      turn_movers();
      turn_restorers();
      turn_compactor();
      clock.advance(minutes(20));
    }
  }
  bool takes_commands() {
    return archive().writer.call(set_recording_action(RecordingNo(1), std::nullopt)).ok();
  }

  // --- The comparison
  // After a start, which settles what was under way.
  void compare() {
    restart();
    for (const TestCall& call : living) BOOST_TEST(is_kept(call), call.call_sid << " is not whole");
    for (const TestCall& call : gone) {
      const auto found = must(find(call.call_sid));
      if (found) BOOST_TEST((found->state == RecordingState::kDestroying));
      BOOST_TEST((code_of(try_ingest(call)) == Code::kConflict), call.call_sid << " is back");
    }
    BOOST_TEST(is_kept(kept));
    BOOST_TEST((code_of(destroy(kept)) == Code::kLocked));
    if (held) BOOST_TEST((code_of(destroy(*held)) == Code::kLocked));
    BOOST_TEST(unsettled().empty());
    close();
    const TableDump before = dump_index(index_path(), except);
    const std::set<std::string> files = media();
    lose_index();
    must(try_rebuild());
    check_same_rows(before, dump_index(index_path(), except));
    BOOST_TEST((media() == files));
  }

  AimedFaults commits;
  AimedFaults backends;
  TestCall kept;                 // held, on standard or where its age leads it
  std::vector<TestCall> living;  // every byte must come back
  std::vector<TestCall> gone;    // destroyed for good
  std::optional<TestCall> held;  // a hold on it was acknowledged
  TestCall subject;
  bool acknowledged = false;
  Exceptions except;  // what a rebuild does not bring back
  TableDump before;   // of an index that was lost
  std::optional<Expirer> expirer;

 private:
  static void short_ages(Config& config) {
    config.expiry.enabled = true;
    config.expiry.rate_per_hour = 100'000;
    config.warm.release_after = days(10);
    config.warm.copy_after = days(9);
  }
  static bool goes_on(const Result<bool>& more) { return more.ok() && *more; }
};

}  // namespace holdfast::testing
