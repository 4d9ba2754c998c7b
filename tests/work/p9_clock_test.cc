// P9 over the whole archive: a wrong clock destroys nothing, and a right one does what it should.
#include "tests/work/retention_rig.h"

namespace holdfast::testing {
namespace {

BOOST_AUTO_TEST_SUITE(P9_a_wrong_clock_destroys_nothing)

BOOST_AUTO_TEST_CASE(P9_retention_ends_and_expiry_destroys) {
  RetentionRig rig;
  const TestCall kept = rig.ingest();
  const TestCall gone = rig.ingest();
  must(rig.retain(kept, "decade"));
  must(rig.retain(gone, "day"));
  BOOST_TEST(rig.live(days(29)) == 0);  // not before thirty days have passed
  BOOST_TEST(rig.live(days(2)) == 1);
  rig.run_mover();
  BOOST_TEST(!rig.is_known(gone));
  BOOST_TEST(rig.is_kept(kept));
  BOOST_TEST((code_of(rig.try_ingest(gone)) == Code::kConflict));  // erased
}

BOOST_AUTO_TEST_CASE(P9_a_system_clock_set_ten_years_ahead_expires_nothing) {
  for (const bool restarts : {false, true}) {
    RetentionRig rig;
    std::vector<TestCall> calls;
    for (int i = 0; i < 5; ++i) {
      calls.push_back(rig.ingest());
      must(rig.retain(calls.back(), i % 2 == 0 ? "day" : "law"));
    }
    rig.live(days(1));
    rig.clock.jump_to(rig.clock.now() + days(3660));
    if (restarts) {
      rig.end_process();
      rig.reopen();
    }
    // Thirty days of run time pass for those whose retention is a day; not ten years for the rest.
    BOOST_TEST(rig.live(days(20)) == 0);
    rig.run_mover();
    for (const TestCall& call : calls) BOOST_TEST(rig.is_kept(call));
    for (const size_t locked : {1U, 3U})
      BOOST_TEST((code_of(rig.condemn_now(calls[locked])) == Code::kLocked));
    BOOST_TEST(rig.compliance().state.stopped_at.has_value() == !restarts);
    // Until a person says that it is right.
    must(rig.archive().writer.call(accept_clock("it is", "uid:0")));
    BOOST_TEST(rig.live(days(29)) == 0);  // nothing goes soon after it was set forward
    BOOST_TEST(rig.live(days(2)) == 5);
  }
}

// It was off for years: nobody can tell that from a wrong clock.
BOOST_AUTO_TEST_CASE(P9_after_a_long_absence_nothing_expires_at_once) {
  RetentionRig rig;
  const TestCall call = rig.ingest();
  must(rig.retain(call, "day"));
  rig.live(days(1));
  rig.end_process();
  rig.close();
  rig.clock.advance(days(400));
  rig.open();
  BOOST_TEST(rig.live(days(20)) == 0);
  const ComplianceState state = rig.compliance().state;
  BOOST_TEST(!state.stopped_at.has_value());
  BOOST_TEST((state.system - state.now > days(390)));
  BOOST_TEST(rig.is_kept(call));
}

BOOST_AUTO_TEST_CASE(P9_a_clock_set_back_stops_and_expires_nothing) {
  RetentionRig rig;
  const TestCall call = rig.ingest();
  must(rig.retain(call, "day"));
  rig.live(days(29));
  rig.clock.jump_to(rig.clock.now() - days(3650));
  BOOST_TEST(rig.live(days(60)) == 0);
  BOOST_TEST(rig.compliance().state.stopped_at.has_value());
  BOOST_TEST(rig.is_kept(call));
}

BOOST_AUTO_TEST_CASE(P9_a_clock_that_was_never_set_starts_nothing) {
  RetentionRig rig;
  const UnixMillis right = rig.clock.now();
  rig.close();
  rig.clock.jump_to(UnixMillis(0));
  const Status refused = rig.try_open();
  BOOST_TEST((code_of(refused) == Code::kUnavailable));
  BOOST_TEST(refused.error().message.find("1970-01-01") != std::string::npos);
  rig.clock.jump_to(right);
  must(rig.try_open());
}

// What came in while the clock was years behind is not old when it is right again.
BOOST_AUTO_TEST_CASE(P9_what_came_in_by_a_clock_that_was_behind_is_kept) {
  RetentionRig rig([](Config& config) { config.expiry.breaker_percent = 100; });
  rig.add_class("year", "1y", RetentionMode::kGovernance);
  must(rig.archive().writer.call(set_retention_default(std::nullopt, "year", "uid:0")));
  rig.live(days(1));
  const UnixMillis right = rig.clock.now();
  rig.clock.jump_to(right - days(3650));
  TestCall call = rig.make_call();
  // Its recorder knows the time; by the archive's clock the call has not ended yet.
  call.files["metadata.json"].replace(call.files["metadata.json"].find(to_iso(rig.clock.now())), 24,
                                      to_iso(right));
  must(rig.try_ingest(call));
  rig.clock.jump_to(right + minutes(1));
  rig.live(minutes(1), minutes(1));
  must(rig.archive().writer.call(accept_clock("NTP was repaired", "uid:0")));
  BOOST_TEST(rig.live(days(40)) == 0);
  BOOST_TEST((code_of(rig.condemn_now(call)) == Code::kLocked));
  BOOST_TEST(rig.is_kept(call));
}

// A rebuilt index knows the time by the ledger: never a later one than there was.
BOOST_AUTO_TEST_CASE(P9_a_rebuilt_clock_is_not_ahead) {
  RetentionRig rig;
  const TestCall call = rig.ingest();
  must(rig.retain(call, "decade"));
  rig.live(days(10));
  const UnixMillis before = rig.compliance().state.now;
  rig.end_process();
  rig.lose_index();
  rig.rebuild();
  const ComplianceState after = rig.compliance().state;
  BOOST_TEST((after.now <= before));
  BOOST_TEST((before - after.now <= days(2)));  // a line a day tells it
  BOOST_TEST((code_of(rig.condemn_now(call)) == Code::kLocked));
  rig.live(hours(1), minutes(10));
  BOOST_TEST(!rig.compliance().state.stopped_at.has_value());
}

BOOST_AUTO_TEST_CASE(P9_without_its_ledger_an_archive_asks_a_person_for_the_time) {
  RetentionRig rig;
  const TestCall call = rig.ingest();
  must(rig.retain(call, "day"));
  rig.live(days(1));
  rig.end_process();
  rig.close();
  std::filesystem::remove_all(rig.config.state_dir + "/ledger");
  std::filesystem::remove_all(rig.config.mirror_dir);
  std::filesystem::create_directories(rig.config.mirror_dir);
  rig.lose_index();
  rig.rebuild();
  {
    auto index = must(rig.archive().index.take());
    BOOST_TEST(!must(find_clock(*index)).has_value());
  }
  BOOST_TEST(rig.live(days(60)) == 0);
  BOOST_TEST((code_of(rig.condemn_now(call)) == Code::kLocked));  // by the matter recovery
}

BOOST_AUTO_TEST_CASE(P9_switched_off_expiry_destroys_nothing_and_the_clock_goes) {
  RetentionRig rig([](Config& config) { config.expiry.enabled = false; });
  const TestCall call = rig.ingest();
  must(rig.retain(call, "day"));
  BOOST_TEST(rig.live(days(60)) == 0);
  BOOST_TEST((rig.compliance().state.now == rig.clock.now()));
  BOOST_TEST(rig.is_kept(call));
}

BOOST_AUTO_TEST_CASE(P9_expiry_keeps_its_pace) {
  RetentionRig rig([](Config& config) {
    config.expiry.rate_per_hour = 2;
    config.expiry.breaker_percent = 100;
  });
  for (int i = 0; i < 8; ++i) must(rig.retain(rig.ingest(), "day"));
  rig.expirer().request_stop();
  rig.live(days(40));
  rig.end_process();
  BOOST_TEST(must(rig.expirer().run_once(*rig.io)) == 0);  // nothing is earned yet
  rig.clock.advance(minutes(29));
  BOOST_TEST(must(rig.expirer().run_once(*rig.io)) == 0);
  rig.clock.advance(minutes(1));
  BOOST_TEST(must(rig.expirer().run_once(*rig.io)) == 1);
  rig.clock.advance(hours(1));
  const int64_t after_an_hour = must(rig.expirer().run_once(*rig.io));
  BOOST_TEST(after_an_hour >= 1);
  BOOST_TEST(after_an_hour <= 2);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace holdfast::testing
