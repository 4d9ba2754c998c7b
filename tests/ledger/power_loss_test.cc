// P1 against a real file system that loses what was not synced: ext4 on a loop
// device, shut down without flushing its journal. Needs root.
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "io/text_file.h"
#include "tests/ledger/rig.h"

using namespace holdfast;
namespace fs = std::filesystem;

namespace {

constexpr unsigned long kShutdown = 0x8004587d;  // FS_IOC_SHUTDOWN
constexpr uint32_t kWithoutLogFlush = 2;

// An ext4 file system of its own whose power can be cut.
class Disk {
 public:
  Disk() {
    fs::create_directory(path());
    const std::string make = "truncate -s 64M " + image() + " && mkfs.ext4 -q " + image();
    made_ = ::geteuid() == 0 && std::system(make.c_str()) == 0 && mount();
    if (!made_) BOOST_TEST_MESSAGE("skipped: cannot mount an ext4 of our own");
  }
  ~Disk() { ::umount2(path().c_str(), MNT_DETACH); }
  explicit operator bool() const { return made_; }
  std::string path() const { return directory_ / "disk"; }

  void cut_power() {
    const Fd root = must(open_root(path()));
    uint32_t how = kWithoutLogFlush;
    BOOST_REQUIRE_MESSAGE(::ioctl(root.get(), kShutdown, &how) == 0, std::strerror(errno));
  }
  // After whoever had files open is gone.
  void power_on() {
    BOOST_REQUIRE(::umount(path().c_str()) == 0);
    BOOST_REQUIRE(mount());
  }

 private:
  std::string image() const { return directory_ / "image"; }
  bool mount() const {
    return std::system(("mount -o loop " + image() + " " + path()).c_str()) == 0;
  }
  TemporaryDirectory directory_;
  bool made_ = false;
};

}  // namespace

BOOST_AUTO_TEST_CASE(P1_decisions_survive_the_loss_of_power_without_their_mirror) {
  Disk disk;
  if (!disk) return;
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
    disk.cut_power();
    BOOST_TEST(!rig.decide(98, Weight::kWeakening).ok());
    rig.ledger.reset();
    disk.power_on();
    fs::remove_all(rig.directory / "mirror");  // main must stand for itself
  }
  rig.open();
  BOOST_TEST(rig.values() == acknowledged);
  BOOST_TEST(rig.ledger->access_end().last_n == 6);
}

BOOST_AUTO_TEST_CASE(P1_a_published_file_survives_the_loss_of_power) {
  Disk disk;
  if (!disk) return;
  const auto io = Io::open().value();
  for (int round = 1; round <= 5; ++round) {
    const std::string name = "file" + std::to_string(round);
    {
      const Fd root = must(open_root(disk.path()));
      must(publish_text(*io, root.get(), name, "durable"));
      write_file(disk.path() + "/unsynced" + name, "lost");
      disk.cut_power();
    }
    disk.power_on();
    BOOST_TEST(contents_of(disk.path() + "/" + name) == "durable");
    BOOST_TEST(contents_of(disk.path() + "/unsynced" + name).empty());  // the rig does lose
  }
}
