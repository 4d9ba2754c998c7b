// Suspension: what counts, when it comes, how it ends.
#include "tiers/health.h"

#include <boost/test/unit_test.hpp>

#include "base/limits.h"
#include "tests/support/faults.h"
#include "tests/support/faulty_backend.h"
#include "tests/support/memory_backend.h"
#include "tiers/watched_backend.h"

using namespace holdfast;

namespace {

const Error kBroken{Code::kIo, "the disk says no"};

struct HealthRig {
  ManualClock clock{UnixMillis(1'790'000'000'000)};
  BackendHealth health{clock};

  void fail(int times) {
    for (int i = 0; i < times; ++i) health.failed(kBroken);
  }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(health)

BOOST_AUTO_TEST_CASE(the_fifth_failure_within_ten_minutes_suspends) {
  HealthRig rig;
  for (int i = 1; i < limits::kSuspendFailures; ++i) {
    BOOST_TEST(!rig.health.failed(kBroken));
    rig.clock.advance(minutes(2));
  }
  BOOST_TEST(!rig.health.suspension().has_value());
  BOOST_TEST(rig.health.failed(kBroken));
  const auto suspension = rig.health.suspension();
  BOOST_REQUIRE(suspension.has_value());
  BOOST_TEST((suspension->since == rig.clock.now()));
  BOOST_TEST(suspension->error == kBroken.message);
  BOOST_TEST((suspension->next_probe_at == rig.clock.now() + minutes(1)));
  BOOST_TEST(!rig.health.failed(kBroken));  // it is told once
}

BOOST_AUTO_TEST_CASE(failures_that_are_far_apart_do_not) {
  HealthRig rig;
  for (int i = 0; i < 50; ++i) {
    BOOST_TEST(!rig.health.failed(kBroken));
    rig.clock.advance(minutes(3));
  }
}

BOOST_AUTO_TEST_CASE(probes_come_at_twice_the_time_up_to_a_cap) {
  HealthRig rig;
  rig.fail(limits::kSuspendFailures);
  int64_t wait = limits::kProbeWaitMs;
  for (int probe = 0; probe < 10; ++probe) {
    BOOST_TEST(!rig.health.wants_probe());
    rig.clock.advance(Millis(wait - 1));
    BOOST_TEST(!rig.health.wants_probe());
    rig.clock.advance(Millis(1));
    BOOST_TEST(rig.health.wants_probe());
    rig.health.probe_failed(Error{Code::kUnavailable, "still away"});
    BOOST_TEST(rig.health.suspension()->error == "still away");
    wait = std::min(wait * 2, limits::kProbeWaitMsMax);
  }
  BOOST_TEST(rig.health.resume());
  BOOST_TEST(!rig.health.resume());
  BOOST_TEST(!rig.health.wants_probe());
  rig.fail(limits::kSuspendFailures - 1);  // what was before is forgotten
  BOOST_TEST(!rig.health.suspension().has_value());
}

// Only the back-end's own failures count.
BOOST_AUTO_TEST_CASE(who_gives_or_takes_the_bytes_is_not_the_back_end) {
  HealthRig rig;
  const auto io = Io::open().value();
  MemoryBackend memory(MediumId{});
  AimedFaults faults;
  FaultyBackend faulty(memory, faults);
  WatchedBackend watched(faulty, rig.health);
  const auto session = watched.attach(*io).value();
  const std::string text(100, 'x');
  const PackSource good = [&](const ByteSink& sink) { return sink(as_bytes(text)); };
  const PackLocation location = session->append(*io, PackId{}, Bytes(100), good).value();
  for (int i = 0; i < 2 * limits::kSuspendFailures; ++i) {
    BOOST_TEST(
        !session->append(*io, PackId{}, Bytes(100), [](const ByteSink&) { return Status(kBroken); })
             .ok());
    BOOST_TEST(!session
                    ->read(*io, location, {PackRange{Bytes(0), Bytes(100)}},
                           [](size_t, ByteSpan) { return Status(kBroken); })
                    .ok());
  }
  BOOST_TEST(!rig.health.suspension().has_value());
  FaultAt always(0, true);
  faults.aim(&always);
  for (int i = 0; i < limits::kSuspendFailures; ++i) {
    BOOST_TEST(!rig.health.suspension().has_value());
    BOOST_TEST(!session->append(*io, PackId{}, Bytes(100), good).ok());
  }
  BOOST_TEST(rig.health.suspension().has_value());
}

BOOST_AUTO_TEST_SUITE_END()
