// A second warm directory that has every pack, too.
#include "tests/repair/repair_rig.h"

namespace holdfast {
namespace {

ArchiveFixture::Change with_mirror() {
  return [](Config& config) { config.warm.mirror = config.warm.path + "-2"; };
}

BOOST_AUTO_TEST_SUITE(warm_mirror)

BOOST_AUTO_TEST_CASE(a_sealed_pack_is_copied_and_both_leave_together) {
  RepairRig rig(with_mirror());
  if (!rig.can_verify()) return;
  const TestCall call = rig.ingest();
  rig.pack();
  BOOST_TEST(rig.files_below(rig.config.warm.mirror).empty());
  rig.repair();
  const std::string warm = rig.only_pack(rig.config.warm.path);
  BOOST_TEST((rig.bytes_of(rig.only_pack(rig.config.warm.mirror)) == rig.bytes_of(warm)));
  int verified = 0;
  for (const CopyRow& copy : rig.recording(call).copies)
    verified += copy.tier == Tier::kWarm && copy.state == CopyState::kVerified;
  BOOST_TEST(verified == 2);
  rig.release_standard();
  BOOST_TEST(!rig.state_on(call, Tier::kStandard).has_value());
  rig.clock.advance(minutes(30));
  rig.run_mover();
  BOOST_TEST(rig.files_below(rig.config.warm.path).size() == 1);  // not without cold
  rig.clock.advance(rig.config.warm.release_after);
  rig.run_mover();
  rig.run_mover();
  BOOST_TEST((rig.recording(call).tier == Tier::kCold));
  BOOST_TEST(rig.files_below(rig.config.warm.path).empty());
  BOOST_TEST(rig.files_below(rig.config.warm.mirror).empty());
  BOOST_TEST(rig.is_kept(call));
}

BOOST_AUTO_TEST_CASE(the_mirror_counts_as_a_copy_on_another_medium) {
  RepairRig rig([](Config& config) {
    with_mirror()(config);
    config.copies_before_release = 2;
  });
  if (!rig.can_verify()) return;
  const TestCall call = rig.ingest();
  rig.pack();
  rig.release_standard();
  BOOST_TEST(rig.state_on(call, Tier::kStandard).has_value());  // one copy is not enough
  rig.repair();
  rig.clock.advance(minutes(2));
  rig.run_mover();
  BOOST_TEST(!rig.state_on(call, Tier::kStandard).has_value());
  BOOST_TEST(rig.is_kept(call));
}

// Written there, and never re-read: what is bad from the start is found by the first re-read, made
// anew, and holds up no other pack.
BOOST_AUTO_TEST_CASE(P5_a_copy_that_is_bad_from_the_start_is_made_anew) {
  bool reached = false;
  for (int n = 0; !reached && n < 1000; ++n) {
    RepairRig rig(with_mirror());
    if (!rig.can_verify()) return;
    const TestCall call = rig.ingest();
    rig.pack();
    FaultAt fault(n, true);  // the medium goes away for the rest of the turn
    rig.faults.aim(&fault);
    static_cast<void>(Repairer(rig.archive()).run_once(*rig.io).ok());
    rig.faults.aim(nullptr);
    BOOST_REQUIRE(fault.fired());
    int verified = 0;
    int copied = 0;
    for (const CopyRow& copy : rig.recording(call).copies) {
      if (copy.tier != Tier::kWarm) continue;
      verified += copy.state == CopyState::kVerified;
      copied += copy.state == CopyState::kCopied;
    }
    reached = verified == 1 && copied == 1;
    if (!reached) continue;
    const std::string mirror = rig.only_pack(rig.config.warm.mirror);
    rig.flip_byte(mirror, 3000);
    for (int i = 0; i < 3; ++i) {
      rig.clock.advance(minutes(11));
      rig.repair();
    }
    BOOST_TEST((rig.bytes_of(mirror) == rig.bytes_of(rig.only_pack(rig.config.warm.path))));
    BOOST_TEST(rig.open_rows().empty());
    for (const CopyRow& copy : rig.recording(call).copies)
      if (copy.tier == Tier::kWarm) BOOST_TEST((copy.state == CopyState::kVerified));
  }
  BOOST_TEST(reached);
}

BOOST_AUTO_TEST_CASE(each_repairs_the_other_and_a_restore_reads_either) {
  RepairRig rig(with_mirror());
  if (!rig.can_verify()) return;
  const TestCall call = rig.ingest();
  rig.pack();
  rig.repair();
  rig.release_standard();
  const std::string warm = rig.only_pack(rig.config.warm.path);
  const std::string mirror = rig.only_pack(rig.config.warm.mirror);
  const std::string whole = rig.bytes_of(warm);
  for (const std::string& path : {warm, mirror}) {
    BOOST_TEST_CONTEXT(path) {
      rig.flip_byte(path, 3000);
      rig.scrub_later();
      BOOST_TEST(rig.quarantined() == 1);
      BOOST_TEST(rig.is_kept(call));
      rig.repair();
      BOOST_TEST(rig.quarantined() == 0);
      BOOST_TEST((rig.bytes_of(path) == whole));
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace holdfast
