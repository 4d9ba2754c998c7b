// Labels, and the root that they guard.
#include "tiers/label.h"

#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "io/text_file.h"
#include "tests/support/seeded_random.h"
#include "tests/support/small_disk.h"
#include "tests/support/temporary_directory.h"

using namespace holdfast;
namespace fs = std::filesystem;

namespace {

struct LabelRig {
  Label make(const std::string& name = "warm-1") {
    return Label{random.id<ArchiveId>(), random.id<MediumId>(), name, "pack",
                 UnixMillis(1'790'000'000'000)};
  }
  SeededRandom random;
  TemporaryDirectory directory;
  std::unique_ptr<Io> io = Io::open().value();
};

Code code_of(const Result<std::shared_ptr<const Fd>>& result) { return result.error().code; }

}  // namespace

BOOST_AUTO_TEST_CASE(a_label_reads_back_and_is_never_overwritten) {
  LabelRig rig;
  const Label label = rig.make("über \"warm\"");
  BOOST_REQUIRE(init_label(*rig.io, rig.directory.path(), label).ok());
  BOOST_TEST((read_label(*rig.io, rig.directory.path()).value() == label));
  const Status again = init_label(*rig.io, rig.directory.path(), rig.make());
  BOOST_TEST((again.error().code == Code::kConflict));
  BOOST_TEST((read_label(*rig.io, rig.directory.path()).value() == label));
}

BOOST_AUTO_TEST_CASE(the_golden_label_reads_and_writes_the_same) {
  std::ifstream file("tests/tiers/golden/holdfast-label.json", std::ios::binary);
  const std::string text(std::istreambuf_iterator<char>(file), {});
  const Result<Label> label = parse_label(text);
  BOOST_REQUIRE(label.ok());
  BOOST_TEST(label->name == "warm-1");
  BOOST_TEST(label->kind == "pack");
  BOOST_TEST((label->created_at == UnixMillis(1'795'232'160'123)));
  BOOST_TEST(label_text(*label) == text);
}

BOOST_AUTO_TEST_CASE(what_is_no_label_is_corrupt) {
  const LabelRig rig;
  for (const char* text : {"", "{}", "[]", "null", "{\"format\":2}", "no"})
    BOOST_TEST((parse_label(text).error().code == Code::kCorrupt), text);
}

BOOST_AUTO_TEST_CASE(a_name_has_1_to_64_bytes) {
  LabelRig rig;
  BOOST_TEST(!init_label(*rig.io, rig.directory.path(), rig.make("")).ok());
  BOOST_TEST(!init_label(*rig.io, rig.directory.path(), rig.make(std::string(65, 'x'))).ok());
  BOOST_TEST(!fs::exists(rig.directory / "holdfast-label.json"));
}

BOOST_AUTO_TEST_CASE(no_label_or_anothers_is_offline) {
  LabelRig rig;
  const Label label = rig.make();
  MediumRoot absent(rig.directory / "nowhere", label.archive, label.medium);
  BOOST_TEST((code_of(absent.checked(*rig.io)) == Code::kUnavailable));
  MediumRoot root(rig.directory.path(), label.archive, label.medium);
  BOOST_TEST((code_of(root.checked(*rig.io)) == Code::kUnavailable));
  BOOST_TEST((code_of(root.current(*rig.io)) == Code::kUnavailable));
  BOOST_REQUIRE(init_label(*rig.io, rig.directory.path(), label).ok());
  BOOST_TEST(root.checked(*rig.io).ok());
  MediumRoot other_archive(rig.directory.path(), rig.random.id<ArchiveId>(), label.medium);
  BOOST_TEST((code_of(other_archive.checked(*rig.io)) == Code::kUnavailable));
  MediumRoot other_medium(rig.directory.path(), label.archive, rig.random.id<MediumId>());
  BOOST_TEST((code_of(other_medium.checked(*rig.io)) == Code::kUnavailable));
  std::ofstream(rig.directory / "holdfast-label.json", std::ios::trunc) << "{}";
  BOOST_TEST((code_of(root.checked(*rig.io)) == Code::kUnavailable));
}

BOOST_AUTO_TEST_CASE(a_medium_that_goes_away_is_noticed_and_taken_up_when_it_is_back) {
  LabelRig rig;
  const Label label = rig.make();
  const std::string path = rig.directory / "medium";
  fs::create_directory(path);
  BOOST_REQUIRE(init_label(*rig.io, path, label).ok());
  MediumRoot root(path, label.archive, label.medium);
  const auto first = root.checked(*rig.io).value();
  BOOST_TEST((root.checked(*rig.io).value() == first));  // the same descriptor

  // An unmounted disk leaves an empty directory behind.
  fs::rename(path, rig.directory / "away");
  fs::create_directory(path);
  BOOST_TEST((code_of(root.checked(*rig.io)) == Code::kUnavailable));
  BOOST_TEST((root.current(*rig.io).value() == first));  // readers go on with what they hold

  fs::remove(path);
  fs::rename(rig.directory / "away", path);
  BOOST_TEST((root.checked(*rig.io).value() == first));

  // The medium's copy on another disk, label and all, is another directory: it is taken up.
  fs::copy(path, rig.directory / "copy");
  fs::remove_all(path);
  fs::rename(rig.directory / "copy", path);
  const auto second = root.checked(*rig.io).value();
  BOOST_TEST((second != first));
  BOOST_TEST((root.current(*rig.io).value() == second));
  root.close();
  BOOST_TEST((root.current(*rig.io).value() != second));
}

// What the state's disk keeps back is kept by the media that lie on it, too, and by no other.
BOOST_AUTO_TEST_CASE(a_medium_beside_the_state_leaves_its_reserve_alone) {
  LabelRig rig;
  const testing::SmallDisk disk(rig.directory / "disk", 8);
  if (!disk.is_mounted()) return;
  const Label label = rig.make();
  const std::string beside = disk.path() + "/warm";
  const std::string elsewhere = rig.directory / "warm";
  for (const std::string& path : {beside, elsewhere}) {
    fs::create_directory(path);
    BOOST_REQUIRE(init_label(*rig.io, path, label).ok());
  }
  auto kept = SpaceReserve::open(disk.path(), {Bytes(2 << 20), Bytes(512 << 10)}).value();
  MediumRoot here(beside, label.archive, label.medium);
  MediumRoot there(elsewhere, label.archive, label.medium);
  for (MediumRoot* root : {&here, &there}) {
    root->respect(*kept);
    BOOST_REQUIRE(root->checked(*rig.io).ok());
  }
  BOOST_TEST(here.is_beside(*kept));
  BOOST_TEST(!there.is_beside(*kept));
  const Bytes left = here.free_space(*rig.io).value().available;
  BOOST_TEST(here.room(*rig.io).value().count == left.count - (2 << 20));
  BOOST_TEST(here.require_room(*rig.io, Bytes(1 << 20)).ok());
  BOOST_TEST((here.require_room(*rig.io, left).error().code == Code::kNoSpace));
  BOOST_TEST(there.require_room(*rig.io, left).ok());

  disk.fill(1 << 20);
  BOOST_TEST(here.room(*rig.io).value().count == 0);
  BOOST_TEST((here.require_room(*rig.io, Bytes(1)).error().code == Code::kNoSpace));
  BOOST_TEST(there.require_room(*rig.io, left).ok());
}
