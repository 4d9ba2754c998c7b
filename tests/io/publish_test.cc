// Publishing, opening below a root, directories and small files.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "io/publish.h"
#include "io/text_file.h"
#include "io/tree.h"
#include "tests/support/faults.h"
#include "tests/support/temporary_directory.h"

using namespace holdfast;
namespace fs = std::filesystem;

namespace {

struct Rig {
  explicit Rig(Faults* faults = nullptr) {
    IoOptions options;
    options.faults = faults;
    io = Io::open(options).value();
    root = open_root(directory.path()).value();
  }
  std::string contents(const std::string& name) const {
    std::ifstream file(directory / name, std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(file), {});
  }
  bool exists(const std::string& name) const { return fs::exists(directory / name); }
  TemporaryDirectory directory;
  std::unique_ptr<Io> io;
  Fd root;
};

PublishOptions replacing() {
  PublishOptions options;
  options.if_exists = IfExists::kReplace;
  return options;
}

}  // namespace

BOOST_AUTO_TEST_CASE(a_published_file_has_its_bytes_and_digest) {
  Rig rig;
  const Result<Published> published = publish_file(
      *rig.io, rig.root.get(), "label", PublishOptions(), [](const ByteSink& sink) -> Status {
        HOLDFAST_TRY(sink(as_bytes("hold")));
        return sink(as_bytes("fast"));
      });
  BOOST_REQUIRE(published.ok());
  BOOST_TEST(published->size.count == 8);
  BOOST_TEST((published->digest == sha256("holdfast")));
  BOOST_TEST(read_text(*rig.io, rig.root.get(), "label", Bytes(100)).value() == "holdfast");
  BOOST_TEST(!rig.exists(".tmp-label"));
}

BOOST_AUTO_TEST_CASE(a_name_that_exists_is_refused_unless_replacement_was_asked) {
  Rig rig;
  BOOST_REQUIRE(publish_text(*rig.io, rig.root.get(), "a", "one").ok());
  const Status again = publish_text(*rig.io, rig.root.get(), "a", "two");
  BOOST_REQUIRE(!again.ok());
  BOOST_TEST((again.error().code == Code::kConflict));
  BOOST_TEST(rig.contents("a") == "one");
  BOOST_TEST(publish_text(*rig.io, rig.root.get(), "a", "two", replacing()).ok());
  BOOST_TEST(rig.contents("a") == "two");
  BOOST_TEST(std::distance(fs::directory_iterator(rig.directory.path()), {}) == 1);
}

BOOST_AUTO_TEST_CASE(a_source_that_fails_or_is_short_publishes_nothing) {
  Rig rig;
  PublishOptions sized;
  sized.size = Bytes(5);
  const Status shorter = publish_text(*rig.io, rig.root.get(), "a", "four", sized);
  BOOST_TEST((shorter.error().code == Code::kCorrupt));
  const Result<Published> failing = publish_file(
      *rig.io, rig.root.get(), "a", PublishOptions(), [](const ByteSink& sink) -> Status {
        HOLDFAST_TRY(sink(as_bytes("some")));
        return Error{Code::kUnavailable, "the source went away"};
      });
  BOOST_TEST((failing.error().code == Code::kUnavailable));
  BOOST_TEST(fs::is_empty(rig.directory.path()));
}

BOOST_AUTO_TEST_CASE(what_a_crash_left_behind_is_replaced) {
  Rig rig;
  std::ofstream(rig.directory / ".tmp-a") << "half a fi";
  BOOST_TEST(publish_text(*rig.io, rig.root.get(), "a", "whole").ok());
  BOOST_TEST(rig.contents("a") == "whole");
  BOOST_TEST(!rig.exists(".tmp-a"));
}

BOOST_AUTO_TEST_CASE(a_fault_at_any_point_leaves_nothing_visible) {
  int fired = 0;
  for (int n = 0;; ++n) {
    FaultAt fault(n);
    Rig rig(&fault);
    const Status status = publish_text(*rig.io, rig.root.get(), "a", "text");
    BOOST_TEST(status.ok() == !fault.fired());
    BOOST_TEST(rig.exists("a") == status.ok(), "point " << n << ", " << fault.fired_at());
    if (!fault.fired()) break;
    ++fired;
  }
  BOOST_TEST(fired >= 6);  // two opens, write, fsync, rename, fsync of the directory
}

BOOST_AUTO_TEST_CASE(a_fault_at_any_point_of_a_replacement_leaves_a_whole_file) {
  for (int n = 0;; ++n) {
    AimedFaults hook;
    Rig rig(&hook);
    BOOST_REQUIRE(publish_text(*rig.io, rig.root.get(), "a", "the old one").ok());
    FaultAt fault(n, n % 2 == 1);
    hook.aim(&fault);
    const Status status = publish_text(*rig.io, rig.root.get(), "a", "the new one", replacing());
    BOOST_TEST(status.ok() == !fault.fired());
    const std::string contents = rig.contents("a");
    BOOST_TEST((contents == "the new one" || (!status.ok() && contents == "the old one")));
    if (!fault.fired()) break;
  }
}

BOOST_AUTO_TEST_CASE(no_path_leads_out_of_the_root) {
  Rig rig;
  fs::create_directory(rig.directory / "root");
  fs::create_directory(rig.directory / "outside");
  std::ofstream(rig.directory / "outside/secret") << "secret";
  fs::create_symlink("../outside", rig.directory / "root/link");
  fs::create_symlink("../outside/secret", rig.directory / "root/file");
  const Fd root = open_root(rig.directory / "root").value();
  for (const char* path :
       {"../outside/secret", "/etc/passwd", "link/secret", "file", "link", "a/../../outside"}) {
    const Result<Fd> fd = open_beneath(root.get(), path, O_RDONLY);
    BOOST_TEST(!fd.ok(), path);
  }
  BOOST_TEST(
      (open_beneath(root.get(), "../outside/secret", O_RDONLY).error().code == Code::kForbidden));
  BOOST_TEST((open_beneath(root.get(), "file", O_RDONLY).error().code == Code::kForbidden));
  BOOST_TEST(!publish_text(*rig.io, root.get(), "link/new", "x").ok());
  BOOST_TEST(!rig.io->unlink(root.get(), "link/secret").ok());
  BOOST_TEST(!rig.io->rename(root.get(), "file", root.get(), "link/x", IfExists::kRefuse).ok());
  BOOST_TEST(!remove_tree(*rig.io, root.get(), "link").ok());
  BOOST_TEST(!make_directories_beneath(*rig.io, root.get(), "link/deep").ok());
  BOOST_TEST(rig.exists("outside/secret"));
}

BOOST_AUTO_TEST_CASE(missing_parents_are_made_and_each_is_synced) {
  Rig rig;
  BOOST_REQUIRE(make_directories_beneath(*rig.io, rig.root.get(), "a/b/c").ok());
  BOOST_TEST(fs::is_directory(rig.directory / "a/b/c"));
  BOOST_TEST(rig.io->counters().syncs == 6);  // each new one, and where it was made
  BOOST_REQUIRE(make_directories_beneath(*rig.io, rig.root.get(), "a/b/d").ok());
  BOOST_TEST(rig.io->counters().syncs == 8);  // a and b are known to be durable
  // Another thread's Io does not know, and syncs what it walks past once.
  const auto other = Io::open().value();
  BOOST_REQUIRE(make_directories_beneath(*other, rig.root.get(), "a/b/d").ok());
  BOOST_TEST(other->counters().syncs == 3);
  BOOST_REQUIRE(make_directories_beneath(*other, rig.root.get(), "a/b/d").ok());
  BOOST_TEST(other->counters().syncs == 3);
}

BOOST_AUTO_TEST_CASE(a_tree_is_removed_without_following_links) {
  Rig rig;
  fs::create_directories(rig.directory / "tree/a/b");
  std::ofstream(rig.directory / "keep") << "kept";
  std::ofstream(rig.directory / "tree/a/file") << "gone";
  fs::create_symlink("../../keep", rig.directory / "tree/a/link");
  BOOST_TEST(remove_tree(*rig.io, rig.root.get(), "tree").ok());
  BOOST_TEST(!rig.exists("tree"));
  BOOST_TEST(rig.contents("keep") == "kept");
  BOOST_TEST(remove_tree(*rig.io, rig.root.get(), "tree").ok());  // gone is gone
  BOOST_TEST(remove_tree(*rig.io, rig.root.get(), "no/such/tree").ok());
}

BOOST_AUTO_TEST_CASE(a_rename_refuses_to_replace_unless_asked) {
  Rig rig;
  fs::create_directories(rig.directory / "in");
  std::ofstream(rig.directory / "in/a") << "new";
  std::ofstream(rig.directory / "a") << "old";
  const Status refused = rename_durably(*rig.io, rig.root.get(), "in/a", "a", IfExists::kRefuse);
  BOOST_TEST((refused.error().code == Code::kConflict));
  BOOST_TEST(rename_durably(*rig.io, rig.root.get(), "in/a", "a", IfExists::kReplace).ok());
  BOOST_TEST(rig.contents("a") == "new");
  BOOST_TEST((unlink_durably(*rig.io, rig.root.get(), "a").ok()));
  BOOST_TEST((unlink_durably(*rig.io, rig.root.get(), "a").error().code == Code::kNotFound));
}

BOOST_AUTO_TEST_CASE(small_files_are_read_whole_or_not_at_all) {
  Rig rig;
  BOOST_REQUIRE(publish_text(*rig.io, rig.root.get(), "a", "12345").ok());
  BOOST_TEST((read_text(*rig.io, rig.root.get(), "a", Bytes(4)).error().code == Code::kTooLarge));
  BOOST_TEST((read_text(*rig.io, rig.root.get(), "b", Bytes(4)).error().code == Code::kNotFound));
  BOOST_TEST(
      (read_text(*rig.io, rig.root.get(), ".", Bytes(99'999)).error().code == Code::kInvalid));
  BOOST_REQUIRE(::mkfifo((rig.directory / "fifo").c_str(), 0600) == 0);
  BOOST_TEST((read_text(*rig.io, rig.root.get(), "fifo", Bytes(4)).error().code == Code::kInvalid));
}
