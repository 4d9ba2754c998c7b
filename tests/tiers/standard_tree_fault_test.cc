// P1 and P7 on the standard tier: the world ends at every point n of every step, and start-up
// goes on with the same code.
//
// "The world ends" means that operation n and all after it fail, as they do for a process that
// is killed there; a second round lets only operation n fail and tries again in the same process.
#include <boost/test/unit_test.hpp>
#include <filesystem>

#include "tests/tiers/standard_tree_rig.h"

using namespace holdfast;

namespace {

// Runs `act` with a fault at every point until none fires; `then` looks at what is left.
// Each time with a fresh rig. Returns the number of points.
template <typename Act, typename Then>
int at_every_point(bool killed, Act act, Then then) {
  for (int n = 0;; ++n) {
    StandardRig rig;
    FaultAt fault(n, killed);
    if (n % 2 == 1) fault.tear_writes();
    auto state = act.prepare(rig);
    rig.faults.aim(&fault);
    act.run(rig, state);
    rig.faults.aim(nullptr);
    if (killed) rig.restart();
    BOOST_TEST_CONTEXT((killed ? "killed at point " : "a fault at point ")
                       << n << ", " << fault.fired_at()) {
      then(rig, state, fault.fired());
    }
    if (!fault.fired()) return n;
  }
}

// What start-up does with .incoming: what is complete is taken on, the rest was never promised.
void advance_incoming(StandardRig& rig) {
  const auto entries = rig.list_incoming();
  BOOST_REQUIRE(entries.ok());
  for (const IncomingEntry& entry : *entries) {
    const Status advanced = entry.description
                                ? rig.tree->place(*rig.io, entry.part, entry.description->place())
                                : rig.tree->discard_incoming(*rig.io, entry.part);
    BOOST_TEST(advanced.ok(), (advanced.ok() ? "" : advanced.error().message));
  }
}

struct Ingesting {
  struct State {
    TestPart part;
    bool acknowledged = false;
    bool placed = false;
  };
  bool with_later_part_there = false;

  State prepare(StandardRig& rig) const {
    State state{rig.make_part(), false, false};
    if (with_later_part_there)
      BOOST_REQUIRE(rig.ingest_and_place(rig.make_later_part(state.part, 2)).ok());
    return state;
  }
  void run(StandardRig& rig, State& state) const {
    state.acknowledged = rig.ingest(state.part).ok();  // here the index would commit
    if (state.acknowledged)
      state.placed = rig.tree->place(*rig.io, state.part.id(), state.part.place()).ok();
  }
};

struct Removing {
  struct State {
    TestPart part;
    TestPart neighbour;
    bool moved = false;
    bool emptied = false;
  };
  bool emptying = true;

  State prepare(StandardRig& rig) const {
    State state{rig.make_part(), {}, false, false};
    state.neighbour = rig.make_later_part(state.part, 2);
    BOOST_REQUIRE(rig.ingest_and_place(state.part).ok());
    BOOST_REQUIRE(rig.ingest_and_place(state.neighbour).ok());
    return state;
  }
  void run(StandardRig& rig, State& state) const {
    const ReleasePermit permit = rig.permit(state.part.id());
    state.moved = rig.tree->move_to_trash(*rig.io, state.part.place(), permit).ok();
    if (emptying && state.moved) state.emptied = rig.tree->empty_trash_entry(*rig.io, permit).ok();
  }
};

struct Staging {
  struct State {
    TestPart part;
    bool staged = false;
  };
  State prepare(StandardRig& rig) const { return State{rig.make_part(), false}; }
  void run(StandardRig& rig, State& state) const { state.staged = rig.stage(state.part).ok(); }
};

}  // namespace

BOOST_AUTO_TEST_CASE(p1_p7_an_acknowledged_recording_survives_a_kill_at_every_point) {
  for (const bool with_later_part : {false, true}) {
    const int points =
        at_every_point(true, Ingesting{with_later_part},
                       [](StandardRig& rig, Ingesting::State& state, bool fired) {
                         if (!fired) BOOST_TEST(state.placed);
                         advance_incoming(rig);
                         BOOST_TEST(rig.list_incoming()->empty());
                         const bool there = rig.is_placed(state.part);
                         if (state.acknowledged) BOOST_TEST(there);
                         // All or nothing: no file of a part that is not there.
                         const auto files = rig.all_files();
                         const auto own = rig.files_of(state.part, state.part.place().directory());
                         for (const std::string& file : own)
                           BOOST_TEST((files.count(file) == 1) == there);
                         BOOST_TEST((files.size() == own.size() * (there ? 1u : 0u) ||
                                     files.size() == own.size() * (there ? 2u : 1u)));
                       });
    BOOST_TEST(points > 25);
    BOOST_TEST_MESSAGE("ingest and place: " << points << " points");
  }
}

BOOST_AUTO_TEST_CASE(p7_an_ingest_goes_on_after_a_single_fault_at_every_point) {
  for (const bool with_later_part : {false, true})
    at_every_point(
        false, Ingesting{with_later_part}, [](StandardRig& rig, Ingesting::State& state, bool) {
          if (!state.acknowledged) BOOST_TEST(rig.ingest(state.part).ok());
          const Status placed = rig.tree->place(*rig.io, state.part.id(), state.part.place());
          BOOST_TEST(placed.ok(), (placed.ok() ? "" : placed.error().message));
          BOOST_TEST(rig.is_placed(state.part));
          BOOST_TEST(rig.list_incoming()->empty());
        });
}

BOOST_AUTO_TEST_CASE(p7_a_decided_removal_ends_after_a_fault_at_every_point) {
  for (const bool killed : {true, false}) {
    const int points = at_every_point(
        killed, Removing{true}, [](StandardRig& rig, Removing::State& state, bool fired) {
          if (!fired) BOOST_TEST(state.emptied);
          const ReleasePermit permit = rig.permit(state.part.id());
          BOOST_TEST(rig.tree->move_to_trash(*rig.io, state.part.place(), permit).ok());
          BOOST_TEST(rig.tree->empty_trash_entry(*rig.io, permit).ok());
          BOOST_TEST((rig.all_files() ==
                      rig.files_of(state.neighbour, state.neighbour.place().directory())));
          BOOST_TEST(rig.is_placed(state.neighbour));
          BOOST_TEST(rig.tree->list_trash(*rig.io)->empty());
        });
    BOOST_TEST(points > 15);
    BOOST_TEST_MESSAGE("removal: " << points << " points");
  }
}

// P6: the index that had decided is gone. What was on its way out is put back, whole.
BOOST_AUTO_TEST_CASE(p6_an_undecided_removal_is_put_back_from_every_point) {
  at_every_point(true, Removing{false}, [](StandardRig& rig, Removing::State& state, bool) {
    const auto entries = rig.tree->list_trash(*rig.io);
    BOOST_REQUIRE(entries.ok());
    for (const TrashEntry& entry : *entries)
      BOOST_TEST(rig.tree->restore_from_trash(*rig.io, entry.part, state.part.place()).ok());
    BOOST_TEST(rig.is_placed(state.part));
    BOOST_TEST(rig.is_placed(state.neighbour));
    BOOST_TEST(rig.tree->list_trash(*rig.io)->empty());
  });
}

BOOST_AUTO_TEST_CASE(p7_putting_back_goes_on_after_a_kill_at_every_point) {
  struct PuttingBack : Removing {
    State prepare(StandardRig& rig) const {
      State state = Removing::prepare(rig);
      BOOST_REQUIRE(
          rig.tree->move_to_trash(*rig.io, state.part.place(), rig.permit(state.part.id())).ok());
      return state;
    }
    void run(StandardRig& rig, State& state) const {
      state.moved = rig.tree->restore_from_trash(*rig.io, state.part.id(), state.part.place()).ok();
    }
  };
  const int points =
      at_every_point(true, PuttingBack(), [](StandardRig& rig, Removing::State& state, bool) {
        const auto entries = rig.tree->list_trash(*rig.io).value();
        for (const TrashEntry& entry : entries)
          BOOST_TEST(rig.tree->restore_from_trash(*rig.io, entry.part, state.part.place()).ok());
        BOOST_TEST(rig.is_placed(state.part));
        BOOST_TEST(rig.tree->list_trash(*rig.io)->empty());
      });
  BOOST_TEST(points > 10);
}

BOOST_AUTO_TEST_CASE(p7_a_staged_copy_is_whole_or_not_there_after_a_kill_at_every_point) {
  const int points =
      at_every_point(true, Staging(), [](StandardRig& rig, Staging::State& state, bool fired) {
        const auto staged = rig.tree->list_staged(*rig.io);
        BOOST_REQUIRE(staged.ok());
        BOOST_TEST(staged->size() <= 1u);
        if (!fired) BOOST_TEST(state.staged);
        if (state.staged) BOOST_TEST(staged->size() == 1u);
        const bool readable = rig.is_readable(state.part, staged_directory(state.part.id()));
        BOOST_TEST(readable == (staged->size() == 1u));
        if (staged->empty()) BOOST_TEST(rig.all_files().empty());
        BOOST_TEST(rig.stage(state.part).ok());
        BOOST_TEST(rig.is_readable(state.part, staged_directory(state.part.id())));
      });
  BOOST_TEST(points > 15);
}
