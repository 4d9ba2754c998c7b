// P1, P2, P3 and P7: an archive on disks that keep of the unsynced what they like. Index, ledger,
// mirror, standard, warm and cold are recorded together while calls come in, are held, moved and
// destroyed; states that a crash may have left then are opened, and the promises are checked.
//
// HOLDFAST_STATES says how many states of each cut (default 6; 0: all of them).
#include <iostream>

#include "tests/crash/states_of.h"
#include "tests/support/archive_fixture.h"

namespace holdfast::testing {
namespace {

constexpr size_t kStatesByDefault = 6;
// What says nothing: SQLite makes its shared memory anew, the reserve is empty blocks.
const std::vector<std::string> kWithout = {"-shm", "reserve"};

struct CrashedArchive : ArchiveFixture {
  CrashedArchive() {
    IoOptions options;
    options.faults = &faults;
    options.force_fallback = true;  // a ring's writes are not seen
    io = Io::open(options).value();
  }

  Recording record(const std::function<void()>& work) {
    return testing::record(directory.path(), kWithout, work);
  }
  // Opens each state in turn, with what was promised by then; the archive is at rest after it: what
  // was not acknowledged and did not reach the disk whole is gone.
  void each_state(const char* what, const Recording& recording,
                  const std::function<void(const std::set<int>&)>& look) {
    int states = 0;
    const auto check = [&](const std::set<int>& marks) {
      if (time_is_up()) return;
      ++states;
      open();
      look(marks);
      BOOST_TEST(unsettled().empty());
      close();
    };
    testing::each_state(recording, directory.path(), states_a_cut(kStatesByDefault), check);
    BOOST_TEST((states > 20 || time_is_up()));
    std::cout << "states of " << what << ": " << states << " of " << recording.operations.size()
              << " operations\n";
  }
  // What a recorder does that had no answer.
  void offer_again(const TestCall& call, bool acknowledged) {
    const Ingested again = must(try_ingest(call));
    BOOST_TEST((!acknowledged || again.verdict == IngestVerdict::kSame));
    BOOST_TEST(is_whole(call));
  }
};

BOOST_AUTO_TEST_SUITE(P1_of_what_a_crash_leaves)

// All that the archive does to its directories passes the recorder, and it is all synced where it
// must be: what is durable at the end is what lies there.
BOOST_AUTO_TEST_CASE(the_recorder_sees_all_of_an_archive) {
  CrashedArchive rig;
  const bool moves = rig.can_verify();
  const Recording recording = rig.record([&] {
    rig.ingest();
    const TestCall call = rig.ingest();
    if (moves) rig.to_cold();
    must(rig.destroy(call));
    rig.close();
  });
  DiskImage image = recording.before;
  for (const DiskOperation& operation : recording.operations) image.apply(operation);
  TemporaryDirectory elsewhere;
  image.build(elsewhere / "built");
  const std::string diff =
      "diff -r -x '*-shm' -x reserve " + rig.directory.path() + " " + (elsewhere / "built");
  BOOST_TEST(std::system(diff.c_str()) == 0);
}

// Interrupted and short transfers are the kernel's right, and nobody's business.
BOOST_AUTO_TEST_CASE(calls_that_are_interrupted_or_short_change_nothing) {
  CrashedArchive rig;
  const bool moves = rig.can_verify();
  make_calls_unruly(true);
  const std::vector<TestCall> calls = {rig.ingest(), rig.ingest()};
  if (moves) rig.to_cold();
  for (const TestCall& call : calls) BOOST_TEST(rig.is_kept(call));
  must(rig.destroy(calls[1]));
  rig.close();
  rig.open();
  BOOST_TEST(rig.is_kept(calls[0]));
  make_calls_unruly(false);
}

BOOST_AUTO_TEST_CASE(every_acknowledged_ingest_and_hold_is_there) {
  CrashedArchive rig;
  constexpr int kHeld = 10;
  std::vector<TestCall> calls = {rig.ingest()};  // the first reserves numbers
  for (int n = 0; n < 2; ++n) calls.push_back(rig.make_call());
  const Recording recording = rig.record([&] {
    for (int n = 1; n < static_cast<int>(calls.size()); ++n) {
      must(rig.try_ingest(calls[static_cast<size_t>(n)]));
      mark(n);
    }
    must(rig.hold(calls[1]));
    mark(kHeld);
    rig.close();
  });
  rig.each_state("ingest and hold", recording, [&](const std::set<int>& marks) {
    BOOST_TEST(rig.is_whole(calls[0]));
    for (int n = 1; n < static_cast<int>(calls.size()); ++n) {
      const TestCall& call = calls[static_cast<size_t>(n)];
      if (marks.contains(n)) BOOST_TEST(rig.is_known(call));
      if (rig.is_known(call)) BOOST_TEST(rig.is_whole(call));
      rig.offer_again(call, marks.contains(n));
    }
    if (!marks.contains(kHeld)) return;
    BOOST_TEST(rig.recording(calls[1]).holds == 1);
    BOOST_TEST((code_of(rig.destroy(calls[1])) == Code::kLocked));
  });
}

BOOST_AUTO_TEST_CASE(what_was_destroyed_stays_so_and_nothing_else_goes) {
  CrashedArchive rig;
  constexpr int kDestroyed = 1;
  const TestCall call = rig.ingest();
  const TestCall other = rig.ingest();
  const Recording recording = rig.record([&] {
    must(rig.destroy(call));
    mark(kDestroyed);
    rig.close();
  });
  rig.each_state("a destruction", recording, [&](const std::set<int>& marks) {
    if (marks.contains(kDestroyed)) {
      BOOST_TEST(!rig.is_known(call));
      BOOST_TEST(!rig.try_ingest(call).ok());
    }
    // Condemned it is whole yet; destroying, it goes.
    if (rig.is_known(call)) BOOST_TEST(rig.is_whole(call));
    BOOST_TEST(rig.is_whole(other));
  });
}

BOOST_AUTO_TEST_CASE(a_recording_on_its_way_to_warm_and_cold_is_never_without_a_copy) {
  CrashedArchive rig;
  if (!rig.can_verify()) return;
  const std::vector<TestCall> calls = {rig.ingest(), rig.ingest()};
  const Recording recording = rig.record([&] {
    rig.to_cold();
    rig.close();
  });
  rig.each_state("a way to cold", recording, [&](const std::set<int>&) {
    for (const TestCall& call : calls) BOOST_TEST(rig.is_kept(call));
  });
}

// Recalls that share their syncs: each was synced all the same before it was told.
BOOST_AUTO_TEST_CASE(what_was_told_as_staged_is_there_and_whole) {
  CrashedArchive rig;
  if (!rig.can_verify()) return;
  constexpr int kStaged = 1;
  const std::vector<TestCall> calls = {rig.ingest(), rig.ingest()};
  rig.to_warm();
  const Recording recording = rig.record([&] {
    for (const TestCall& call : calls) must(rig.ask(call));
    rig.run_restorers();
    mark(kStaged);
    rig.close();
  });
  rig.each_state("two recalls", recording, [&](const std::set<int>& marks) {
    for (const TestCall& call : calls) {
      if (marks.contains(kStaged)) BOOST_TEST(rig.is_readable(call));
      if (rig.is_readable(call)) BOOST_TEST(rig.is_whole(call));
      BOOST_TEST(rig.is_kept(call));
    }
  });
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace holdfast::testing
