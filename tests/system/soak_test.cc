// A soak: mixed load on a simulated archive, every promise asserted on the way and at the end.
//
// HOLDFAST_SOAK_STEPS says how long (default 3,000: some months of the archive; 500 in a sanitizer
// build); HOLDFAST_TEST_SEED repeats a life.
#include <boost/test/unit_test.hpp>
#include <cstdlib>
#include <iostream>

#include "tests/support/sanitized.h"
#include "tests/system/simulated_life.h"

namespace holdfast::testing {
namespace {

constexpr int kStepsByDefault = kSanitized ? 500 : 3000;

int steps() {
  const char* given = std::getenv("HOLDFAST_SOAK_STEPS");
  return given != nullptr ? std::atoi(given) : kStepsByDefault;
}

BOOST_AUTO_TEST_CASE(weeks_of_mixed_load_break_no_promise) {
  SimulatedLife life;
  if (!life.can_live()) return;
  for (int n = 0; n < steps(); ++n) {
    BOOST_TEST_CONTEXT("step " << n) {
      life.step();
      life.check();
    }
  }
  life.settle();
  std::cout << life.tally() << "\n";
  if (steps() < kStepsByDefault) return;  // perhaps too short for all of it
  for (const char* what : {"expired", "breaker closed", "refused to shorten", "gone by its end"})
    BOOST_TEST(life.did(what), "nothing was: " << what);
}

}  // namespace
}  // namespace holdfast::testing
