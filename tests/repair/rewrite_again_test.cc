// What begins anew: a rewriting whose new pack was given up, two of them that are killed, a repair
// and a mirroring that failed.
#include "index/commands/packs.h"
#include "index/commands/repairs.h"
#include "tests/repair/rewrite_rig.h"

namespace holdfast {
namespace {

BOOST_AUTO_TEST_SUITE(what_begins_anew)

// The new pack goes bad on warm while cold, where the old one lies, is away: its members stand on
// standard, so it goes, and cold gets another.
BOOST_AUTO_TEST_CASE(a_new_pack_that_was_given_up_is_written_as_another) {
  RewriteRig rig([](Config& config) {
    config.standard.release_after = days(300);
    config.warm.release_after = days(301);
  });
  if (!rig.can_verify()) return;
  const std::vector<TestCall> calls = rig.make_calls(3);
  rig.pack();
  rig.clock.advance(rig.config.warm.copy_after);
  rig.run_mover();
  rig.begin_to_destroy(calls.at(0));
  rig.begin_to_destroy(calls.at(1));
  const std::string label = rig.config.cold->path + "/holdfast-label.json";
  std::filesystem::rename(label, label + ".away");
  rig.compact();
  BOOST_REQUIRE_EQUAL(rig.rewrites().size(), 1);
  const PackId first = rig.rewrites().at(0).new_pack;
  rig.flip_byte(rig.only_pack(rig.config.warm.path), 3000);
  rig.scrub_later();
  rig.repair();
  BOOST_TEST(rig.files_below(rig.config.warm.path).empty());
  std::filesystem::rename(label + ".away", label);
  rig.clock.advance(minutes(11));
  rig.compact();
  BOOST_TEST(rig.rewrites().empty());
  for (size_t dead : {0U, 1U}) BOOST_TEST(!rig.is_known(calls.at(dead)));
  BOOST_TEST((rig.state_on(calls.at(2), Tier::kCold) == CopyState::kVerified));
  for (const CopyRow& copy : rig.recording(calls.at(2)).copies) BOOST_TEST((copy.pack != first));
  BOOST_TEST(rig.is_whole(calls.at(2)));
  // It is packed for warm again, and may leave standard in its time.
  rig.pack();
  rig.clock.advance(rig.config.standard.release_after);
  rig.run_mover();
  BOOST_TEST(rig.is_kept(calls.at(2)));
}

// P7: killed right after each commit of two rewritings that go on side by side.
BOOST_AUTO_TEST_CASE(P7_two_rewritings_are_killed_between_any_two_steps) {
  bool was_killed = true;
  int commit = 0;
  for (; was_killed; ++commit) {
    RewriteRig rig;
    if (!rig.can_verify()) return;
    std::vector<TestCall> dead;
    std::vector<TestCall> living;
    for (int pack = 0; pack < 2; ++pack) {
      dead.push_back(rig.ingest());
      living.push_back(rig.ingest());
      rig.to_warm();
      rig.clock.advance(hours(1));
      rig.run_mover();
    }
    for (const TestCall& call : dead) rig.begin_to_destroy(call);
    std::atomic<bool> is_armed{false};
    std::atomic<int> commits{0};
    FaultAt nothing_more(0, true);
    rig.close();
    rig.before_commit = [&]() -> Status {
      if (is_armed && commits++ == commit) rig.faults.aim(&nothing_more);
      return {};
    };
    rig.open();
    is_armed = true;
    rig.compact_until_it_fails();
    is_armed = false;
    was_killed = commits > commit;
    rig.reopen();
    BOOST_TEST_CONTEXT("killed after commit " << commit) {
      rig.clock.advance(hours(25));
      rig.compact();
      rig.run_mover();
      BOOST_TEST(rig.rewrites().empty());
      for (const TestCall& call : dead) BOOST_TEST(!rig.is_known(call));
      for (const TestCall& call : living) {
        BOOST_TEST((rig.state_on(call, Tier::kCold) == CopyState::kVerified));
        BOOST_TEST(rig.is_kept(call));
      }
    }
  }
  BOOST_TEST_MESSAGE(commit - 1 << " commits");
  BOOST_TEST(commit > 15);
}

// One copy of a bad plain copy's successor at a time: what a failed try wrote goes with it.
BOOST_AUTO_TEST_CASE(a_failed_repair_leaves_nothing_behind) {
  for (int n = 0;; n += 3) {
    RepairRig rig([](Config& config) { config.standard.release_after = days(300); });
    if (!rig.can_verify()) return;
    const TestCall call = rig.ingest();
    rig.pack();
    rig.flip_byte(rig.standard_files("outbound.pcm").at(0), 99);
    BOOST_TEST(!rig.read(call, "outbound.pcm").ok());
    FaultAt once(n);
    rig.faults.aim(&once);
    static_cast<void>(Repairer(rig.archive()).run_once(*rig.io).ok());
    rig.faults.aim(nullptr);
    BOOST_TEST_CONTEXT("a fault at point " << n << ", " << once.fired_at()) {
      rig.clock.advance(hours(25));
      rig.repair();
      BOOST_TEST(rig.files_below(rig.config.standard.path + "/standard/.repair").empty());
      BOOST_TEST(rig.quarantined() == 0);
      BOOST_TEST(rig.is_whole(call));
    }
    if (!once.fired()) return;
  }
}

BOOST_AUTO_TEST_CASE(a_pack_that_is_not_mirrored_holds_up_no_other) {
  RepairRig rig([](Config& config) { config.warm.mirror = config.warm.path + "-2"; });
  if (!rig.can_verify()) return;
  for (int pack = 0; pack < 2; ++pack) {
    rig.ingest();
    rig.pack();
  }
  const auto mirrored = [&] { return rig.files_below(rig.config.warm.mirror).size(); };
  Repairer repairer(rig.archive());
  FaultAt once(0);
  rig.faults.aim(&once);
  BOOST_TEST(must(repairer.run_once(*rig.io)));
  rig.faults.aim(nullptr);
  BOOST_REQUIRE(once.fired());
  BOOST_REQUIRE_EQUAL(mirrored(), 0);
  while (must(repairer.run_once(*rig.io))) {
  }
  BOOST_TEST(mirrored() == 1);  // the other one
  rig.clock.advance(minutes(11));
  while (must(repairer.run_once(*rig.io))) {
  }
  BOOST_TEST(mirrored() == 2);
}

// A medium that is away uses up no try: it is asked every ten minutes, however often.
BOOST_AUTO_TEST_CASE(a_repair_that_only_waits_is_tried_as_often_as_before) {
  RepairRig rig;
  if (!rig.can_verify()) return;
  const TestCall call = rig.ingest();
  rig.to_both();
  rig.flip_byte(rig.only_pack(rig.config.warm.path), 3000);
  rig.scrub_later();
  const std::string label = rig.config.warm.path + "/holdfast-label.json";
  std::filesystem::rename(label, label + ".away");
  for (int i = 0; i < 6; ++i) {
    rig.repair();
    BOOST_REQUIRE_EQUAL(rig.open_rows().size(), 1);
    BOOST_TEST((rig.open_rows().at(0).not_before <= rig.clock.now() + minutes(10)));
    rig.clock.advance(minutes(10));
  }
  std::filesystem::rename(label + ".away", label);
  rig.repair();
  BOOST_TEST(rig.quarantined() == 0);
  BOOST_TEST((rig.state_on(call, Tier::kWarm) == CopyState::kVerified));
}

BOOST_AUTO_TEST_CASE(a_bad_staged_copy_is_staged_again_for_whoever_asks) {
  RepairRig rig;
  if (!rig.can_verify()) return;
  const TestCall call = rig.ingest();
  rig.to_warm();
  const RestoreId first = must(rig.ask(call)).restore.restore;
  rig.run_restorers();
  BOOST_TEST((rig.restore(first).state == RestoreState::kStaged));
  for (const std::string& path : rig.staged_files())
    if (path.ends_with("/outbound.pcm")) rig.flip_byte(path, 5);
  BOOST_TEST(!rig.read(call, "outbound.pcm").ok());
  BOOST_TEST(!rig.is_readable(call));
  rig.repair();
  BOOST_TEST(rig.staged_files().empty());
  BOOST_TEST((rig.state_on(call, Tier::kWarm) == CopyState::kVerified));  // it is not to blame
  const RestoreId second = must(rig.ask(call)).restore.restore;
  BOOST_TEST((second != first));
  rig.run_restorers();
  BOOST_TEST((rig.restore(second).state == RestoreState::kStaged));
  BOOST_TEST(rig.is_whole(call));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace holdfast
