// However many ask for an overview, one worker looks, and nobody gets what was seen before he
// asked.
#include "daemon/api/overview_desk.h"

#include <algorithm>
#include <atomic>
#include <boost/test/unit_test.hpp>
#include <future>

#include "tests/support/archive_fixture.h"

using namespace holdfast;
using namespace holdfast::api;

namespace {

constexpr int64_t kRefused = -1;

// Looks wait for `gate`; each says in `rejected` which one it was.
struct DeskRig {
  std::unique_ptr<Loop> loop = must(Loop::create());
  std::atomic<int> looks{0};
  std::atomic<int> at_once{0};
  std::atomic<int> most_at_once{0};
  std::promise<void> gate;
  std::shared_future<void> opened = gate.get_future().share();
  bool fails = false;
  std::vector<int64_t> seen;
  size_t expected = 0;
  std::unique_ptr<Workers> workers = must(Workers::start(4, IoOptions()));
  std::shared_ptr<OverviewDesk> desk =
      std::make_shared<OverviewDesk>(*loop, *workers, [this](Io&) { return look(); });

  Result<Overview> look() {
    const int number = ++looks;
    most_at_once = std::max(most_at_once.load(), ++at_once);
    opened.wait();
    --at_once;
    if (fails) return Error{Code::kIo, "the disk is gone"};
    Overview overview;
    overview.rejected = number;
    return overview;
  }
  void ask() {
    desk->ask([this](const Result<Overview>& overview) {
      seen.push_back(overview.ok() ? overview->rejected : kRefused);
      if (seen.size() == expected) loop->stop();
    });
  }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(overview_desk)

BOOST_AUTO_TEST_CASE(one_look_at_a_time_whoever_asks) {
  DeskRig rig;
  rig.expected = kOverviewWaitersMax + 1;
  for (size_t i = 0; i < kOverviewWaitersMax; ++i) rig.ask();
  BOOST_TEST(rig.seen.empty());
  rig.ask();  // one too many, while the disk hangs
  BOOST_REQUIRE(rig.seen.size() == 1u);
  BOOST_TEST(rig.seen.front() == kRefused);
  rig.gate.set_value();
  rig.loop->run();
  BOOST_TEST(rig.looks == 2);
  BOOST_TEST(rig.most_at_once == 1);
  BOOST_TEST(rig.seen[1] == 1);  // who asked first
  // The others asked after that look had begun.
  BOOST_TEST(std::count(rig.seen.begin(), rig.seen.end(), 2) ==
             static_cast<int64_t>(kOverviewWaitersMax) - 1);
}

BOOST_AUTO_TEST_CASE(a_failure_is_told_to_all_and_the_next_question_looks_again) {
  DeskRig rig;
  rig.fails = true;
  rig.gate.set_value();
  rig.desk->ask([&](const Result<Overview>& first) {
    BOOST_TEST(!first.ok());
    rig.expected = 2;
    rig.ask();
    rig.ask();
  });
  rig.loop->run();
  BOOST_TEST(rig.looks >= 2);
  BOOST_TEST((rig.seen == std::vector<int64_t>{kRefused, kRefused}));
}

BOOST_AUTO_TEST_SUITE_END()
