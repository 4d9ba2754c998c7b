// A file system that has ended: what it threw away is not waited for any more, and a sync of it may
// report success. Ours does not.
#include <fcntl.h>

#include <boost/test/unit_test.hpp>
#include <cstdlib>

#include "io/sync_group.h"
#include "tests/support/loop_disk.h"
#include "tests/support/temporary_directory.h"

using namespace holdfast;
using namespace holdfast::testing;

namespace {

// A name is made in a directory, the disk loses its power, and `sync` is asked about the directory.
template <typename Sync>
void check_refused(const Sync& sync) {
  for (const char* kind : {"ext4", "xfs"}) {
    if (std::string(kind) == "xfs" && !has_xfs()) continue;
    TemporaryDirectory directory;
    LoopDiskOptions options;
    options.kind = kind;
    const LoopDisk disk(directory / "disk", options);
    if (!disk.is_mounted()) return;
    BOOST_TEST_CONTEXT(kind) {
      const auto io = Io::open().value();
      const Fd root = open_root(disk.path()).value();
      BOOST_TEST(io->make_directory(root.get(), "before", 0700).value());
      BOOST_TEST(sync(*io, root.get()).ok());
      BOOST_TEST(io->make_directory(root.get(), "after", 0700).value());
      BOOST_TEST_REQUIRE(disk.cut_power());
      for (const char* which : {"the first", "a later one"})
        BOOST_TEST(!sync(*io, root.get()).ok(), which);
    }
  }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(ended_disk)

BOOST_AUTO_TEST_CASE(a_sync_of_what_was_thrown_away_is_an_error) {
  check_refused([](Io& io, int directory) { return io.sync(directory, "the directory"); });
}

BOOST_AUTO_TEST_CASE(a_group_of_such_syncs_is_an_error) {
  check_refused([](Io& io, int directory) {
    SyncGroup syncs(io);
    syncs.add(directory, "the directory");
    return syncs.wait();
  });
}

BOOST_AUTO_TEST_SUITE_END()
