// Which medium belongs at a path: remembered, confirmed by the label, never guessed.
#include <boost/test/unit_test.hpp>

#include "daemon/work/medium_sight.h"
#include "index/commands/media.h"
#include "index/read/status.h"
#include "tests/support/archive_fixture.h"

namespace holdfast {
namespace {

namespace fs = std::filesystem;

class MediaRig : public ArchiveFixture {
 public:
  MediumId warm() { return archive().warm->backend().medium(); }
  // Another medium of this archive and tier, registered later than all others.
  Label make_medium(const std::string& path, Tier tier, const std::string& kind,
                    const std::string& name) {
    clock.advance(hours(1));
    fs::create_directories(path);
    const Label label{archive().id, random.id<MediumId>(), name, kind, clock.now()};
    must(init_label(*io, path, label));
    MediumRow row;
    row.medium = label.medium;
    row.tier = tier;
    row.kind = kind;
    row.name = name;
    must(archive().writer.call(register_medium(row, "uid:0")));
    return label;
  }
  std::optional<std::string> place(const MediumId& medium) {
    auto index = must(archive().index.take());
    return must(find_medium(*index, medium))->place;
  }
  Error attach_error() {
    auto session = archive().warm->backend().attach(*io);
    BOOST_REQUIRE(!session.ok());
    return session.error();
  }
  void unmount(const std::string& path) {
    fs::rename(path, path + ".away");
    fs::create_directory(path);
  }
};

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

BOOST_AUTO_TEST_SUITE(media)

BOOST_FIXTURE_TEST_CASE(an_absent_disk_is_not_taken_for_a_newer_one_of_its_tier, MediaRig) {
  const MediumId own = warm();
  const TestCall call = ingest();
  pack();
  make_medium(directory / "warm2", Tier::kWarm, "pack", "warm-2");
  unmount(config.warm.path);
  reopen();
  BOOST_CHECK(warm() == own);
  BOOST_CHECK(attach_error().code == Code::kUnavailable);
  BOOST_TEST(files_below(config.warm.path).empty());
  BOOST_TEST(is_whole(call));  // the daemon runs on
  fs::remove(config.warm.path);
  fs::rename(config.warm.path + ".away", config.warm.path);
  must(archive().warm->backend().attach(*io));  // and takes it up when it is back
}

BOOST_FIXTURE_TEST_CASE(a_swapped_disk_is_told_with_both_names, MediaRig) {
  const MediumId own = warm();
  const Label other = make_medium(directory / "warm2", Tier::kWarm, "pack", "warm-2");
  fs::rename(config.warm.path, directory / "away");
  fs::rename(directory / "warm2", config.warm.path);
  reopen();
  BOOST_CHECK(warm() == own);
  const Error error = attach_error();
  BOOST_CHECK(error.code == Code::kUnavailable);
  for (const std::string& part : {own.text(), other.medium.text(), other.name})
    BOOST_TEST(has(error.message, part), error.message);
  const TestCall call = ingest();
  clock.advance(hours(2));
  run_mover();
  BOOST_TEST(is_whole(call));
  BOOST_TEST(files_below(config.warm.path).empty());
}

BOOST_FIXTURE_TEST_CASE(another_standard_medium_is_refused_before_anything_is_done, MediaRig) {
  const MediumId own = archive().standard_medium();
  const Label other = make_medium(directory / "standard2", Tier::kStandard, "disk", "standard-2");
  fs::rename(config.standard.path, directory / "away");
  fs::rename(directory / "standard2", config.standard.path);
  crash();
  const Status opened = try_open();
  BOOST_REQUIRE(!opened.ok());
  BOOST_CHECK(opened.error().code == Code::kUnavailable);
  for (const std::string& part : {own.text(), other.medium.text()})
    BOOST_TEST(has(opened.error().message, part), opened.error().message);
  BOOST_TEST(!fs::exists(config.standard.path + "/standard"));
}

BOOST_FIXTURE_TEST_CASE(a_medium_of_another_archive_is_offline_too, MediaRig) {
  fs::remove(config.warm.path + "/holdfast-label.json");
  must(init_label(*io, config.warm.path,
                  Label{random.id<ArchiveId>(), random.id<MediumId>(), "x", "pack", clock.now()}));
  const MediumId own = warm();
  reopen();
  BOOST_CHECK(warm() == own);
  BOOST_CHECK(attach_error().code == Code::kUnavailable);
}

// The configuration was edited: that is a person's word.
BOOST_FIXTURE_TEST_CASE(a_new_path_takes_the_medium_that_lies_there, MediaRig) {
  const MediumId own = warm();
  const std::string old_path = config.warm.path;
  const Label other = make_medium(directory / "warm2", Tier::kWarm, "pack", "warm-2");
  config.warm.path = directory / "warm2/";  // a slash more is the same place
  reopen();
  BOOST_CHECK(warm() == other.medium);
  BOOST_TEST(place(other.medium).value_or("") == directory / "warm2");
  BOOST_TEST(place(own).value_or("") == old_path);
  // The same medium somewhere else: it has moved.
  fs::rename(directory / "warm2", directory / "warm3");
  config.warm.path = directory / "warm3";
  reopen();
  BOOST_CHECK(warm() == other.medium);
  BOOST_TEST(place(other.medium).value_or("") == directory / "warm3");
}

BOOST_FIXTURE_TEST_CASE(a_path_of_another_tier_is_a_mistake, MediaRig) {
  std::swap(config.warm.path, config.cold->path);
  crash();
  BOOST_CHECK(code_of(try_open()) == Code::kConflict);
}

// The decision is in the ledger: a lost index forgets nothing of it.
BOOST_FIXTURE_TEST_CASE(an_index_that_was_lost_still_knows_where_media_belong, MediaRig) {
  const MediumId own = warm();
  make_medium(directory / "warm2", Tier::kWarm, "pack", "warm-2");
  unmount(config.warm.path);
  crash();
  lose_index();
  BOOST_CHECK(code_of(try_rebuild()) == Code::kUnavailable);  // it waits for the disk, or a word
  RebuildOptions options;
  options.without = {Tier::kWarm};
  rebuild(options);
  BOOST_CHECK(warm() == own);
}

BOOST_FIXTURE_TEST_CASE(an_unmounted_disk_is_not_labelled_as_a_new_one, MediaRig) {
  unmount(config.warm.path);
  crash();
  must(init_archive(*io, config, clock, random));
  BOOST_TEST(!fs::exists(config.warm.path + "/holdfast-label.json"));
}

BOOST_FIXTURE_TEST_CASE(an_empty_mount_point_has_no_space_of_its_own, MediaRig) {
  const auto look = [&] {
    auto index = must(archive().index.take());
    const MediumRow row = must(find_medium(*index, warm())).value();
    return look_at_medium(*io, config.warm.path, {archive().id, row});
  };
  BOOST_TEST(look().is_online());
  BOOST_TEST(look().total_bytes.count > 0);
  unmount(config.warm.path);
  const MediumSight sight = look();
  BOOST_TEST(!sight.is_online());
  BOOST_TEST(sight.total_bytes.count == 0);
  BOOST_TEST(has(sight.problem, "expected warm-1"), sight.problem);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace holdfast
