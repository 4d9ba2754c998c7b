// A full disk: ingest is refused, and what must be decided is decided all the same.
#include <boost/test/unit_test.hpp>

#include "tests/support/archive_fixture.h"
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

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace holdfast
