// Retention over the whole archive: what is given at ingest, who shares a pack, and what expiry
// does to what is packed, held in time, or condemned.
#include "tests/work/retention_rig.h"

namespace holdfast::testing {
namespace {

BOOST_AUTO_TEST_SUITE(retention_work)

std::set<std::string> open_cohorts(RetentionRig& rig) {
  auto index = must(rig.archive().index.take());
  std::set<std::string> cohorts;
  for (const PackRow& pack : must(open_packs(*index))) cohorts.insert(pack.cohort);
  return cohorts;
}

BOOST_AUTO_TEST_CASE(those_who_leave_together_share_a_pack) {
  RetentionRig rig;
  const TestCall none = rig.ingest();
  const TestCall first = rig.ingest();
  const TestCall second = rig.ingest();
  const TestCall strict = rig.ingest();
  const TestCall held = rig.ingest();
  for (const TestCall* call : {&first, &second, &held}) must(rig.retain(*call, "decade"));
  must(rig.retain(strict, "law"));
  must(rig.hold(held));
  rig.clock.advance(rig.config.standard.copy_after);
  rig.run_mover();
  const std::string month =
      to_iso(*rig.recording(first).expires_at).substr(0, 7);  // the end of all three classes
  BOOST_TEST(open_cohorts(rig) == (std::set<std::string>{"none/open", "decade/" + month,
                                                         "law/" + month, "decade/open"}),
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_default_counts_from_the_calls_end_and_is_kept_over_its_changes) {
  RetentionRig rig([](Config& config) { config.expiry.not_before = days(3); });
  must(rig.archive().writer.call(set_retention_default(std::nullopt, "day", "uid:0")));
  const TestCall call = rig.make_call();  // it ended now ...
  const UnixMillis ended = rig.clock.now();
  rig.clock.advance(hours(5));
  must(rig.try_ingest(call));  // ... and comes in later
  const Recording known = rig.recording(call);
  BOOST_TEST((known.retain_until == ended + days(1)));
  BOOST_TEST((known.expires_at == rig.clock.now() + days(3)));
  rig.add_class("day", "10y", RetentionMode::kCompliance);
  must(rig.archive().writer.call(set_retention_default(std::nullopt, std::nullopt, "uid:0")));
  rig.reopen();
  BOOST_TEST((rig.recording(call).retain_until == known.retain_until));
  BOOST_TEST(rig.recording(call).retention_version == 1);
}

BOOST_AUTO_TEST_CASE(what_expires_in_a_pack_is_not_read_any_more) {
  RetentionRig rig;
  if (!rig.can_verify()) return;
  const TestCall gone = rig.ingest();
  const TestCall kept = rig.ingest();
  must(rig.retain(gone, "day"));
  must(rig.retain(kept, "decade"));
  rig.to_warm();
  BOOST_TEST(rig.live(days(40)) == 1);
  rig.run_mover();
  BOOST_TEST((rig.recording(gone).state == RecordingState::kDestroying));
  BOOST_TEST(!rig.is_readable(gone));
  BOOST_TEST(rig.is_kept(kept));
}

BOOST_AUTO_TEST_CASE(a_lock_in_time_saves_what_has_expired) {
  for (const bool by_hold : {true, false}) {
    RetentionRig rig;
    const TestCall call = rig.ingest();
    must(rig.retain(call, "day"));
    BOOST_TEST(rig.live(days(40)) == 1);
    BOOST_TEST((rig.recording(call).state == RecordingState::kCondemned));
    if (by_hold)
      must(rig.hold(call));
    else
      must(rig.retain(call, "decade"));
    rig.run_mover();
    BOOST_TEST((rig.recording(call).state == RecordingState::kLive));
    BOOST_TEST(rig.is_kept(call));
    BOOST_TEST(rig.live(days(2)) == 0);
  }
}

// The process that waits for its clock takes up what a person has set, at its next look.
BOOST_AUTO_TEST_CASE(an_accepted_clock_is_taken_up_by_the_running_process) {
  RetentionRig rig;
  const TestCall call = rig.ingest();
  must(rig.retain(call, "day"));
  rig.live(days(1));
  rig.clock.jump_to(rig.clock.now() + days(100));
  BOOST_TEST(rig.live(hours(1), minutes(10)) == 0);
  must(rig.archive().writer.call(accept_clock("it is right", "uid:0")));
  BOOST_TEST(rig.live(days(29)) == 0);  // nothing goes soon after it was set forward
  BOOST_TEST(rig.live(days(1), minutes(10)) == 1);
  const ComplianceState state = rig.compliance().state;
  BOOST_TEST(!state.stopped_at.has_value());
  BOOST_TEST((rig.clock.now() - state.now <= minutes(10)));
}

BOOST_AUTO_TEST_CASE(nothing_expires_while_the_mirror_is_away) {
  RetentionRig rig;
  const TestCall call = rig.ingest();
  must(rig.retain(call, "day"));
  rig.live(days(29));
  // The mirror's disk is pulled: its path is a file now. What weakens needs both places.
  rig.end_process();
  rig.close();
  std::filesystem::rename(rig.config.mirror_dir, rig.directory / "pulled");
  std::ofstream(rig.config.mirror_dir) << "not a directory";
  rig.open();
  bool refused = false;
  for (int turn = 0; turn < 12; ++turn) {
    rig.clock.advance(hours(6));
    refused |= !rig.expirer().run_once(*rig.io).ok();
  }
  BOOST_TEST(refused);
  BOOST_TEST((rig.recording(call).state == RecordingState::kLive));
  BOOST_TEST(rig.is_kept(call));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace holdfast::testing
