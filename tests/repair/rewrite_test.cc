// Compaction: destroyed members leave their packs, and then the archive.
#include "index/commands/moves.h"
#include "index/commands/packs.h"
#include "index/commands/repairs.h"
#include "tests/repair/rewrite_rig.h"

namespace holdfast {
namespace {

BOOST_AUTO_TEST_SUITE(compaction)

BOOST_AUTO_TEST_CASE(a_warm_pack_loses_its_destroyed_members) {
  RewriteRig rig;
  if (!rig.can_verify()) return;
  const std::vector<TestCall> calls = rig.make_calls(4);
  rig.to_warm();
  const std::string before = rig.only_pack(rig.config.warm.path);
  const RecordingId first = rig.recording(calls.at(0)).recording;
  const RecordingId second = rig.recording(calls.at(1)).recording;
  rig.begin_to_destroy(calls.at(0));
  rig.compact();  // three quarters live: it is not due
  BOOST_TEST(rig.is_known(calls.at(0)));
  BOOST_TEST(rig.only_pack(rig.config.warm.path) == before);
  rig.begin_to_destroy(calls.at(1));
  rig.compact();
  BOOST_TEST(!rig.is_known(calls.at(0)));
  BOOST_TEST(!rig.is_known(calls.at(1)));
  BOOST_TEST(rig.only_pack(rig.config.warm.path) != before);
  BOOST_TEST(!rig.is_on(rig.config.warm.path, first));
  BOOST_TEST(!rig.is_on(rig.config.warm.path, second));
  BOOST_TEST(rig.rewrites().empty());
  for (size_t i : {2U, 3U}) {
    BOOST_TEST((rig.state_on(calls.at(i), Tier::kWarm) == CopyState::kVerified));
    BOOST_TEST(rig.is_kept(calls.at(i)));
  }
  BOOST_TEST((code_of(rig.try_ingest(calls.at(0))) == Code::kConflict));  // erased
  // The new pack goes on its way.
  rig.clock.advance(rig.config.warm.release_after);
  rig.clock.advance(days(1));
  rig.run_mover();
  BOOST_TEST((rig.recording(calls.at(2)).tier == Tier::kCold));
  BOOST_TEST(rig.is_kept(calls.at(2)));
}

BOOST_AUTO_TEST_CASE(however_small_its_share_it_is_erased_within_its_time) {
  RewriteRig rig;
  if (!rig.can_verify()) return;
  const std::vector<TestCall> calls = rig.make_calls(5);
  rig.to_warm();
  rig.begin_to_destroy(calls.at(3));
  rig.live(days(29));
  rig.compact();
  BOOST_TEST(rig.is_known(calls.at(3)));
  rig.live(hours(25));
  rig.compact();
  BOOST_TEST(!rig.is_known(calls.at(3)));
  for (size_t i : {0U, 1U, 2U, 4U}) BOOST_TEST(rig.is_kept(calls.at(i)));
}

BOOST_AUTO_TEST_CASE(a_pack_on_two_tiers_is_rewritten_on_both) {
  RewriteRig rig;
  if (!rig.can_verify()) return;
  const std::vector<TestCall> calls = rig.make_calls(3);
  rig.to_both();
  const RecordingId first = rig.recording(calls.at(0)).recording;
  const RecordingId second = rig.recording(calls.at(1)).recording;
  rig.begin_to_destroy(calls.at(0));
  rig.begin_to_destroy(calls.at(1));
  rig.compact();
  BOOST_TEST(!rig.is_known(calls.at(0)));
  BOOST_TEST(!rig.is_known(calls.at(1)));
  for (const std::string& root : {rig.config.warm.path, rig.config.cold->path}) {
    BOOST_TEST(!rig.is_on(root, first));
    BOOST_TEST(!rig.is_on(root, second));
  }
  BOOST_TEST((rig.bytes_of(rig.only_pack(rig.config.warm.path)) ==
              rig.bytes_of(rig.only_pack(rig.config.cold->path))));
  BOOST_TEST((rig.state_on(calls.at(2), Tier::kWarm) == CopyState::kVerified));
  BOOST_TEST((rig.state_on(calls.at(2), Tier::kCold) == CopyState::kVerified));
  rig.clock.advance(rig.config.warm.release_after);
  rig.run_mover();
  BOOST_TEST(rig.files_below(rig.config.warm.path).empty());
  BOOST_TEST(rig.is_kept(calls.at(2)));
}

BOOST_AUTO_TEST_CASE(a_cold_pack_is_rewritten_where_it_lies) {
  RewriteRig rig;
  if (!rig.can_verify()) return;
  const std::vector<TestCall> calls = rig.make_calls(3);
  rig.to_cold();
  const RecordingId first = rig.recording(calls.at(0)).recording;
  rig.begin_to_destroy(calls.at(0));
  rig.begin_to_destroy(calls.at(1));
  rig.compact();
  BOOST_TEST(!rig.is_known(calls.at(0)));
  BOOST_TEST(!rig.is_on(rig.config.cold->path, first));
  BOOST_TEST((rig.state_on(calls.at(2), Tier::kCold) == CopyState::kVerified));
  BOOST_TEST(rig.is_kept(calls.at(2)));
}

BOOST_AUTO_TEST_CASE(a_pack_of_which_nobody_lives_goes) {
  RewriteRig rig;
  if (!rig.can_verify()) return;
  const std::vector<TestCall> calls = rig.make_calls(2);
  rig.to_both();
  for (const TestCall& call : calls) rig.begin_to_destroy(call);
  rig.compact();
  for (const TestCall& call : calls) BOOST_TEST(!rig.is_known(call));
  BOOST_TEST(rig.files_below(rig.config.warm.path).empty());
  BOOST_TEST(rig.files_below(rig.config.cold->path).empty());
  BOOST_TEST(rig.rewrites().empty());
}

BOOST_AUTO_TEST_CASE(a_bad_pack_is_rewritten_from_its_good_copy) {
  RewriteRig rig;
  if (!rig.can_verify()) return;
  const std::vector<TestCall> calls = rig.make_calls(3);
  rig.to_both();
  rig.flip_byte(rig.only_pack(rig.config.warm.path), 3000);
  rig.begin_to_destroy(calls.at(0));
  rig.begin_to_destroy(calls.at(1));
  rig.compact();
  rig.repair();
  BOOST_TEST(rig.quarantined() == 0);
  BOOST_TEST(!rig.is_known(calls.at(0)));
  BOOST_TEST((rig.state_on(calls.at(2), Tier::kWarm) == CopyState::kVerified));
  BOOST_TEST((rig.state_on(calls.at(2), Tier::kCold) == CopyState::kVerified));
  BOOST_TEST(rig.is_kept(calls.at(2)));
}

BOOST_AUTO_TEST_CASE(a_destruction_under_the_writing_is_caught_up_with) {
  RewriteRig rig;
  if (!rig.can_verify()) return;
  const std::vector<TestCall> calls = rig.make_calls(3);
  rig.to_both();
  rig.begin_to_destroy(calls.at(0));
  rig.begin_to_destroy(calls.at(1));
  Compactor compactor(rig.archive());
  must(compactor.run_once(*rig.io));  // begun
  must(compactor.run_once(*rig.io));  // warm
  rig.begin_to_destroy(calls.at(2));
  rig.compact();
  for (const TestCall& call : calls) BOOST_TEST(!rig.is_known(call));
  BOOST_TEST(rig.files_below(rig.config.warm.path).empty());
  BOOST_TEST(rig.files_below(rig.config.cold->path).empty());
}

// P3: what is held keeps its bytes, whatever becomes of its pack.
BOOST_AUTO_TEST_CASE(P3_a_held_member_is_in_the_new_pack) {
  RewriteRig rig;
  if (!rig.can_verify()) return;
  const std::vector<TestCall> calls = rig.make_calls(3);
  rig.to_warm();
  must(rig.hold(calls.at(2)));
  rig.begin_to_destroy(calls.at(0));
  rig.begin_to_destroy(calls.at(1));
  BOOST_TEST((code_of(rig.destroy(calls.at(2))) == Code::kLocked));
  rig.compact();
  BOOST_TEST(!rig.is_known(calls.at(0)));
  BOOST_TEST(rig.is_kept(calls.at(2)));
}

// P2: the guard lets no pack go that a living recording is in.
BOOST_AUTO_TEST_CASE(P2_a_pack_that_lacks_a_living_member_takes_no_place) {
  RewriteRig rig;
  if (!rig.can_verify()) return;
  const std::vector<TestCall> calls = rig.make_calls(2);
  rig.to_warm();
  const CopyRow copy = rig.recording(calls.at(0)).copies.at(0);
  RewrittenPack lacking;
  lacking.pack.pack = rig.random.id<PackId>();
  lacking.pack.medium = copy.medium;
  lacking.pack.location = "packs/aa/x.tar";
  lacking.pack.size = Bytes(262'144);
  lacking.pack.members.push_back(
      {rig.recording(calls.at(0)).recording, 1, *copy.audio, *copy.metadata});
  lacking.from = *copy.pack;
  lacking.mode = VerifyMode::kDirect;
  BOOST_TEST(
      (code_of(rig.archive().writer.call(rewrite_pack(lacking, "system"))) == Code::kLocked));
  BOOST_TEST(rig.is_kept(calls.at(0)));
  BOOST_TEST(rig.is_kept(calls.at(1)));
  lacking.mode = VerifyMode::kNone;
  BOOST_TEST(
      (code_of(rig.archive().writer.call(rewrite_pack(lacking, "system"))) == Code::kInvalid));
  BOOST_TEST((code_of(rig.archive().writer.call(permit_stray_pack(*copy.pack, copy.medium))) ==
              Code::kConflict));
}

// P7: killed at every third operation.
BOOST_AUTO_TEST_CASE(P7_a_rewriting_is_killed_anywhere) {
  for (int n = 0;; n += 3) {
    RewriteRig rig;
    if (!rig.can_verify()) return;
    const std::vector<TestCall> calls = rig.make_calls(3);
    rig.to_both();
    rig.begin_to_destroy(calls.at(0));
    rig.begin_to_destroy(calls.at(1));
    FaultAt dead(n, true);
    rig.faults.aim(&dead);
    rig.compact_until_it_fails();
    rig.reopen();
    BOOST_TEST_CONTEXT("killed at point " << n << ", " << dead.fired_at()) {
      rig.clock.advance(hours(25));
      rig.compact();
      BOOST_TEST(!rig.is_known(calls.at(0)));
      BOOST_TEST(!rig.is_known(calls.at(1)));
      BOOST_TEST((rig.bytes_of(rig.only_pack(rig.config.warm.path)) ==
                  rig.bytes_of(rig.only_pack(rig.config.cold->path))));
      BOOST_TEST((rig.state_on(calls.at(2), Tier::kWarm) == CopyState::kVerified));
      BOOST_TEST((rig.state_on(calls.at(2), Tier::kCold) == CopyState::kVerified));
      BOOST_TEST(rig.is_kept(calls.at(2)));
    }
    if (!dead.fired()) {
      BOOST_TEST_MESSAGE(n << " points");
      BOOST_TEST(n > 30);
      return;
    }
  }
}

// The lines are durable and the commit fails: the writer replays them, and knows the new pack.
BOOST_AUTO_TEST_CASE(P7_a_commit_of_unknown_outcome_loses_nobody) {
  for (int n = 0; n < 12; ++n) {
    RewriteRig rig;
    if (!rig.can_verify()) return;
    const std::vector<TestCall> calls = rig.make_calls(3);
    rig.to_warm();
    rig.begin_to_destroy(calls.at(0));
    rig.begin_to_destroy(calls.at(1));
    std::atomic<int> left{n};
    rig.close();
    rig.before_commit = [&]() -> Status {
      if (left-- != 0) return {};
      return Error{Code::kIo, "injected: the commit fails"};
    };
    rig.open();
    BOOST_TEST_CONTEXT("commit " << n) {
      for (int turn = 0; turn < 5; ++turn) {
        Compactor compactor(rig.archive());
        while (true) {
          const Result<bool> more = compactor.run_once(*rig.io);
          if (!more.ok() || !*more) break;
        }
        rig.clock.advance(days(1));
      }
      rig.before_commit = nullptr;
      rig.reopen();
      rig.compact();
      BOOST_TEST(!rig.is_known(calls.at(0)));
      BOOST_TEST((rig.recording(calls.at(2)).state == RecordingState::kLive));
      BOOST_TEST((rig.state_on(calls.at(2), Tier::kWarm) == CopyState::kVerified));
      BOOST_TEST(rig.is_kept(calls.at(2)));
    }
  }
}

// P6: the ledger tells a rewriting, and a rebuilt index knows the new pack.
BOOST_AUTO_TEST_CASE(P6_a_rebuild_knows_the_new_pack) {
  RewriteRig rig;
  if (!rig.can_verify()) return;
  const std::vector<TestCall> calls = rig.make_calls(3);
  rig.to_both();
  rig.begin_to_destroy(calls.at(0));
  rig.begin_to_destroy(calls.at(1));
  rig.compact();
  const PackId pack = rig.recording(calls.at(2)).copies.at(0).pack.value();
  rig.lose_index();
  rig.rebuild();
  BOOST_TEST(!rig.is_known(calls.at(0)));
  BOOST_TEST((rig.recording(calls.at(2)).state == RecordingState::kLive));
  BOOST_TEST((rig.recording(calls.at(2)).copies.at(0).pack == pack));
  rig.run_mover();
  BOOST_TEST(rig.is_kept(calls.at(2)));
}

BOOST_AUTO_TEST_CASE(a_pack_that_is_being_rewritten_gets_no_move) {
  RewriteRig rig;
  if (!rig.can_verify()) return;
  const TestCall call = rig.ingest();
  rig.to_warm();
  const CopyRow copy = rig.recording(call).copies.at(0);
  const MediumId cold = rig.archive().cold->backend().medium();
  must(rig.archive().writer.call(begin_rewrite(*copy.pack, rig.random.id<PackId>())));
  BOOST_TEST((code_of(rig.archive().writer.call(
                  plan_move(PlanMove{*copy.pack, copy.medium, cold, true}))) == Code::kConflict));
}

// P2: what a rewriting reads from is not released under it.
BOOST_AUTO_TEST_CASE(P2_a_pack_that_is_being_rewritten_stays_where_it_is) {
  RewriteRig rig;
  if (!rig.can_verify()) return;
  const std::vector<TestCall> calls = rig.make_calls(3);
  rig.to_both();
  const CopyRow copy = rig.recording(calls.at(2)).copies.at(0);
  rig.begin_to_destroy(calls.at(0));
  rig.begin_to_destroy(calls.at(1));
  must(rig.archive().writer.call(begin_rewrite(*copy.pack, rig.random.id<PackId>())));
  BOOST_TEST((code_of(rig.archive().writer.call(release_pack(
                  *copy.pack, copy.medium, ReleasePolicy{1}, "system"))) == Code::kConflict));
  rig.compact();
  BOOST_TEST(!rig.is_known(calls.at(0)));
  BOOST_TEST(rig.is_kept(calls.at(2)));
}

// Where the state's disk takes no commit, each try would else cost the encoding of a whole pack.
BOOST_AUTO_TEST_CASE(nothing_is_encoded_before_its_commit_is_made) {
  class Writes final : public Faults {
   public:
    Status at(std::string_view point) override {
      count += point == "write" ? 1 : 0;
      return {};
    }
    int count = 0;
  };
  int refused = 0;
  for (int n = 0;; ++n) {
    RewriteRig rig;
    if (!rig.can_verify()) return;
    int left = -1;  // commits until all of them fail
    bool fails = false;
    rig.close();
    rig.before_commit = [&]() -> Status {
      fails = fails || (left >= 0 && left-- == 0);
      return fails ? Status(Error{Code::kIo, "injected: the commit fails"}) : Status();
    };
    rig.open();
    const std::vector<TestCall> calls = rig.make_calls(2);
    rig.to_warm();
    rig.begin_to_destroy(calls.at(0));
    left = n;
    Writes writes;
    rig.faults.aim(&writes);
    rig.compact_until_it_fails();
    rig.faults.aim(nullptr);
    const std::vector<RewriteRow> rows = rig.rewrites();
    if (!rows.empty() && !rows.front().is_written) {
      BOOST_TEST(writes.count == 0, "commits fail from the one numbered " << n);
      ++refused;
    }
    if (!fails) break;
    left = -1;
    fails = false;
  }
  BOOST_TEST(refused > 0);  // at least at the commit that is meant
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace holdfast
