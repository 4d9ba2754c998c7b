// Several syncs at once: each is made, once, and the first failure is told.
#include "io/sync_group.h"

#include <fcntl.h>

#include <boost/test/unit_test.hpp>
#include <iostream>
#include <vector>

#include "tests/support/failing_sync.h"
#include "tests/support/temporary_directory.h"

using namespace holdfast;

namespace {

constexpr unsigned kFiles = 6;

struct GroupRig {
  explicit GroupRig(bool fallback, Faults* faults = nullptr) {
    IoOptions options;
    options.force_fallback = fallback;
    options.faults = faults;
    io = Io::open(options).value();
    root = open_root(directory.path()).value();
    for (unsigned n = 0; n < kFiles; ++n) {
      files.push_back(
          io->open(root.get(), std::to_string(n), O_RDWR | O_CREAT | O_EXCL, 0600).value());
      BOOST_TEST(io->write_all(files.back().get(), Bytes(0), as_bytes("some bytes")).ok());
    }
  }
  TemporaryDirectory directory;
  std::unique_ptr<Io> io;
  Fd root;
  std::vector<Fd> files;
};

}  // namespace

BOOST_AUTO_TEST_SUITE(sync_group)

BOOST_AUTO_TEST_CASE(all_are_under_way_before_one_is_waited_for) {
  GroupRig rig(false);
  if (rig.io->ring_kind() != "io_uring") {
    std::cout << "skipped: this kernel forbids io_uring\n";
    return;
  }
  SyncGroup syncs(*rig.io);
  for (const Fd& file : rig.files) syncs.add(file.get(), "a file");
  syncs.add(rig.root.get(), "the directory");
  BOOST_TEST(rig.io->counters().in_flight_max == kFiles + 1);
  BOOST_TEST(syncs.wait().ok());
  BOOST_TEST(rig.io->counters().syncs == kFiles + 1);
  BOOST_TEST(syncs.wait().ok());  // of none
}

BOOST_AUTO_TEST_CASE(the_first_failure_is_told_and_every_sync_is_made_once) {
  for (const bool fallback : {false, true}) {
    FailingSync fault(2);
    GroupRig rig(fallback, &fault);
    SyncGroup syncs(*rig.io);
    for (unsigned n = 0; n < kFiles; ++n)
      syncs.add(rig.files[n].get(), "file " + std::to_string(n));
    const Status done = syncs.wait();
    BOOST_TEST((done.error().code == Code::kIo));
    BOOST_TEST(done.error().message.find("fsync file 2") != std::string::npos,
               done.error().message);
    BOOST_TEST(rig.io->counters().syncs == kFiles);
    BOOST_TEST(syncs.wait().ok());  // the failed one is not tried again
    BOOST_TEST(rig.io->counters().syncs == kFiles);
  }
}

BOOST_AUTO_TEST_CASE(what_the_system_refuses_is_told) {
  for (const bool fallback : {false, true}) {
    GroupRig rig(fallback);
    SyncGroup syncs(*rig.io);
    syncs.add(rig.files[0].get(), "a file");
    syncs.add(-1, "nothing");
    const Status done = syncs.wait();
    BOOST_TEST(done.error().message.find("fsync nothing") != std::string::npos,
               done.error().message);
  }
}

BOOST_AUTO_TEST_SUITE_END()
