// P2 and P3 over the whole archive: what may not go stays, whoever asks.
#include <fstream>

#include "index/commands/copies.h"
#include "index/commands/packs.h"
#include "index/read/holds.h"
#include "tests/support/archive_fixture.h"

namespace holdfast {
namespace {

BOOST_AUTO_TEST_SUITE(P2_a_source_outlives_its_successors_proof)

BOOST_AUTO_TEST_CASE(nothing_is_released_before_the_new_copy_was_re_read) {
  ArchiveFixture rig;
  const TestCall call = rig.ingest();
  const Recording known = rig.recording(call);
  Remover remover(rig.archive());
  BOOST_TEST((code_of(remover.release_standard(*rig.io, known, 1, "system")) == Code::kLocked));
  rig.clock.advance(days(400));
  rig.run_mover();
  BOOST_TEST((code_of(remover.release_standard(*rig.io, known, 1, "system")) == Code::kLocked));
  BOOST_TEST(rig.is_whole(call));
}

// Turns until a file appears below the root: written, and verified only by the next turn.
void until_written(ArchiveFixture& rig, const std::string& root) {
  for (int turn = 0; turn < 20 && rig.files_below(root).empty(); ++turn)
    must(rig.mover->run_once(*rig.io));
  BOOST_REQUIRE_EQUAL(rig.files_below(root).size(), 1);
}

BOOST_AUTO_TEST_CASE(a_pack_that_is_bad_on_its_medium_releases_nothing) {
  ArchiveFixture rig;
  if (!rig.can_verify()) return;
  const TestCall call = rig.ingest();
  rig.clock.advance(rig.config.standard.copy_after);
  rig.run_mover();
  rig.clock.advance(rig.config.warm.pack_seal_after);
  until_written(rig, rig.config.warm.path);
  BOOST_TEST((rig.state_on(call, Tier::kWarm) == CopyState::kCopied));
  rig.flip_byte(*rig.files_below(rig.config.warm.path).begin(), 2000);
  // Its members are packed anew, and not before that was re-read does anything go.
  rig.clock.advance(days(20));
  for (int turn = 0; turn < 50; ++turn, rig.clock.advance(minutes(1))) {
    const auto is_elsewhere = [&] {
      return rig.state_on(call, Tier::kWarm) == CopyState::kVerified ||
             rig.state_on(call, Tier::kCold) == CopyState::kVerified;
    };
    const bool was_elsewhere = is_elsewhere();
    must(rig.mover->run_once(*rig.io));
    if (!was_elsewhere) BOOST_TEST((rig.state_on(call, Tier::kStandard) == CopyState::kCopied));
  }
  BOOST_TEST(!rig.state_on(call, Tier::kStandard).has_value());
  BOOST_TEST(rig.is_kept(call));
}

BOOST_AUTO_TEST_CASE(a_copy_that_went_bad_on_its_way_to_cold_is_made_again) {
  ArchiveFixture rig;
  if (!rig.can_verify()) return;
  const TestCall call = rig.ingest();
  rig.to_warm();
  rig.clock.advance(rig.config.warm.copy_after);
  until_written(rig, rig.config.cold->path);
  rig.flip_byte(*rig.files_below(rig.config.cold->path).begin(), 2000);
  rig.run_mover();
  BOOST_TEST((rig.state_on(call, Tier::kCold) == CopyState::kQuarantined));
  BOOST_TEST(rig.moves().at(0).attempts == 1);
  rig.clock.advance(hours(1));
  rig.run_mover();
  BOOST_TEST((rig.state_on(call, Tier::kCold) == CopyState::kVerified));
  rig.clock.advance(rig.config.warm.release_after);
  rig.run_mover();
  BOOST_TEST((rig.recording(call).tier == Tier::kCold));
  BOOST_TEST(rig.is_kept(call));
}

BOOST_AUTO_TEST_CASE(two_copies_are_wanted_where_so_configured) {
  ArchiveFixture rig([](Config& config) { config.copies_before_release = 2; });
  if (!rig.can_verify()) return;
  const TestCall call = rig.ingest();
  rig.pack();
  rig.release_standard();
  BOOST_TEST(rig.is_readable(call));  // one verified copy is not enough
  rig.clock.advance(rig.config.warm.release_after);
  rig.run_mover();
  rig.clock.advance(minutes(10));
  rig.run_mover();
  BOOST_TEST((rig.state_on(call, Tier::kCold) == CopyState::kVerified));
  BOOST_TEST(!rig.files_below(rig.config.warm.path).empty());
  BOOST_TEST(rig.is_kept(call));
}

BOOST_AUTO_TEST_CASE(the_last_pack_is_not_released) {
  ArchiveFixture rig;
  if (!rig.can_verify()) return;
  const TestCall call = rig.ingest();
  rig.to_warm();
  const PackId pack = *rig.recording(call).copies.at(0).pack;
  BOOST_TEST((code_of(Remover(rig.archive()).release_warm_pack(*rig.io, pack, "key:test")) ==
              Code::kLocked));
  BOOST_TEST(rig.is_kept(call));
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(P3_locked_means_locked)

BOOST_AUTO_TEST_CASE(what_is_held_cannot_be_destroyed_on_any_tier) {
  ArchiveFixture rig;
  if (!rig.can_verify()) return;
  const TestCall call = rig.ingest();
  must(rig.hold(call));
  BOOST_TEST((code_of(rig.destroy(call)) == Code::kLocked));
  BOOST_TEST(rig.is_whole(call));
  rig.to_warm();  // a held recording moves like any other
  BOOST_TEST((rig.recording(call).tier == Tier::kWarm));
  BOOST_TEST((code_of(rig.destroy(call)) == Code::kLocked));
  rig.reopen();
  BOOST_TEST((code_of(rig.destroy(call)) == Code::kLocked));
  rig.clock.advance(rig.config.warm.release_after);
  rig.run_mover();
  BOOST_TEST((code_of(rig.destroy(call)) == Code::kLocked));
  BOOST_TEST(rig.is_kept(call));
  BOOST_TEST((code_of(rig.destroy(call)) == Code::kLocked));  // staged
  rig.clock.advance(hours(25));
  rig.run_mover();  // the staged copy goes; the one it was made from stays
  BOOST_TEST(rig.staged_files().empty());
  BOOST_TEST(rig.is_kept(call));
}

BOOST_AUTO_TEST_CASE(a_hold_between_condemned_and_destroying_cancels) {
  ArchiveFixture rig;
  const TestCall call = rig.ingest();
  const RecordingNo number = rig.recording(call).recording_no;
  must(rig.archive().writer.call(condemn(number, "key:test")));
  must(rig.hold(call));
  BOOST_TEST((rig.recording(call).state == RecordingState::kLive));
  BOOST_TEST(!Remover(rig.archive()).destroy(*rig.io, number, "key:test").ok());
  rig.reopen();  // start-up carries destructions on: not this one
  BOOST_TEST((rig.recording(call).state == RecordingState::kLive));
  BOOST_TEST(rig.is_whole(call));
}

BOOST_AUTO_TEST_CASE(a_hold_after_the_second_commit_is_refused_and_a_condemned_one_is_finished) {
  ArchiveFixture rig;
  const TestCall call = rig.ingest();
  const RecordingNo number = rig.recording(call).recording_no;
  must(rig.archive().writer.call(condemn(number, "key:test")));
  must(rig.archive().writer.call(begin_destroying(number, "key:test")));
  BOOST_TEST((code_of(rig.hold(call)) == Code::kConflict));
  rig.reopen();
  BOOST_TEST(!rig.is_known(call));
  BOOST_TEST(rig.standard_files("recording.json").empty());
}

BOOST_AUTO_TEST_CASE(coming_again_changes_nothing_that_is_held) {
  ArchiveFixture rig;
  const TestCall call = rig.ingest();
  must(rig.hold(call));
  BOOST_TEST((must(rig.try_ingest(call)).verdict == IngestVerdict::kSame));
  TestCall other = call;
  other.files["inbound.ulaw"][17] ^= 1;
  BOOST_TEST((code_of(rig.try_ingest(other)) == Code::kConflict));
  BOOST_TEST(rig.is_whole(call));
  BOOST_TEST(rig.recording(call).holds == 1);
}

BOOST_AUTO_TEST_CASE(a_hold_outlives_a_crash_and_is_released_by_name_only) {
  ArchiveFixture rig;
  const TestCall call = rig.ingest();
  const HoldRow first = must(rig.hold(call, "one"));
  const HoldRow second = must(rig.hold(call, "two"));
  rig.reopen();
  must(rig.archive().writer.call(release_hold(first.hold, "settled", "key:test")));
  BOOST_TEST((code_of(rig.destroy(call)) == Code::kLocked));
  must(rig.archive().writer.call(release_hold(second.hold, "settled", "key:test")));
  must(rig.destroy(call));
  BOOST_TEST(!rig.is_known(call));
}

BOOST_AUTO_TEST_CASE(what_was_erased_does_not_come_back) {
  ArchiveFixture rig;
  const TestCall call = rig.ingest();
  must(rig.destroy(call));
  BOOST_TEST((code_of(rig.try_ingest(call)) == Code::kConflict));
  rig.reopen();
  BOOST_TEST((code_of(rig.try_ingest(call)) == Code::kConflict));
  BOOST_TEST(!rig.is_known(call));
  BOOST_TEST(rig.unsettled().empty());
}

BOOST_AUTO_TEST_CASE(what_lies_in_a_pack_stays_destroying_and_is_not_read_any_more) {
  ArchiveFixture rig;
  if (!rig.can_verify()) return;
  const TestCall call = rig.ingest();
  const TestCall other = rig.ingest();
  rig.to_warm();
  must(rig.destroy(call));
  BOOST_TEST((rig.recording(call).state == RecordingState::kDestroying));
  BOOST_TEST(!rig.is_readable(call));
  BOOST_TEST((code_of(rig.ask(call)) == Code::kConflict));
  BOOST_TEST((code_of(rig.hold(call)) == Code::kConflict));
  rig.reopen();
  BOOST_TEST((rig.recording(call).state == RecordingState::kDestroying));
  BOOST_TEST(rig.is_kept(other));
}

BOOST_AUTO_TEST_CASE(a_member_destroyed_before_its_pack_is_written_is_not_in_it) {
  ArchiveFixture rig;
  if (!rig.can_verify()) return;
  const TestCall call = rig.ingest();
  const TestCall other = rig.ingest();
  rig.clock.advance(rig.config.standard.copy_after);
  rig.run_mover();
  must(rig.destroy(call));
  BOOST_TEST(!rig.is_known(call));
  rig.clock.advance(rig.config.warm.pack_seal_after);
  rig.run_mover();
  BOOST_TEST((rig.state_on(other, Tier::kWarm) == CopyState::kVerified));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace holdfast
