// The states of a recording that a test looks at: all, or so many of each cut, chosen by seed.
#pragma once

#include <boost/test/unit_test.hpp>
#include <functional>
#include <set>
#include <string>

#include "tests/support/effort.h"
#include "tests/support/recorded_disk.h"
#include "tests/support/seeded_random.h"

namespace holdfast::testing {

// HOLDFAST_STATES says how many of each cut (0: all of them; some_states() says of which not).
inline size_t states_a_cut(size_t otherwise) {
  return static_cast<size_t>(number_from("HOLDFAST_STATES", static_cast<int>(otherwise)));
}

// Builds each different state below `path` and shows it to `look` with the marks that were made
// before it. Always the first two of a cut (nothing, everything). Returns how many there were.
inline size_t each_state(const Recording& recording, const std::string& path, size_t most_of_a_cut,
                         const std::function<void(const std::set<int>& marks)>& look) {
  const CrashStates crashes(recording);
  SeededRandom random;
  std::set<std::pair<std::string, std::set<int>>> seen;
  for (const size_t cut : crashes.cuts()) {
    std::set<int> marks;
    for (const auto& [what, operations] : recording.marks)
      if (operations <= cut) marks.insert(what);
    for (const CrashState& state : crashes.some_states(cut, most_of_a_cut, random)) {
      const DiskImage image = crashes.image(state);
      if (!seen.insert({image.text(), marks}).second) continue;
      image.build(path);
      BOOST_TEST_CONTEXT(crashes.text(state)) { look(marks); }
    }
  }
  return seen.size();
}

}  // namespace holdfast::testing
