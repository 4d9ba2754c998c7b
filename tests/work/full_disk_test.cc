// A full disk: ingest is refused, and what must be decided is decided all the same.
#include <boost/test/unit_test.hpp>

#include "tests/support/archive_fixture.h"
#include "tests/support/filled_disk.h"
#include "tests/support/small_disk.h"

namespace holdfast {
namespace {

BOOST_AUTO_TEST_SUITE(full_disk)

BOOST_AUTO_TEST_CASE(holds_releases_and_destructions_go_on) {
  const TemporaryDirectory directory;
  const testing::SmallDisk disk(directory / "disk", 160);
  if (!disk.is_mounted()) return;
  // The state and the standard tier on one small disk, as on an appliance.
  ArchiveFixture rig([&](Config& config) {
    config.state_dir = disk.path() + "/state";
    config.standard.path = disk.path() + "/standard";
  });
  const TestCall held = rig.ingest();
  const TestCall doomed = rig.ingest();
  disk.fill();
  BOOST_TEST((code_of(rig.try_ingest(rig.make_call())) == Code::kNoSpace));
  // Many of them, each with its note, its line and its rows.
  for (int i = 0; i < 50; ++i) {
    const HoldRow hold = must(rig.hold(held, "matter " + std::to_string(i)));
    must(rig.archive().writer.call(release_hold(hold.hold, "settled " + std::to_string(i), "u")));
  }
  must(rig.hold(held));
  must(rig.destroy(doomed));
  BOOST_TEST(!rig.is_known(doomed));
  BOOST_TEST(rig.is_whole(held));
  BOOST_TEST((code_of(rig.try_ingest(rig.make_call())) == Code::kNoSpace));
  BOOST_TEST(rig.unsettled().empty());
  // A start on the full disk works too.
  rig.reopen();
  BOOST_TEST((code_of(rig.destroy(held)) == Code::kLocked));
  disk.clear();
  const TestCall late = rig.ingest();
  BOOST_TEST(rig.is_whole(late));
}

// Full between a batch's line and its rows: the recovery that follows gets the room it needs.
BOOST_AUTO_TEST_CASE(a_disk_that_fills_up_amid_a_decision) {
  const TemporaryDirectory directory;
  const testing::SmallDisk disk(directory / "disk", 160);
  if (!disk.is_mounted()) return;
  ArchiveFixture rig([&](Config& config) {
    config.state_dir = disk.path() + "/state";
    config.standard.path = disk.path() + "/standard";
  });
  const TestCall call = rig.ingest();
  bool fills = false;
  rig.before_commit = [&]() -> Status {
    if (!std::exchange(fills, false)) return Status();
    disk.fill();
    return Error{Code::kNoSpace, "the disk is full"};
  };
  rig.reopen();
  fills = true;
  const auto unknown = rig.hold(call);
  BOOST_TEST((code_of(unknown) == Code::kUnavailable));
  // Its line was durable: it counts.
  must(rig.hold(call, "another matter"));
  BOOST_TEST(rig.recording(call).holds == 2);
  BOOST_TEST((code_of(rig.destroy(call)) == Code::kLocked));
}

// Packs wait for room on warm, whichever it lacks, and go on by themselves.
BOOST_AUTO_TEST_CASE(a_full_warm_disk_makes_packs_wait) {
  for (const testing::Shortage shortage : {testing::Shortage::kBytes, testing::Shortage::kInodes})
    BOOST_TEST_CONTEXT(testing::word(shortage)) {
      const TemporaryDirectory directory;
      const testing::FilledDisk disk(directory / "warm", {32, 64});
      if (!disk.is_mounted()) return;
      ArchiveFixture rig([&](Config& config) {
        config.warm.path = disk.path();
        config.disk_reserve = Bytes(0);
      });
      if (!rig.can_verify()) return;
      const TestCall call = rig.ingest();
      BOOST_REQUIRE(disk.fill(shortage));
      rig.pack();
      BOOST_TEST((rig.state_on(call, Tier::kWarm) != CopyState::kVerified));
      BOOST_TEST(rig.is_whole(call));
      const TestCall next = rig.ingest();
      disk.clear();
      for (int turn = 0; turn < 3; ++turn) rig.pack();
      for (const TestCall* one : {&call, &next}) {
        BOOST_TEST((rig.state_on(*one, Tier::kWarm) == CopyState::kVerified), one->call_sid);
        BOOST_TEST(rig.is_whole(*one));
      }
    }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace holdfast
