// A destroyed recording whose last copy in a pack goes by another way than compaction.
#include "index/commands/packs.h"
#include "tests/repair/rewrite_rig.h"

namespace holdfast {
namespace {

// Members stay on standard, so that a bad pack may go; a quarter of one that is dead is not due.
ArchiveFixture::Change long_on_standard() {
  return [](Config& config) {
    config.standard.release_after = days(300);
    config.warm.copy_after = days(400);
    config.warm.release_after = days(401);
  };
}

BOOST_AUTO_TEST_SUITE(what_lies_nowhere_is_destroyed)

BOOST_AUTO_TEST_CASE(a_member_of_a_bad_pack_that_was_let_go) {
  RewriteRig rig(long_on_standard());
  if (!rig.can_verify()) return;
  const std::vector<TestCall> calls = rig.make_calls(4);
  rig.pack();
  rig.begin_to_destroy(calls.at(0));
  rig.flip_byte(rig.only_pack(rig.config.warm.path), 3000);
  rig.scrub_later();
  rig.repair();
  BOOST_TEST(rig.files_below(rig.config.warm.path).empty());
  BOOST_TEST(rig.rewrites().empty());
  rig.run_mover();  // without a restart
  BOOST_TEST(!rig.is_known(calls.at(0)));
  BOOST_TEST((code_of(rig.try_ingest(calls.at(0))) == Code::kConflict));  // erased
  for (size_t i : {1U, 2U, 3U}) BOOST_TEST(rig.is_whole(calls.at(i)));
}

BOOST_AUTO_TEST_CASE(a_member_of_a_new_pack_that_was_given_up) {
  RewriteRig rig(long_on_standard());
  if (!rig.can_verify()) return;
  const std::vector<TestCall> calls = rig.make_calls(4);
  rig.clock.advance(rig.config.standard.copy_after);
  rig.run_mover();
  rig.clock.advance(rig.config.warm.pack_seal_after);
  for (int turn = 0; turn < 20 && rig.files_below(rig.config.warm.path).empty(); ++turn)
    must(rig.mover->run_once(*rig.io));
  rig.flip_byte(rig.only_pack(rig.config.warm.path), 3000);  // before its first re-read
  must(rig.destroy(calls.at(0)));
  for (int tries = 0; tries < limits::kFirstVerifyTriesMax + 2; ++tries) {
    rig.run_mover();
    rig.clock.advance(hours(1));
  }
  BOOST_TEST(!rig.is_known(calls.at(0)));
  for (size_t i : {1U, 2U, 3U}) BOOST_TEST(rig.is_whole(calls.at(i)));
}

// Nobody looks at it before: its copy on cold is the compactor's.
BOOST_AUTO_TEST_CASE(one_that_lies_in_another_pack_waits_for_its_rewriting) {
  RewriteRig rig;
  if (!rig.can_verify()) return;
  const std::vector<TestCall> calls = rig.make_calls(4);
  rig.to_both();
  rig.begin_to_destroy(calls.at(0));
  const PackId pack = rig.recording(calls.at(1)).copies.at(0).pack.value();
  rig.clock.advance(rig.config.warm.release_after);
  rig.run_mover();
  BOOST_TEST(rig.files_below(rig.config.warm.path).empty());
  BOOST_TEST((rig.recording(calls.at(0)).state == RecordingState::kDestroying));
  BOOST_TEST(!rig.recording(calls.at(0)).next_action_at.has_value());
  BOOST_TEST((rig.recording(calls.at(0)).copies.at(0).pack == pack));
  rig.live(rig.config.erase_within);
  rig.compact();
  BOOST_TEST(!rig.is_known(calls.at(0)));
  BOOST_TEST(rig.is_kept(calls.at(1)));
}

// P7: the mark is made with the pack's last rows, so that no kill comes between.
BOOST_AUTO_TEST_CASE(P7_a_kill_after_the_pack_forgets_nobody) {
  for (int n = 0;; n += 2) {
    RewriteRig rig(long_on_standard());
    if (!rig.can_verify()) return;
    const std::vector<TestCall> calls = rig.make_calls(4);
    rig.pack();
    rig.begin_to_destroy(calls.at(0));
    rig.flip_byte(rig.only_pack(rig.config.warm.path), 3000);
    rig.scrub_later();
    FaultAt dead(n, true);
    rig.faults.aim(&dead);
    static_cast<void>(Repairer(rig.archive()).run_once(*rig.io).ok());
    static_cast<void>(rig.mover->run_once(*rig.io).ok());
    rig.reopen();
    BOOST_TEST_CONTEXT("killed at point " << n << ", " << dead.fired_at()) {
      rig.clock.advance(hours(25));
      rig.repair();
      rig.run_mover();
      BOOST_TEST(!rig.is_known(calls.at(0)));
      for (size_t i : {1U, 2U, 3U}) BOOST_TEST(rig.is_whole(calls.at(i)));
    }
    if (!dead.fired()) return;
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace holdfast
