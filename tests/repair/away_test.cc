// Compaction while media are away, or were declared lost.
#include "index/commands/moves.h"
#include "index/commands/repairs.h"
#include "tests/repair/away_rig.h"

namespace holdfast {
namespace {

BOOST_AUTO_TEST_SUITE(compaction_without_some_media)

BOOST_AUTO_TEST_CASE(what_is_there_is_rewritten_and_the_rest_waits) {
  for (const bool is_warm_away : {false, true}) {
    AwayRig rig;
    if (!rig.can_verify()) return;
    const std::vector<TestCall> calls = rig.two_of_three_die();
    const std::string there = is_warm_away ? rig.config.cold->path : rig.config.warm.path;
    const std::string gone = is_warm_away ? rig.config.warm.path : rig.config.cold->path;
    const RecordingId first = rig.recording(calls.at(0)).recording;
    rig.take_away(gone);
    BOOST_TEST_CONTEXT(gone << " is away") {
      rig.compact();
      BOOST_TEST(!rig.is_on(there, first));
      BOOST_REQUIRE_EQUAL(rig.rewrites().size(), 1);
      BOOST_TEST(!rig.rewrites().at(0).error.empty());
      BOOST_TEST(rig.rewrites().at(0).attempts == 0);  // waiting uses up no try
      BOOST_TEST((rig.recording(calls.at(0)).state == RecordingState::kDestroying));
      for (int i = 0; i < 3; ++i) rig.compact_later();
      BOOST_TEST(rig.is_kept(calls.at(2)));
      rig.bring_back(gone);
      rig.compact_later();
      BOOST_TEST(rig.rewrites().empty());
      BOOST_TEST(!rig.is_known(calls.at(0)));
      BOOST_TEST(!rig.is_on(gone, first));
      BOOST_TEST((rig.bytes_of(rig.only_pack(there)) == rig.bytes_of(rig.only_pack(gone))));
      rig.clock.advance(rig.config.warm.release_after);
      rig.run_mover();
      BOOST_TEST(rig.files_below(rig.config.warm.path).empty());
      BOOST_TEST(rig.is_kept(calls.at(2)));
    }
  }
}

BOOST_AUTO_TEST_CASE(a_pack_of_which_nobody_lives_leaves_what_is_there) {
  AwayRig rig;
  if (!rig.can_verify()) return;
  const std::vector<TestCall> calls = rig.make_calls(2);
  rig.to_both();
  for (const TestCall& call : calls) rig.begin_to_destroy(call);
  rig.take_away(rig.config.warm.path);
  rig.compact();
  BOOST_TEST(rig.only_pack(rig.config.warm.path).ends_with(".tar"));
  for (const std::string& path : rig.files_below(rig.config.cold->path))
    BOOST_TEST(!path.ends_with(".tar"));
  rig.bring_back(rig.config.warm.path);
  rig.compact_later();
  for (const TestCall& call : calls) BOOST_TEST(!rig.is_known(call));
  BOOST_TEST(rig.files_below(rig.config.warm.path).empty());
  BOOST_TEST(rig.rewrites().empty());
}

// The new pack goes on its way, but not to where it is still to take the old one's place.
BOOST_AUTO_TEST_CASE(the_new_pack_moves_on_to_another_disk) {
  AwayRig rig;
  if (!rig.can_verify()) return;
  const std::vector<TestCall> calls = rig.two_of_three_die();
  const MediumId old_cold = rig.replace_cold();
  rig.compact();
  BOOST_REQUIRE_EQUAL(rig.rewrites().size(), 1);
  const CopyRow fresh = rig.copy_on(calls.at(2), rig.archive().warm->backend().medium()).value();
  BOOST_TEST((fresh.pack == rig.rewrites().at(0).new_pack));
  BOOST_TEST((code_of(rig.archive().writer.call(plan_move(
                  PlanMove{*fresh.pack, fresh.medium, old_cold, true}))) == Code::kConflict));
  rig.run_mover();
  rig.clock.advance(rig.config.warm.release_after);
  rig.run_mover();
  BOOST_TEST(rig.files_below(rig.config.warm.path).empty());
  BOOST_TEST((rig.copy_on(calls.at(2), rig.archive().cold->backend().medium())->state ==
              CopyState::kVerified));
  BOOST_TEST(rig.is_kept(calls.at(2)));
  BOOST_TEST((rig.recording(calls.at(0)).state == RecordingState::kDestroying));
  // Until somebody says that the old disk is lost.
  rig.declare_lost(old_cold);
  rig.compact_later();
  rig.run_mover();
  BOOST_TEST(rig.rewrites().empty());
  BOOST_TEST(!rig.is_known(calls.at(0)));
  BOOST_TEST(!rig.is_known(calls.at(1)));
  BOOST_TEST(!rig.copy_on(calls.at(2), old_cold).has_value());
  BOOST_TEST(rig.is_kept(calls.at(2)));
}

// Before any rewriting: the copy on the lost disk is given up first.
BOOST_AUTO_TEST_CASE(a_lost_copy_is_given_up_where_another_stands) {
  AwayRig rig;
  if (!rig.can_verify()) return;
  const std::vector<TestCall> calls = rig.two_of_three_die();
  rig.declare_lost(rig.replace_cold());
  rig.compact();
  BOOST_TEST(rig.rewrites().empty());
  BOOST_TEST(!rig.is_known(calls.at(0)));
  BOOST_TEST(rig.recording(calls.at(2)).copies.size() == 1);
  BOOST_TEST((rig.state_on(calls.at(2), Tier::kWarm) == CopyState::kVerified));
  rig.clock.advance(rig.config.warm.release_after);
  rig.run_mover();
  BOOST_TEST((rig.recording(calls.at(2)).tier == Tier::kCold));  // on the new disk
  BOOST_TEST(rig.is_kept(calls.at(2)));
}

// P2: the last that is known of a living recording stays, should the disk be found again.
BOOST_AUTO_TEST_CASE(P2_the_last_copy_stays_though_its_medium_is_lost) {
  AwayRig rig;
  if (!rig.can_verify()) return;
  const std::vector<TestCall> calls = rig.make_calls(3);
  rig.to_cold();
  rig.begin_to_destroy(calls.at(0));
  rig.begin_to_destroy(calls.at(1));
  const MediumId old_cold = rig.replace_cold();
  rig.declare_lost(old_cold);
  rig.compact();
  BOOST_TEST(rig.rewrites().empty());
  rig.compact_later();
  BOOST_TEST(rig.rewrites().empty());  // it is not due again
  rig.run_mover();
  BOOST_TEST(!rig.is_known(calls.at(0)));
  BOOST_TEST(!rig.is_known(calls.at(1)));
  BOOST_TEST((rig.recording(calls.at(2)).state == RecordingState::kLive));
  BOOST_TEST((rig.copy_on(calls.at(2), old_cold)->state == CopyState::kVerified));
  // It is found.
  must(rig.archive().writer.call(set_medium_state(old_cold, MediumState::kOnline, "uid:0")));
  rig.close();
  rig.config.cold->path = rig.directory / "cold";
  rig.open();
  BOOST_TEST(rig.is_kept(calls.at(2)));
}

BOOST_AUTO_TEST_CASE(P7_giving_up_a_lost_copy_is_killed_anywhere) {
  for (int n = 0;; n += 2) {
    AwayRig rig;
    if (!rig.can_verify()) return;
    const std::vector<TestCall> calls = rig.two_of_three_die();
    rig.declare_lost(rig.replace_cold());
    FaultAt dead(n, true);
    rig.faults.aim(&dead);
    rig.compact_until_it_fails();
    rig.reopen();
    BOOST_TEST_CONTEXT("killed at point " << n << ", " << dead.fired_at()) {
      rig.clock.advance(hours(25));
      rig.compact();
      rig.run_mover();
      BOOST_TEST(rig.rewrites().empty());
      BOOST_TEST(!rig.is_known(calls.at(0)));
      BOOST_TEST(!rig.is_known(calls.at(1)));
      BOOST_TEST(rig.is_kept(calls.at(2)));
    }
    if (!dead.fired()) return;
    if (n > 12) n += 10;  // what follows is an ordinary rewriting
  }
}

// P6: the ledger tells that the lost copy was given up.
BOOST_AUTO_TEST_CASE(P6_a_rebuild_knows_no_copy_that_was_given_up) {
  AwayRig rig;
  if (!rig.can_verify()) return;
  const std::vector<TestCall> calls = rig.two_of_three_die();
  const MediumId old_cold = rig.replace_cold();
  rig.declare_lost(old_cold);
  rig.compact();
  rig.lose_index();
  rig.rebuild();
  rig.run_mover();
  BOOST_TEST(!rig.is_known(calls.at(0)));
  BOOST_TEST(!rig.copy_on(calls.at(2), old_cold).has_value());
  BOOST_TEST((rig.recording(calls.at(2)).state == RecordingState::kLive));
  BOOST_TEST(rig.is_kept(calls.at(2)));
}

// A mirror that is away keeps the new pack on warm: both leave together.
BOOST_AUTO_TEST_CASE(a_mirror_that_is_away_keeps_the_new_pack_on_warm) {
  AwayRig rig([](Config& config) { config.warm.mirror = config.warm.path + "-2"; });
  if (!rig.can_verify()) return;
  const std::vector<TestCall> calls = rig.make_calls(3);
  rig.pack();
  rig.repair();
  rig.release_standard();
  rig.clock.advance(hours(1));
  rig.run_mover();
  rig.begin_to_destroy(calls.at(0));
  rig.begin_to_destroy(calls.at(1));
  BOOST_TEST(rig.only_pack(rig.config.warm.mirror).ends_with(".tar"));
  rig.take_away(rig.config.warm.mirror);
  rig.compact();
  rig.clock.advance(rig.config.warm.release_after);
  rig.run_mover();
  BOOST_TEST(rig.only_pack(rig.config.warm.path).ends_with(".tar"));
  BOOST_TEST((rig.state_on(calls.at(2), Tier::kCold) == CopyState::kVerified));
  rig.bring_back(rig.config.warm.mirror);
  rig.compact_later();
  BOOST_TEST(rig.rewrites().empty());
  BOOST_TEST(!rig.is_known(calls.at(0)));
  rig.run_mover();
  BOOST_TEST(rig.files_below(rig.config.warm.path).empty());
  BOOST_TEST(rig.files_below(rig.config.warm.mirror).empty());
  BOOST_TEST(rig.is_kept(calls.at(2)));
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(rewrites_at_once)

// Packs of two, of which one is destroyed, on warm and cold.
std::vector<TestCall> packs_of_two(AwayRig& rig, int count) {
  std::vector<TestCall> living;
  std::vector<TestCall> dead;
  for (int i = 0; i < count; ++i) {
    dead.push_back(rig.ingest());
    living.push_back(rig.ingest());
    rig.to_both();
  }
  for (const TestCall& call : dead) rig.begin_to_destroy(call);
  return living;
}

AwayRig::Change stay_on_warm() {
  return [](Config& config) { config.warm.release_after = days(40); };
}

BOOST_AUTO_TEST_CASE(no_more_than_four_are_under_way) {
  AwayRig rig(stay_on_warm());
  if (!rig.can_verify()) return;
  const std::vector<TestCall> living = packs_of_two(rig, 7);
  Compactor compactor(rig.archive());
  size_t most = 0;
  for (int turn = 0; turn < 100 && must(compactor.run_once(*rig.io)); ++turn)
    most = std::max(most, rig.rewrites().size());
  BOOST_TEST(most == 4);
  BOOST_TEST(rig.rewrites().empty());
  for (const TestCall& call : living) BOOST_TEST(rig.is_kept(call));
}

BOOST_AUTO_TEST_CASE(those_that_wait_for_a_medium_hold_up_no_other) {
  AwayRig rig(stay_on_warm());
  if (!rig.can_verify()) return;
  std::vector<TestCall> living = packs_of_two(rig, 6);
  rig.take_away(rig.config.cold->path);
  rig.compact();
  BOOST_TEST(rig.rewrites().size() == 6);  // each is done on warm
  // All six are ready for their next try, and none can go on: another is begun all the same.
  const TestCall dead = rig.ingest();
  living.push_back(rig.ingest());
  rig.to_warm();
  const RecordingId gone = rig.recording(dead).recording;
  rig.begin_to_destroy(dead);
  rig.clock.advance(hours(1));
  rig.compact();
  BOOST_TEST(!rig.is_on(rig.config.warm.path, gone));
  rig.bring_back(rig.config.cold->path);
  for (int i = 0; i < 4; ++i) {
    rig.run_mover();  // asks a medium that was suspended
    rig.compact_later();
  }
  BOOST_TEST(rig.rewrites().empty());
  for (const TestCall& call : living) BOOST_TEST(rig.is_kept(call));
}

BOOST_AUTO_TEST_CASE(all_that_wait_are_asked_in_one_turn) {
  AwayRig rig(stay_on_warm());
  if (!rig.can_verify()) return;
  packs_of_two(rig, 6);
  rig.take_away(rig.config.cold->path);
  rig.compact();
  BOOST_REQUIRE_EQUAL(rig.rewrites().size(), 6);
  rig.compact_later();
  for (const RewriteRow& row : rig.rewrites())
    BOOST_TEST((row.not_before > rig.clock.now()), row.pack.text());
}

BOOST_AUTO_TEST_CASE(none_is_begun_in_a_pause) {
  AwayRig rig(stay_on_warm());
  if (!rig.can_verify()) return;
  const std::vector<TestCall> living = packs_of_two(rig, 6);
  rig.pause();
  rig.compact();
  BOOST_TEST(rig.rewrites().empty());
  rig.resume();
  rig.compact();
  BOOST_TEST(rig.rewrites().empty());
  for (const TestCall& call : living) {
    BOOST_TEST(rig.copy_on(call, rig.archive().warm->backend().medium()).has_value());
    BOOST_TEST(rig.is_kept(call));
  }
  BOOST_TEST(rig.files_below(rig.config.warm.path).size() == 6);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace holdfast
