// The mover: does what the plan says, both ages, limits of packs, failures that stay visible.
#include <algorithm>

#include "tests/support/archive_fixture.h"

namespace holdfast {
namespace {

BOOST_AUTO_TEST_SUITE(moving)

BOOST_AUTO_TEST_CASE(a_call_lives_through_all_tiers_and_comes_back) {
  ArchiveFixture rig;
  if (!rig.can_verify()) return;
  const TestCall call = rig.ingest();
  BOOST_TEST(rig.is_whole(call));
  rig.to_cold();
  const Recording known = rig.recording(call);
  BOOST_TEST((known.tier == Tier::kCold));
  BOOST_REQUIRE_EQUAL(known.copies.size(), 1);
  BOOST_TEST((known.copies[0].state == CopyState::kVerified));
  BOOST_TEST(!rig.is_readable(call));
  BOOST_TEST(rig.files_below(rig.config.standard.path).empty());
  BOOST_TEST(rig.files_below(rig.config.warm.path).empty());
  BOOST_TEST(rig.files_below(rig.config.cold->path).size() == 1);
  BOOST_TEST(rig.moves().empty());
  BOOST_TEST(rig.is_kept(call));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace holdfast
