// P1, P2, P3, P6 and P7: every operation of the archive fails at every point, in each way, once and
// from there on; recovery is the code of normal work; then every byte and every row is compared.
//
// HOLDFAST_POINTS says how many points of each row of the table (default 1, chosen by seed, and the
// last one; 0: every point n = 0, 1, 2 … until none fires). HOLDFAST_ROW: only the rows that match
// it, as "recall, no memory.*"; HOLDFAST_POINT: this one of each and no other.
#include <iostream>
#include <regex>

#include "tests/crash/operations.h"
#include "tests/support/effort.h"
#include "tests/support/failing_files.h"
#include "tests/support/failing_memory.h"
#include "tests/support/sanitized.h"

namespace holdfast::testing {
namespace {

// What fails: an operation on a file of ours, a call of a back-end (before it, amid its bytes, or
// after it has done it), a transaction of the index, an operation on one of its files, an
// allocation of SQLite's.
enum class At { kFile, kBackend, kCommit, kIndexFile, kMemory };
struct Way {
  const char* name;
  At at;
  int error_number;
  bool tears = false;  // half of a refused write reaches the file
};
constexpr Way kWays[] = {
    {"EIO", At::kFile, EIO},
    {"a short write and EIO", At::kFile, EIO, true},
    {"ENOSPC", At::kFile, ENOSPC},
    {"EMFILE", At::kFile, EMFILE},
    {"EIO of a back-end", At::kBackend, EIO},
    {"ENOSPC of a back-end", At::kBackend, ENOSPC},
    {"a failed commit", At::kCommit, EIO},
    {"EIO below SQLite", At::kIndexFile, EIO},
    {"ENOSPC below SQLite", At::kIndexFile, ENOSPC},
    {"no memory for SQLite", At::kMemory, ENOMEM},
};

// The operation, while what it meets is a point of `faults`.
void act(const Operation& operation, PointRig& rig, const Way& way, Faults& faults) {
  const auto aim = [&](Faults* target) {
    switch (way.at) {
      case At::kFile:
        return rig.faults.aim(target);
      case At::kBackend:
        return rig.backends.aim(target);
      case At::kCommit:
        return rig.commits.aim(target);
      case At::kIndexFile:
        return FailingFiles::instance().aim(target);
      case At::kMemory:
        return FailingMemory::instance().aim(target);
    }
  };
  aim(&faults);
  operation.act(rig);
  aim(nullptr);
}

bool is_wanted(const std::string& row) {
  const char* wanted = std::getenv("HOLDFAST_ROW");
  return wanted == nullptr || std::regex_match(row, std::regex(wanted));
}

int points_of_a_row() { return number_from("HOLDFAST_POINTS", 1); }

// One operation with a fault at point `n`. False when none fired: there are no more points.
bool fails_at(const Operation& operation, const Way& way, int n, bool persistent) {
  PointRig rig;
  operation.prepare(rig);
  FaultAt fault(n, persistent, way.error_number);
  if (way.tears) fault.tear_writes();
  act(operation, rig, way, fault);
  BOOST_TEST_CONTEXT(operation.name << ", " << way.name << " at point " << n << " ("
                                    << fault.fired_at() << ")"
                                    << (persistent ? ", and all after it" : "")) {
    // After one failure it goes on as it is, when the writer still takes commands.
    if (!operation.is_offline && (persistent || !rig.takes_commands())) rig.reopen();
    operation.finish(rig);
    rig.compare();
  }
  return fault.fired();
}

// How many points there are: the run in which none fires says so.
int points_of(const Operation& operation, const Way& way) {
  PointRig rig;
  operation.prepare(rig);
  struct Counting final : Faults {
    Status at(std::string_view) override { return ++count, Status(); }
    int count = 0;
  } counting;
  act(operation, rig, way, counting);
  return counting.count;
}

// Every point, or some by seed and the last.
int try_row(const Operation& operation, const Way& way, bool persistent, SeededRandom& random) {
  if (const int alone = number_from("HOLDFAST_POINT", -1); alone >= 0)
    return fails_at(operation, way, alone, persistent) ? 1 : 0;
  const int wanted = points_of_a_row();
  int tried = 0;
  if (wanted == 0) {
    while (!time_is_up() && fails_at(operation, way, tried, persistent)) ++tried;
    return tried;
  }
  const int points = points_of(operation, way);
  if (points == 0 || time_is_up()) return 0;
  for (; tried < wanted && tried < points; ++tried)
    fails_at(operation, way, static_cast<int>(random.below(static_cast<uint64_t>(points))),
             persistent);
  if (kSanitized) return tried;  // slow: the rest is left to the other builds
  fails_at(operation, way, points - 1, persistent);
  return tried + 1;
}

BOOST_AUTO_TEST_SUITE(P7_every_point)

BOOST_AUTO_TEST_CASE(every_operation_fails_in_every_way_and_loses_nothing) {
  BOOST_REQUIRE(FailingMemory::instance().is_in_place());
  BOOST_REQUIRE(FailingFiles::instance().is_in_place());
  {
    PointRig rig;
    if (!rig.can_verify()) return;
  }
  SeededRandom random;
  int tried = 0;
  std::map<std::string, int> met;  // by operation and by way
  for (const Operation& operation : operations())
    for (const Way& way : kWays) {
      const std::string name = std::string(operation.name) + ", " + way.name;
      if (!is_wanted(name)) continue;
      int row = 0;
      for (const bool persistent : {false, true})
        row += try_row(operation, way, persistent, random);
      std::cout << name << ": " << row << " points\n";
      met[operation.name] += row;
      met[way.name] += row;
      tried += row;
    }
  BOOST_TEST(tried > 0);
  for (const auto& [name, points] : met)
    BOOST_TEST((points > 0 || time_is_up()), name << " meets no point");
  std::cout << "points " << tried << (time_is_up() ? ", then the time was up" : "") << "\n";
}

BOOST_AUTO_TEST_CASE(every_operation_goes_on_through_short_and_interrupted_transfers) {
  {
    PointRig rig;
    if (!rig.can_verify()) return;
  }
  for (const Operation& operation : operations()) BOOST_TEST_CONTEXT(operation.name) {
      PointRig rig;
      operation.prepare(rig);
      Disturbing disturbing;
      rig.faults.aim(&disturbing);
      operation.act(rig);
      operation.finish(rig);
      rig.faults.aim(nullptr);
      BOOST_TEST(disturbing.transfers() > 0);
      rig.compare();
    }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace holdfast::testing
