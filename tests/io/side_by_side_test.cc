// The same work by several threads, for a caller that somebody watches.
#include "io/side_by_side.h"

#include <atomic>
#include <set>
#include <thread>

#include "tests/support/must.h"

namespace holdfast {
namespace {

BOOST_AUTO_TEST_SUITE(side_by_side)

BOOST_AUTO_TEST_CASE(all_work_at_once_each_with_its_own_io) {
  const auto io = must(Io::open());
  SideBySide three(3);
  for (int turn = 0; turn < 2; ++turn) {
    std::atomic<int> there{0};
    std::atomic<int> of_lane{0};
    three.run(*io, 8, [&](Io& own) {
      if (&own == io.get()) ++of_lane;
      ++there;
      while (there < 3) std::this_thread::yield();  // for ever, when one is missing
    });
    BOOST_TEST(there == 3);
    BOOST_TEST(of_lane == 1);
  }
}

BOOST_AUTO_TEST_CASE(no_more_than_are_wanted) {
  const auto io = must(Io::open());
  SideBySide three(3);
  for (const int most : {0, 1, 2}) {
    std::atomic<int> there{0};
    three.run(*io, most, [&](Io&) { ++there; });
    BOOST_TEST(there == std::max(most, 1));
  }
}

// While the lane waits it beats as long as another does.
BOOST_AUTO_TEST_CASE(the_lane_beats_for_the_others) {
  const auto io = must(Io::open());
  SideBySide two(2);
  const uint64_t before = io->pulse().beats();
  two.run(*io, 2, [&](Io& own) {
    if (&own == io.get()) return;
    while (io->pulse().beats() == before) {  // for ever, when nobody beats for it
      own.pulse().beat();
      std::this_thread::yield();
    }
  });
  BOOST_TEST(io->pulse().beats() > before);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace holdfast
