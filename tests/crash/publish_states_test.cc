// P1: publish and its kin on a disk that keeps of the unsynced what it likes. Every state that a
// crash may leave is built and looked at.
#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>

#include "io/text_file.h"
#include "io/tree.h"
#include "tests/crash/states_of.h"
#include "tests/support/temporary_directory.h"

namespace holdfast::testing {
namespace {

constexpr int kPublished = 1;

struct Rig {
  Rig() {
    IoOptions options;
    options.force_fallback = true;  // a ring's writes are not seen
    io = Io::open(options).value();
    std::filesystem::create_directories(directory / "live");
    root = open_root(directory / "live").value();
  }
  Recording record(const std::function<void()>& work) {
    return testing::record(directory / "live", {}, work);
  }
  std::string contents(const std::string& relative) const {
    std::ifstream file(directory / ("crashed/" + relative), std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(file), {});
  }
  bool is_there(const std::string& relative) const {
    return std::filesystem::exists(directory / ("crashed/" + relative));
  }

  TemporaryDirectory directory;
  std::unique_ptr<Io> io;
  Fd root;
};

size_t each_state(Rig& rig, const Recording& recording,
                  const std::function<void(bool published)>& look) {
  return each_state(recording, rig.directory / "crashed", 0,
                    [&](const std::set<int>& marks) { look(marks.contains(kPublished)); });
}

}  // namespace

BOOST_AUTO_TEST_SUITE(P1_of_what_a_crash_leaves)

BOOST_AUTO_TEST_CASE(the_recorder_misses_nothing) {
  Rig rig;
  std::ofstream(rig.directory / "live/before") << "before";
  const Recording recording = rig.record([&] {
    BOOST_TEST(make_directories_beneath(*rig.io, rig.root.get(), "a/b").ok());
    BOOST_TEST(publish_text(*rig.io, rig.root.get(), "a/b/one", std::string(100'000, '1')).ok());
    BOOST_TEST(publish_text(*rig.io, rig.root.get(), "two", "2").ok());
    BOOST_TEST(rename_durably(*rig.io, rig.root.get(), "two", "a/three", IfExists::kRefuse).ok());
    BOOST_TEST(unlink_durably(*rig.io, rig.root.get(), "before").ok());
    BOOST_TEST(publish_text(*rig.io, rig.root.get(), "four", "4").ok());
    BOOST_TEST(remove_tree(*rig.io, rig.root.get(), "a/b").ok());
    mark(kPublished);
  });
  const CrashStates crashes(recording);
  // Of what no sync covers, nothing: all that was done is durable.
  const CrashState end{recording.operations.size(), {}};
  crashes.image(end).build(rig.directory / "crashed");
  BOOST_TEST(
      std::system(("diff -r " + rig.directory.path() + "/live " + rig.directory.path() + "/crashed")
                      .c_str()) == 0);
}

BOOST_AUTO_TEST_CASE(a_new_file_is_whole_or_not_there) {
  Rig rig;
  const std::string text = "one" + std::string(10'000, '1');
  const Recording recording = rig.record([&] {
    BOOST_TEST(publish_text(*rig.io, rig.root.get(), "file", text).ok());
    mark(kPublished);
  });
  const size_t states = each_state(rig, recording, [&](bool published) {
    if (published) BOOST_TEST(rig.is_there("file"));
    if (rig.is_there("file")) BOOST_TEST((rig.contents("file") == text));
  });
  BOOST_TEST(states > 5U);
  std::cout << "states of a publication: " << states << "\n";
}

BOOST_AUTO_TEST_CASE(a_file_that_is_replaced_is_the_old_one_or_the_new) {
  Rig rig;
  const std::string text = "new" + std::string(10'000, '2');
  PublishOptions options;
  options.if_exists = IfExists::kReplace;
  BOOST_TEST(publish_text(*rig.io, rig.root.get(), "file", "old").ok());
  const Recording recording = rig.record([&] {
    BOOST_TEST(publish_text(*rig.io, rig.root.get(), "file", text, options).ok());
    mark(kPublished);
  });
  const size_t states = each_state(rig, recording, [&](bool published) {
    const std::string found = rig.contents("file");
    BOOST_TEST((found == text || (found == "old" && !published)));
  });
  std::cout << "states of a replacement: " << states << "\n";
}

BOOST_AUTO_TEST_CASE(new_directories_are_there_with_what_is_published_in_them) {
  Rig rig;
  const Recording recording = rig.record([&] {
    BOOST_TEST(make_directories_beneath(*rig.io, rig.root.get(), "a/b/c").ok());
    BOOST_TEST(publish_text(*rig.io, rig.root.get(), "a/b/c/file", "text").ok());
    mark(kPublished);
  });
  const size_t states = each_state(rig, recording, [&](bool published) {
    if (published) BOOST_TEST(rig.contents("a/b/c/file") == "text");
    if (rig.is_there("a/b/c/file")) BOOST_TEST(rig.contents("a/b/c/file") == "text");
  });
  std::cout << "states of new directories: " << states << "\n";
}

// What the rig would say of a publication that forgot a sync.
BOOST_AUTO_TEST_CASE(a_publication_without_its_syncs_is_found_out) {
  Rig rig;
  Recording recording = rig.record([&] {
    BOOST_TEST(publish_text(*rig.io, rig.root.get(), "file", "text").ok());
    mark(kPublished);
  });
  std::vector<size_t> syncs;
  for (size_t n = 0; n < recording.operations.size(); ++n)
    if (recording.operations[n].kind == DiskOperation::Kind::kSync) syncs.push_back(n);
  BOOST_TEST(syncs.size() == 2U);  // of the file, of its directory
  for (const size_t forgotten : syncs) {
    Recording without = recording;
    without.operations.erase(without.operations.begin() + static_cast<std::ptrdiff_t>(forgotten));
    without.marks[kPublished] -= 1;
    int broken = 0;
    each_state(rig, without, [&](bool published) {
      if (rig.is_there("file") ? rig.contents("file") != "text" : published) ++broken;
    });
    BOOST_TEST(broken > 0);
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace holdfast::testing
