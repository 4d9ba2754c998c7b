// A part that lies in the trash without a decision: it is put back, by a turn of the mover, too;
// one that cannot be read there, or is no longer whole, keeps no start, is told as bad, made anew
// from another copy, and later leaves as any other.
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
    std::filesystem::rename(config.standard.path + "/" + place.directory(), in_trash(part));
  }
  std::string in_trash(const PartId& part) const {
    return config.standard.path + "/standard/.trash/" + part.text();
  }
  LeftParts::Parts left() { return archive().left_in_trash.all(); }
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

BOOST_AUTO_TEST_CASE(p7_what_a_full_disk_keeps_there_is_put_back_by_a_later_turn) {
  TrashRig rig;
  const TestCall call = rig.ingest();
  const PartId part{rig.recording(call).recording, 1};
  rig.leave_in_the_trash(call);
  EachFails full("mkdir", ENOSPC);
  must(rig.start_with(full));
  BOOST_REQUIRE_EQUAL(rig.left().size(), 1U);
  BOOST_TEST(rig.left().contains(part));
  BOOST_TEST(!rig.left().at(part).is_damaged);
  const UnixMillis since = rig.left().at(part).since;
  rig.clock.advance(minutes(11));
  rig.faults.aim(&full);
  rig.run_mover();
  rig.faults.aim(nullptr);
  BOOST_REQUIRE_EQUAL(rig.left().size(), 1U);
  BOOST_TEST((rig.left().at(part).since == since));
  BOOST_TEST(rig.left().at(part).is_worth_a_word(rig.clock.now()));
  rig.run_mover();
  BOOST_TEST(rig.left().empty());
  BOOST_TEST(rig.quarantined() == 0);
  BOOST_TEST(rig.is_whole(call));
}

BOOST_AUTO_TEST_CASE(p7_what_was_being_emptied_without_a_decision_is_made_anew) {
  TrashRig rig;
  if (!rig.can_verify()) return;
  const TestCall call = rig.ingest();
  rig.pack();
  const PartId part{rig.recording(call).recording, 1};
  rig.leave_in_the_trash(call);
  std::filesystem::remove(rig.in_trash(part) + "/recording.json");
  rig.open();
  BOOST_TEST(rig.quarantined() == 1);
  BOOST_TEST(rig.left().size() == 1U);
  rig.repair();
  BOOST_TEST(rig.quarantined() == 0);
  BOOST_TEST(rig.is_whole(call));
  rig.run_mover();
  BOOST_TEST(rig.left().empty());
  rig.reopen();  // what is left there says nothing of the new one
  BOOST_TEST(rig.quarantined() == 0);
  BOOST_TEST(rig.left().empty());
  must(rig.destroy(call));
  BOOST_TEST(rig.standard_files("inbound.ulaw").empty());
  BOOST_TEST(rig.unsettled().empty());
}

// A crash between the last rename back and the removal of the entry's directory.
BOOST_AUTO_TEST_CASE(p7_an_empty_entry_of_what_is_back_in_its_place_is_no_trouble) {
  TrashRig rig;
  const TestCall call = rig.ingest();
  const PartId part{rig.recording(call).recording, 1};
  rig.close();
  std::filesystem::create_directories(rig.in_trash(part));
  rig.open();
  BOOST_TEST(rig.quarantined() == 0);
  BOOST_TEST(rig.left().empty());
  BOOST_TEST(rig.is_whole(call));
}

// Such as a backup of the standard medium brings back: the call lies in a pack alone, and what is
// staged of it has nothing to do with that.
BOOST_AUTO_TEST_CASE(p7_the_rest_of_what_was_released_is_told_and_harms_no_staged_copy) {
  TrashRig rig;
  if (!rig.can_verify()) return;
  const TestCall call = rig.ingest();
  const PartId part{rig.recording(call).recording, 1};
  rig.to_warm();
  rig.close();
  std::filesystem::create_directories(rig.in_trash(part));
  std::ofstream(rig.in_trash(part) + "/inbound.ulaw") << "what is left of it";
  rig.open();
  BOOST_REQUIRE_EQUAL(rig.left().size(), 1U);
  BOOST_TEST(rig.left().at(part).is_damaged);
  must(rig.ask(call));
  rig.run_restorers();
  rig.run_mover();
  BOOST_TEST(rig.quarantined() == 0);
  BOOST_TEST(rig.is_whole(call));
  BOOST_TEST(rig.left().size() == 1U);
}

// An older copy that was made anew in its place, and can be read again since.
BOOST_AUTO_TEST_CASE(p7_an_older_copy_in_the_trash_leaves_the_new_one_alone) {
  TrashRig rig;
  const TestCall call = rig.ingest();
  const Recording known = rig.recording(call);
  const PartId part{known.recording, 1};
  const Place place{known.home, known.day, known.call_sid, 1};
  rig.close();
  std::filesystem::copy(rig.config.standard.path + "/" + place.directory(), rig.in_trash(part),
                        std::filesystem::copy_options::recursive);
  rig.open();
  BOOST_TEST(rig.left().empty());
  BOOST_TEST(rig.is_whole(call));
  must(rig.destroy(call));
  BOOST_TEST(rig.standard_files("inbound.ulaw").empty());
}

BOOST_AUTO_TEST_CASE(p7_the_rest_of_what_nobody_knows_is_told_until_a_person_removes_it) {
  TrashRig rig;
  const TestCall call = rig.ingest();
  const PartId part{must(RecordingId::from_text("6ixekcekcxvl4f7bvgx3nwpbsm")), 1};
  rig.close();
  std::filesystem::create_directories(rig.in_trash(part));
  std::ofstream(rig.in_trash(part) + "/inbound.ulaw") << "what is left of a call";
  rig.open();
  BOOST_REQUIRE_EQUAL(rig.left().size(), 1U);
  BOOST_TEST(rig.left().at(part).is_damaged);
  rig.run_mover();
  BOOST_TEST(rig.left().size() == 1U);
  std::filesystem::remove_all(rig.in_trash(part));
  rig.run_mover();
  BOOST_TEST(rig.left().empty());
  BOOST_TEST(rig.is_whole(call));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace holdfast
