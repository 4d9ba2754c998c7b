// Many short lives of an archive, each by its own seed: every promise of docs/design.md at
// every step (docs/torture.md says which check is made when).
//
// HOLDFAST_LIVES says how many (HOLDFAST_SECONDS: begin no other after so long), HOLDFAST_TEST_SEED
// the seed of the first. A life that holds says nothing; HOLDFAST_LIVES_TOLD=1 tells what was in
// it.
#include <sys/vfs.h>
#include <unistd.h>

#include <boost/test/execution_monitor.hpp>
#include <boost/test/results_collector.hpp>
#include <boost/test/unit_test.hpp>
#include <cstdlib>
#include <iostream>

#include "base/log.h"
#include "tests/support/effort.h"
#include "tests/system/simulated_life.h"

namespace holdfast::testing {
namespace {

constexpr int kLivesByDefault = 1000;
constexpr uint64_t kStepsMin = 60;
constexpr uint64_t kStepsMore = 80;  // up to so many

bool are_told() { return number_from("HOLDFAST_LIVES_TOLD", 0) != 0; }

// Their files are in memory where there is enough of it: moves leave 1 GiB free
// (policy.disk_reserve). memory_disk.cc makes a disk of it.
struct OnMemory {
  OnMemory() {
    constexpr uint64_t kEnough = uint64_t{2} << 30;
    struct statfs status = {};
    if (::statfs("/dev/shm", &status) == 0 && ::access("/dev/shm", W_OK) == 0 &&
        status.f_bavail * static_cast<uint64_t>(status.f_bsize) >= kEnough)
      ::setenv("TMPDIR", "/dev/shm", 1);
    // The archive complains of each fault, and is right.
    if (!are_told()) log::set_sink([](const log::Line&) { return true; });
  }
};
BOOST_GLOBAL_FIXTURE(OnMemory);

// False, and told, when the life broke a promise.
bool holds(uint64_t seed, std::string& tally, std::string* story = nullptr) {
  const auto& results = boost::unit_test::results_collector.results(
      boost::unit_test::framework::current_test_case().p_id);
  const auto failed_before = results.p_assertions_failed.get();
  BOOST_TEST_CONTEXT("HOLDFAST_TEST_SEED=" << seed << " HOLDFAST_LIVES=1") {
    try {
      SimulatedLife life(LifeShape{.seed = seed, .is_brief = true});
      if (!life.can_live()) return true;
      const uint64_t steps = kStepsMin + seed % kStepsMore;
      for (uint64_t step = 0; step < steps; ++step) BOOST_TEST_CONTEXT("step " << step) {
          life.step();
          life.check();
        }
      BOOST_TEST_CONTEXT("at the end") { life.settle(); }
      tally = life.tally();
      if (story != nullptr) *story = life.story();
    } catch (const boost::execution_aborted&) {
      // What it could not go on without has been told.
      return false;
    }
  }
  return results.p_assertions_failed.get() == failed_before;
}

BOOST_AUTO_TEST_CASE(brief_lives_break_no_promise) {
  Effort lives("HOLDFAST_LIVES", kLivesByDefault);
  std::string broken;
  for (uint64_t seed = test_seed(); lives.another(); ++seed) {
    std::string tally;
    if (!holds(seed, tally)) broken += " " + std::to_string(seed);
    if (are_told()) std::cout << seed << ": " << tally << "\n";
  }
  std::cout << "lives " << lives.done() << "\n";
  BOOST_TEST(broken.empty(), "lives that broke a promise:" << broken);
}

// Without that no seed that is printed is worth anything.
BOOST_AUTO_TEST_CASE(a_life_is_repeated_by_its_seed) {
  std::string tally, tally_again, story, story_again;
  BOOST_TEST(holds(test_seed(), tally, &story));
  BOOST_TEST(holds(test_seed(), tally_again, &story_again));
  BOOST_TEST(tally == tally_again);
  BOOST_TEST(story == story_again);  // every decision and every access
}

}  // namespace
}  // namespace holdfast::testing
