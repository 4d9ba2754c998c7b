// A disk refuses writes for a while, with real EIO from below the file system, amid everything at
// once: what was acknowledged stands when the disk is well again and nothing of it is cached, and
// no file is synced a second time after its sync has failed.
//
// Every second life syncs by plain calls, of which each is written down; in the others by io_uring,
// where what the clients were promised is the witness.
//
// HOLDFAST_ERRORS says how often (default 15; 5 in a sanitizer build). In each life of an archive
// it is another of its directories that lies on the failing disk.
#include <boost/test/unit_test.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <set>
#include <sstream>

#include "tests/support/effort.h"
#include "tests/support/failing_disk.h"
#include "tests/support/sanitized.h"
#include "tests/support/temporary_directory.h"
#include "tests/system/pressed_archive.h"

namespace holdfast::testing {
namespace {

constexpr int kErrorsByDefault = kSanitized ? 5 : 15;
constexpr int kErrorsALife = 3;
constexpr const char* kDirectories[] = {"state", "standard", "warm", "vault", "mirror"};

// HOLDFAST_FILE_SYSTEM=xfs: what xfs loses then, below any program, is told in docs/torture.md.
LoopDiskOptions file_system() {
  const char* named = std::getenv("HOLDFAST_FILE_SYSTEM");
  if (named != nullptr && std::string(named) == "xfs") return {"xfs", 512, "", "", ""};
  return {"ext4", 512, "noauto_da_alloc", "", ""};
}

// How long the disk fails, and how long the daemon lives on with a disk that is well again.
constexpr uint64_t kFailingMsMin = 100;
constexpr uint64_t kFailingMsMax = 600;
constexpr uint64_t kAfterMsMax = 150;
// If no sync has failed by then, it goes on failing until one has, so long at most: the first pack
// of a life comes after seconds.
constexpr Millis kUntilASyncFails = seconds(8);

void rest(uint64_t milliseconds) {
  std::this_thread::sleep_for(std::chrono::milliseconds(milliseconds));
}

// What the daemons synced, as the witness wrote it down.
class Syncs {
 public:
  explicit Syncs(std::string log) : log_(std::move(log)) {}

  // The daemon that is started by `start` is watched.
  void watch(const std::function<void()>& start) const {
    ::setenv("LD_PRELOAD", SYNC_WITNESS, 1);
    ::setenv("HOLDFAST_SYNC_LOG", log_.c_str(), 1);
    start();
    ::unsetenv("LD_PRELOAD");
    ::unsetenv("HOLDFAST_SYNC_LOG");
  }

  // No file that the archive writes is synced again by a process in which its sync has failed.
  //
  // Two are another matter, and counted. A directory: its sync fails when the journal has ended,
  // and whoever makes the next name in it asks again and is told. Index and secrets and their logs,
  // which SQLite goes on with: it writes the refused frames of the log, or the refused pages of a
  // checkpoint, anew before it syncs; and before the next decision the writer has the whole log
  // written into the database, whose pages are new to the disk (docs/torture.md).
  void check() {
    std::ifstream in(log_);
    std::set<std::string> failed;  // process and file
    for (std::string line; std::getline(in, line); ++syncs_) {
      std::istringstream words(line);
      std::string pid, device, inode, birth, type, path;
      int error_number = 0;
      words >> pid >> device >> inode >> birth >> type >> error_number >> path;
      const std::string which = pid + " " + device + " " + inode + " " + birth;
      failures_ += error_number != 0;
      if (failed.contains(which)) {
        if (type == "directory")
          ++directories_;
        else if (path.ends_with(".db") || path.ends_with(".db-wal"))
          ++index_;
        else
          BOOST_ERROR(path + " was synced again after a failure (" + line + ")");
      }
      if (error_number != 0) failed.insert(which);
    }
  }
  std::string text() const {
    return "syncs " + std::to_string(syncs_) + ", failed " + std::to_string(failures_) +
           ", again: directories " + std::to_string(directories_) + ", SQLite's " +
           std::to_string(index_);
  }
  int64_t failures() const { return failures_; }

  // How long the log is; and whether a sync has failed that was written down after it was so long.
  int64_t length() const {
    std::error_code none_yet;
    const auto bytes = std::filesystem::file_size(log_, none_yet);
    return none_yet ? 0 : static_cast<int64_t>(bytes);
  }
  bool one_failed_after(int64_t length) const {
    std::ifstream in(log_);
    in.seekg(length);
    for (std::string line; std::getline(in, line);)
      if (error_of(line) != 0) return true;
    return false;
  }

 private:
  // A line that is being written has no error yet.
  static int error_of(const std::string& line) {
    std::istringstream words(line);
    std::string pid, device, inode, birth, type;
    int error_number = 0;
    words >> pid >> device >> inode >> birth >> type >> error_number;
    return error_number;
  }

  const std::string log_;
  int64_t syncs_ = 0;
  int64_t failures_ = 0;
  int64_t directories_ = 0;
  int64_t index_ = 0;
};

struct Seen {
  Figures figures;
  int64_t failures = 0;
};

// False where there can be no such disk.
bool live(uint64_t seed, Effort& errors, Seen& seen) {
  SeededRandom random(seed);
  TemporaryDirectory directory;
  const std::string name = kDirectories[seed % std::size(kDirectories)];
  // All writes; or some, so that data are refused while the journal goes on.
  const int percent = random.below(2) == 0 ? 100 : static_cast<int>(5 + random.below(40));
  const bool by_ring = seed % 2 == 1;
  const LoopDiskOptions kind = file_system();
  FailingDisk disk(directory / ("archive/" + name), directory / "disk", percent, kind);
  if (!disk.is_mounted()) return false;
  BOOST_TEST_CONTEXT(name << " on " << kind.kind << " fails, " << percent << " % of the writes") {
    Syncs syncs(directory / "syncs");
    const auto start = [&](PressedArchive& archive) {
      if (by_ring) return archive.start_again();
      syncs.watch([&] { archive.start_again(); });
    };
    PressedArchive archive(directory / "archive", directory / "calls");
    archive.daemon().kill();
    start(archive);
    for (int n = 0; n < kErrorsALife && errors.another(); ++n) {
      archive.press_until(random, [&] {
        archive.disks_fail();
        const int64_t before = syncs.length();
        disk.fail(true);
        rest(kFailingMsMin + random.below(kFailingMsMax - kFailingMsMin));
        // xfs ends at the first log write that is refused, and then opens nothing any more.
        if (!by_ring && kind.kind == "ext4")
          eventually([&] { return syncs.one_failed_after(before); }, kUntilASyncFails);
        disk.fail(false);
        rest(random.below(kAfterMsMax));
      });
      BOOST_TEST_REQUIRE(disk.remount());
      start(archive);
    }
    archive.settle();
    syncs.check();
    seen.figures += archive.figures();
    std::cout << name << " on " << kind.kind << ", " << percent
              << " % refused: " << (by_ring ? "by io_uring" : syncs.text()) << "\n";
    seen.failures += syncs.failures();
  }
  return true;
}

BOOST_AUTO_TEST_CASE(what_was_acknowledged_amid_errors_of_the_disk_is_there) {
  Effort errors("HOLDFAST_ERRORS", kErrorsByDefault);
  Seen seen;
  for (uint64_t life = 0; !errors.is_over(); ++life) {
    const uint64_t seed = test_seed() + life;
    BOOST_TEST_CONTEXT("life " << life << ", HOLDFAST_TEST_SEED=" << seed) {
      if (!live(seed, errors, seen)) return;
    }
  }
  BOOST_TEST(seen.failures > 0);  // the rig does fail
  std::cout << "errors " << errors.done() << ", failed syncs " << seen.failures << ", "
            << seen.figures.text() << "\n";
}

}  // namespace
}  // namespace holdfast::testing
