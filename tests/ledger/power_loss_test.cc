// P1 against a real file system that loses what was not synced: ext4 on a loop
// device, shut down without flushing its journal. Needs root.
#include <cstdlib>

#include "io/text_file.h"
#include "tests/ledger/rig.h"
#include "tests/support/loop_disk.h"

using namespace holdfast;
using holdfast::testing::LoopDisk;
namespace fs = std::filesystem;

BOOST_AUTO_TEST_CASE(P1_decisions_survive_the_loss_of_power_without_their_mirror) {
  TemporaryDirectory directory;
  LoopDisk disk(directory / "disk", {"ext4", 64, "", "", ""});
  if (!disk.is_mounted()) return;
  LedgerRig rig;
  rig.options.directory = disk.path() + "/ledger";
  rig.options.segment_bytes_max = Bytes(700);
  rig.options.mirror_same_device = false;  // it is on another one
  std::vector<int64_t> acknowledged;
  for (int64_t round = 1; round <= 6; ++round) {
    rig.open();
    BOOST_TEST(rig.values() == acknowledged);
    BOOST_TEST(rig.ledger->open_report().lines_completed_in_mirror ==
               static_cast<int64_t>(acknowledged.size()));
    for (int64_t value = round * 10; value < round * 11; ++value) {
      must(rig.decide(value));
      acknowledged.push_back(value);
    }
    must(rig.ledger->append_access({draft_of("file.open", round)}));
    must(rig.ledger->stage(draft_of("hold", 99)));  // never committed
    BOOST_TEST_REQUIRE(disk.cut_power());
    BOOST_TEST(!rig.decide(98, Weight::kWeakening).ok());
    rig.ledger.reset();
    BOOST_TEST_REQUIRE(disk.power_on());
    fs::remove_all(rig.directory / "mirror");  // main must stand for itself
  }
  rig.open();
  BOOST_TEST(rig.values() == acknowledged);
  BOOST_TEST(rig.ledger->access_end().last_n == 6);
}

BOOST_AUTO_TEST_CASE(P1_a_published_file_survives_the_loss_of_power) {
  TemporaryDirectory directory;
  LoopDisk disk(directory / "disk", {"ext4", 64, "", "", ""});
  if (!disk.is_mounted()) return;
  const auto io = Io::open().value();
  for (int round = 1; round <= 5; ++round) {
    const std::string name = "file" + std::to_string(round);
    {
      const Fd root = must(open_root(disk.path()));
      must(publish_text(*io, root.get(), name, "durable"));
      write_file(disk.path() + "/unsynced" + name, "lost");
      BOOST_TEST_REQUIRE(disk.cut_power());
    }
    BOOST_TEST_REQUIRE(disk.power_on());
    BOOST_TEST(contents_of(disk.path() + "/" + name) == "durable");
    BOOST_TEST(contents_of(disk.path() + "/unsynced" + name).empty());  // the rig does lose
  }
}
