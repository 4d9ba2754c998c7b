// --check-places: what it says of directories that are absent, unlabelled, another's or as they
// should be; and that it changes nothing.
#include "daemon/place_check.h"

#include <algorithm>

#include "tests/support/archive_fixture.h"
#include "tests/support/files.h"

using namespace holdfast;

namespace {

CheckedPlace find(const std::vector<CheckedPlace>& places, const std::string& key) {
  const auto found = std::find_if(places.begin(), places.end(),
                                  [&](const CheckedPlace& place) { return place.key == key; });
  BOOST_REQUIRE(found != places.end());
  return *found;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(places)

BOOST_AUTO_TEST_CASE(a_sound_archive_is_all_right) {
  ArchiveFixture rig;
  const auto places = check_places(*rig.io, rig.config);
  BOOST_TEST(places.size() == 7u);
  for (const CheckedPlace& place : places) BOOST_TEST(place.status.ok(), place.finding);
  BOOST_TEST(find(places, "warm.path").finding.find("labelled warm-1 of archive ") !=
             std::string::npos);
}

BOOST_AUTO_TEST_CASE(each_fault_has_its_code_and_nothing_is_touched) {
  ArchiveFixture rig;
  Config config = rig.config;
  config.mirror_same_device = false;
  config.spool_dir = rig.directory / "absent";
  config.warm.path = rig.directory / "other";
  std::filesystem::create_directory(config.warm.path);
  must(init_label(*rig.io, config.warm.path,
                  Label{ArchiveId::from_text("aaaaaaaaaaaaaaaaaaaaaaaaaa").value(),
                        rig.random.id<MediumId>(), "warm-1", "pack", rig.clock.now()}));
  config.cold->path = rig.directory / "blank";
  std::filesystem::create_directory(config.cold->path);
  config.run_dir = rig.directory / "file";
  std::ofstream(config.run_dir) << "x";
  const auto before = all_below(rig.directory.path());
  const auto places = check_places(*rig.io, config);
  BOOST_TEST((find(places, "archive.spool_dir").status.error().code == Code::kNotFound));
  BOOST_TEST((find(places, "archive.run_dir").status.error().code == Code::kConflict));
  BOOST_TEST((find(places, "archive.mirror_dir").status.error().code == Code::kConflict));
  BOOST_TEST((find(places, "warm.path").status.error().code == Code::kConflict));
  BOOST_TEST((find(places, "cold.path").status.error().code == Code::kUnavailable));
  BOOST_TEST(find(places, "standard.path").status.ok());
  BOOST_TEST(find(places, "cold.path").finding.find("holdfastd --init") != std::string::npos);
  BOOST_TEST(all_below(rig.directory.path()) == before, boost::test_tools::per_element());
  if (::geteuid() == 0) return;  // root may write anywhere
  std::filesystem::permissions(rig.config.mirror_dir, std::filesystem::perms::owner_read);
  const auto closed = check_places(*rig.io, rig.config);
  std::filesystem::permissions(rig.config.mirror_dir, std::filesystem::perms::owner_all);
  BOOST_TEST((find(closed, "archive.mirror_dir").status.error().code == Code::kForbidden));
}

BOOST_AUTO_TEST_SUITE_END()
