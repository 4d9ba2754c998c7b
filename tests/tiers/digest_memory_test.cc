// P5 on the fast tier: a plain file is digested before its first read, and again a day later.
#include "tiers/read/digest_memory.h"

#include <fcntl.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <fstream>
#include <thread>
#include <utility>

#include "tests/support/seeded_random.h"
#include "tests/support/temporary_directory.h"
#include "tiers/read/open_file.h"

using namespace holdfast;
namespace fs = std::filesystem;

namespace {

struct Rig {
  explicit Rig(size_t capacity = 10) : memory(clock, capacity) {
    write("inbound.ulaw", contents);
    root = open_root(directory.path()).value();
  }
  void write(const std::string& name, const std::string& bytes) const {
    std::ofstream(directory / name, std::ios::binary | std::ios::trunc) << bytes;
  }
  Result<Fd> open(const std::string& name, size_t size) const {
    return open_for_read(root, ".", name, Bytes(static_cast<int64_t>(size)));
  }
  Status ensure(const std::string& name, const std::string& expected) {
    HOLDFAST_ASSIGN(fd, open(name, expected.size()));
    return ensure_digest(*io, fd, Bytes(static_cast<int64_t>(expected.size())), sha256(expected),
                         memory);
  }
  int64_t reads() const { return io->counters().reads; }

  SeededRandom random;
  std::string contents = random.bytes(600'000);
  TemporaryDirectory directory;
  ManualClock clock{UnixMillis(1'790'000'000'000)};
  DigestMemory memory;
  std::unique_ptr<Io> io = Io::open().value();
  Fd root;
};

}  // namespace

BOOST_AUTO_TEST_CASE(p5_a_file_is_read_whole_once_and_again_after_a_day) {
  Rig rig;
  BOOST_TEST(rig.ensure("inbound.ulaw", rig.contents).ok());
  const int64_t once = rig.reads();
  BOOST_TEST(once > 0);
  BOOST_TEST(rig.ensure("inbound.ulaw", rig.contents).ok());
  BOOST_TEST(rig.reads() == once);
  rig.clock.advance(Millis(hours(24).count - 1));
  BOOST_TEST(rig.ensure("inbound.ulaw", rig.contents).ok());
  BOOST_TEST(rig.reads() == once);
  rig.clock.advance(Millis(1));
  BOOST_TEST(rig.ensure("inbound.ulaw", rig.contents).ok());
  BOOST_TEST(rig.reads() == 2 * once);
  // A clock that is set back makes nothing fresh: the age counts on monotonic time.
  rig.clock.advance(hours(25));
  rig.clock.jump_to(UnixMillis(0));
  BOOST_TEST(rig.ensure("inbound.ulaw", rig.contents).ok());
  BOOST_TEST(rig.reads() == 3 * once);
}

BOOST_AUTO_TEST_CASE(p5_a_changed_file_is_never_taken_for_the_one_that_was_checked) {
  Rig rig;
  BOOST_REQUIRE(rig.ensure("inbound.ulaw", rig.contents).ok());
  std::string other = rig.contents;
  other[rig.random.below(other.size())] ^= 1;
  rig.write("inbound.ulaw", other);
  BOOST_TEST((rig.ensure("inbound.ulaw", rig.contents).error().code == Code::kCorrupt));

  // Also when its times are set back: ctime cannot be.
  rig.write("inbound.ulaw", rig.contents);
  BOOST_REQUIRE(rig.ensure("inbound.ulaw", rig.contents).ok());
  const auto modified = fs::last_write_time(rig.directory / "inbound.ulaw");
  rig.write("inbound.ulaw", other);
  fs::last_write_time(rig.directory / "inbound.ulaw", modified);
  BOOST_TEST((rig.ensure("inbound.ulaw", rig.contents).error().code == Code::kCorrupt));
}

// Its bytes may be of two states then, whatever their digest is.
BOOST_AUTO_TEST_CASE(p5_a_file_that_changes_while_it_is_read_is_not_given) {
  Rig rig;
  // Touches the file at the first read of it.
  struct Touch final : Faults {
    Status at(std::string_view point) override {
      if (point == "read" && !std::exchange(done, true))
        fs::last_write_time(path, fs::last_write_time(path) - std::chrono::hours(1));
      return {};
    }
    fs::path path;
    bool done = false;
  } touch;
  touch.path = rig.directory / "inbound.ulaw";
  IoOptions options;
  options.faults = &touch;
  rig.io = Io::open(options).value();
  const Status changed = rig.ensure("inbound.ulaw", rig.contents);
  BOOST_REQUIRE(touch.done);
  BOOST_TEST((!changed.ok() && changed.error().code == Code::kCorrupt));
  BOOST_TEST(rig.memory.size() == 0u);
  BOOST_TEST(rig.ensure("inbound.ulaw", rig.contents).ok());
  rig.io = Io::open().value();
}

BOOST_AUTO_TEST_CASE(p5_another_expectation_is_another_check) {
  Rig rig;
  BOOST_REQUIRE(rig.ensure("inbound.ulaw", rig.contents).ok());
  const Fd fd = rig.open("inbound.ulaw", rig.contents.size()).value();
  const Bytes size(static_cast<int64_t>(rig.contents.size()));
  BOOST_TEST(
      (ensure_digest(*rig.io, fd, size, sha256("x"), rig.memory).error().code == Code::kCorrupt));
  BOOST_TEST((ensure_digest(*rig.io, fd, Bytes(5), sha256("x"), rig.memory).error().code ==
              Code::kCorrupt));
}

BOOST_AUTO_TEST_CASE(the_memory_is_bounded_and_forgets_what_was_not_used) {
  Rig rig(3);
  for (const char* name : {"a", "b", "c"}) {
    rig.write(name, name);
    BOOST_REQUIRE(rig.ensure(name, name).ok());
  }
  BOOST_REQUIRE(rig.ensure("a", "a").ok());  // used again
  rig.write("d", "d");
  BOOST_REQUIRE(rig.ensure("d", "d").ok());
  BOOST_TEST(rig.memory.size() == 3u);
  const int64_t before = rig.reads();
  BOOST_TEST(rig.ensure("a", "a").ok());
  BOOST_TEST(rig.reads() == before);
  BOOST_TEST(rig.ensure("b", "b").ok());
  BOOST_TEST(rig.reads() > before);
}

BOOST_AUTO_TEST_CASE(only_regular_files_of_the_right_size_below_the_root_are_opened) {
  Rig rig;
  const auto code = [&](const std::string& directory, const std::string& file, int64_t size) {
    return open_for_read(rig.root, directory, file, Bytes(size)).error().code;
  };
  const auto size = static_cast<int64_t>(rig.contents.size());
  BOOST_TEST((code(".", "inbound.ulaw", size - 1) == Code::kCorrupt));
  BOOST_TEST((code(".", "absent", 1) == Code::kNotFound));
  fs::create_symlink("inbound.ulaw", rig.directory / "link");
  BOOST_TEST((code(".", "link", size) == Code::kForbidden));
  fs::create_directory(rig.directory / "sub");
  BOOST_TEST((code(".", "sub", 0) == Code::kCorrupt));
  BOOST_TEST((code("..", "x", 0) == Code::kForbidden));
  BOOST_TEST((code(".", "../x", 0) == Code::kInvalid));
  BOOST_REQUIRE(::mkfifo((rig.directory / "fifo").c_str(), 0600) == 0);
  BOOST_TEST((code(".", "fifo", 0) == Code::kCorrupt));  // and does not wait for a writer
}

BOOST_AUTO_TEST_CASE(many_threads_may_ask_and_remember) {
  const Rig rig;
  DigestMemory memory(rig.clock, 64);
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 4; ++thread)
    threads.emplace_back([&memory] {
      for (uint64_t i = 0; i < 2'000; ++i) {
        const FileIdentity file{1, i % 100, 5, 6, 7};
        const Digest digest = sha256(std::to_string(i % 100));
        if (!memory.is_fresh(file, digest)) memory.remember(file, digest);
      }
    });
  for (std::thread& thread : threads) thread.join();
  BOOST_TEST(memory.size() == 64u);
}
