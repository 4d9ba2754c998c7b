// P1 and P3: decisions on disks that keep of the unsynced what they like, main and mirror.
#include <iostream>

#include "tests/crash/states_of.h"
#include "tests/ledger/rig.h"

namespace holdfast::testing {
namespace {

// A ledger whose main and mirror lie below "live"; opened again below "crashed" for each state.
struct CrashedLedger : LedgerRig {
  CrashedLedger() {
    IoOptions io_options;
    io_options.force_fallback = true;  // a ring's writes are not seen
    io = Io::open(io_options).value();
    options.segment_bytes_max = Bytes(900);  // three lines: segments are sealed and begun
    std::filesystem::create_directories(directory / "live");
    lie_below("live");
  }
  void lie_below(const std::string& name) {
    ledger.reset();
    options.directory = directory / (name + "/ledger");
    options.mirror_directory = directory / (name + "/mirror");
  }
};

BOOST_AUTO_TEST_SUITE(P1_of_what_a_crash_leaves)

BOOST_AUTO_TEST_CASE(every_acknowledged_decision_is_read_again) {
  CrashedLedger rig;
  rig.open();
  must(rig.decide(1));
  const Recording recording = record(rig.directory / "live", {}, [&] {
    for (int value = 2; value <= 8; ++value) {
      must(rig.decide(value, value % 2 == 0 ? Weight::kProtecting : Weight::kWeakening));
      mark(value);
    }
  });
  const size_t states =
      each_state(recording, rig.directory / "crashed", states_a_cut(12), [&](const auto& marks) {
        if (time_is_up()) return;
        rig.lie_below("crashed");
        rig.open();
        const std::vector<int64_t> values = rig.values();
        const auto acknowledged = static_cast<int64_t>(marks.size()) + 1;
        BOOST_TEST(static_cast<int64_t>(values.size()) >= acknowledged);
        BOOST_TEST(static_cast<int64_t>(values.size()) <= acknowledged + 1);  // the one under way
        for (size_t n = 0; n < values.size(); ++n)
          BOOST_TEST(values[n] == static_cast<int64_t>(n) + 1);
        must(rig.decide(99));
        BOOST_TEST(rig.values().back() == 99);
        rig.ledger.reset();
        const ChainReport main = rig.verify("crashed/ledger/decisions");
        const ChainReport mirror = rig.verify("crashed/mirror/decisions");
        BOOST_TEST((!main.broken && !mirror.broken && main.gaps.empty() && mirror.gaps.empty()));
        BOOST_TEST((main.head == mirror.head));
      });
  BOOST_TEST((states > 20U || time_is_up()));
  std::cout << "states of a ledger: " << states << "\n";
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace holdfast::testing
