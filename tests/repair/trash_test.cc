// A part that lies in the trash without a decision, and cannot be read there: it keeps no start, is
// told as bad, made anew from another copy, and later leaves as any other.
#include "tests/repair/repair_rig.h"

namespace holdfast {
namespace {

struct TrashRig : RepairRig {
  // As a loss of power leaves it on its way there, before any decision.
  void leave_in_the_trash(const TestCall& call) {
    const Recording known = recording(call);
    const PartId part{known.recording, 1};
    const Place place{known.home, known.day, known.call_sid, 1};
    close();
    std::filesystem::rename(config.standard.path + "/" + place.directory(),
                            config.standard.path + "/standard/.trash/" + part.text());
  }
  Status start_with(Faults& fault) {
    faults.aim(&fault);
    Status started = try_open();
    faults.aim(nullptr);
    return started;
  }
};

BOOST_AUTO_TEST_SUITE(trash)

BOOST_AUTO_TEST_CASE(p7_an_unreadable_entry_keeps_no_start_and_is_made_anew) {
  int unreadable = 0;
  for (int n = 0;; ++n) {
    TrashRig rig;
    if (!rig.can_verify()) return;
    const TestCall call = rig.ingest();
    rig.pack();
    rig.leave_in_the_trash(call);
    NthFails fault("read", n);
    const Status started = rig.start_with(fault);
    if (!fault.fired()) break;
    if (!started.ok() || rig.quarantined() == 0) continue;  // another read
    ++unreadable;
    BOOST_TEST_CONTEXT("read " << n << " fails") {
      rig.repair();
      BOOST_TEST(rig.quarantined() == 0);
      BOOST_TEST(rig.is_whole(call));
      must(rig.destroy(call));
      BOOST_TEST((rig.recording(call).state == RecordingState::kDestroying));  // its pack is left
      BOOST_TEST(rig.standard_files("inbound.ulaw").empty());
      BOOST_TEST(rig.unsettled().empty());
    }
  }
  BOOST_TEST(unreadable > 0);
}

BOOST_AUTO_TEST_CASE(p7_want_of_descriptors_puts_nothing_aside) {
  for (int n = 0;; ++n) {
    TrashRig rig;
    const TestCall call = rig.ingest();
    rig.leave_in_the_trash(call);
    FaultAt fault(n, false, EMFILE);
    if (!rig.start_with(fault).ok()) rig.open();
    BOOST_TEST_CONTEXT("no descriptor at " << n << ", " << fault.fired_at()) {
      BOOST_TEST(rig.quarantined() == 0);
      if (!rig.is_whole(call)) {
        rig.reopen();  // what could not be put back then
        BOOST_TEST(rig.is_whole(call));
      }
    }
    if (!fault.fired()) break;
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace holdfast
