// The power goes while everything is under way at once: the file systems below the daemon's
// directories lose what was not synced, one of them or all, and what was promised must still be
// true.
//
// HOLDFAST_CUTS says how often (default 10; 3 in a sanitizer build). Each life of an archive has a
// seed of its own, with which it is repeated, and disks of a kind that the seed chooses. What the
// recorder has written to the spool is not cut: nobody promised it, and the recorder does not sync.
#include <boost/test/unit_test.hpp>
#include <fstream>
#include <iostream>
#include <memory>

#include "tests/support/effort.h"
#include "tests/support/loop_disk.h"
#include "tests/support/sanitized.h"
#include "tests/support/temporary_directory.h"
#include "tests/system/pressed_archive.h"

namespace holdfast::testing {
namespace {

constexpr int kCutsByDefault = kSanitized ? 3 : 10;
constexpr int kCutsALife = 25;
// How long the daemon lives on without the disk.
constexpr uint64_t kAfterMsMax = 60;

// Of ext4: without its own help for those who rename a file that they have not synced; a journal
// that is committed more often, so that a cut falls between two commits.
std::vector<LoopDiskOptions> kinds() {
  std::vector<LoopDiskOptions> kinds = {
      {"ext4", 512, "noauto_da_alloc", "", ""},
      {"ext4", 512, "noauto_da_alloc,data=writeback,commit=1", "", ""},
  };
  if (has_xfs()) kinds.push_back({"xfs", 512, "", "", ""});
  return kinds;
}

class Disks {
 public:
  // One file system for each of the daemon's directories.
  Disks(const std::string& archive, SeededRandom& random,
        const std::vector<LoopDiskOptions>& kinds) {
    for (const char* name : {"state", "standard", "warm", "vault", "mirror"}) {
      disks_.push_back(
          std::make_unique<LoopDisk>(archive + "/" + name, kinds[random.below(kinds.size())]));
      if (!disks_.back()->is_mounted()) return;
    }
    are_mounted_ = true;
  }
  bool are_mounted() const { return are_mounted_; }

  // Cuts one of them, or all. A file that nobody synced goes with it: the rig does lose.
  void cut(SeededRandom& random) {
    cut_.clear();
    for (const auto& disk : disks_) cut_.push_back(disk.get());
    if (random.below(2) == 0) cut_ = {cut_[random.below(cut_.size())]};
    for (const LoopDisk* disk : cut_) std::ofstream(unsynced_on(*disk)) << "unsynced";
    for (const LoopDisk* disk : cut_) BOOST_TEST(disk->cut_power());
  }
  void power_on() {
    for (LoopDisk* disk : cut_) {
      BOOST_TEST_REQUIRE(disk->power_on());
      lost_ += !std::filesystem::exists(unsynced_on(*disk));
      std::filesystem::remove(unsynced_on(*disk));
    }
    cuts_ += static_cast<int>(cut_.size());
  }
  // How many of the files that nobody synced were lost, and of how many.
  int lost() const { return lost_; }
  int cuts() const { return cuts_; }

 private:
  static std::string unsynced_on(const LoopDisk& disk) { return disk.path() + "/unsynced"; }

  std::vector<std::unique_ptr<LoopDisk>> disks_;
  std::vector<LoopDisk*> cut_;
  bool are_mounted_ = false;
  int lost_ = 0;
  int cuts_ = 0;
};

BOOST_AUTO_TEST_CASE(what_was_promised_survives_the_loss_of_power_at_any_instant) {
  Effort cuts("HOLDFAST_CUTS", kCutsByDefault);
  const std::vector<LoopDiskOptions> all_kinds = kinds();
  Figures figures;
  int disks_cut = 0;
  int disks_that_lost = 0;
  for (uint64_t life = 0; !cuts.is_over(); ++life) {
    const uint64_t seed = test_seed() + life;
    BOOST_TEST_CONTEXT("life " << life << ", HOLDFAST_TEST_SEED=" << seed) {
      SeededRandom random(seed);
      TemporaryDirectory directory;
      Disks disks(directory / "archive", random, all_kinds);
      if (!disks.are_mounted()) return;
      PressedArchive archive(directory / "archive", directory / "calls");
      for (int n = 0; n < kCutsALife && cuts.another(); ++n) {
        archive.press_until(random, [&] {
          archive.disks_fail();
          disks.cut(random);
          std::this_thread::sleep_for(std::chrono::milliseconds(random.below(kAfterMsMax)));
        });
        disks.power_on();
        archive.start_again();
      }
      archive.settle();
      figures += archive.figures();
      disks_cut += disks.cuts();
      disks_that_lost += disks.lost();
    }
  }
  // The rig does lose. Not each time: the journal may be committed between the file and the cut.
  BOOST_TEST(disks_that_lost * 2 > disks_cut);
  std::cout << "cuts " << cuts.done() << " (disks " << disks_cut << "), " << figures.text() << "\n";
}

}  // namespace
}  // namespace holdfast::testing
