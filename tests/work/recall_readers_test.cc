// Several threads that read the recalls of a group.
#include <algorithm>
#include <atomic>
#include <set>
#include <thread>

#include "daemon/work/recall_group.h"
#include "tests/work/recall_rig.h"

namespace holdfast {
namespace {

BOOST_AUTO_TEST_SUITE(recall_readers)

// What several threads read is what one reads, in parts that fill the group more than once.
BOOST_AUTO_TEST_CASE(several_readers_bring_the_same) {
  AskedRig rig(40, 3);
  if (rig.asked.empty()) return;
  rig.run_readers(3);
  BOOST_TEST(rig.staged() == 40);
  for (const TestCall& call : rig.calls) BOOST_TEST(rig.is_whole(call));
}

// While the lane's own thread is at its first recording another reads one: it would wait for ever
// otherwise.
BOOST_AUTO_TEST_CASE(another_thread_reads_while_the_lane_does) {
  AskedRig rig(6);
  if (rig.asked.empty()) return;
  const size_t before = rig.files_below(rig.config.standard.path).size();
  At wait("mkdir", 0, [&]() -> Status {
    while (rig.files_below(rig.config.standard.path).size() == before) std::this_thread::yield();
    return {};
  });
  Restorer restorer(rig.archive(), Tier::kWarm, 2);
  rig.turn(restorer, wait);
  BOOST_TEST(rig.staged() == 6);
}

// One bad recording in a pack, whoever reads it, keeps no other back, and is told as bad once. Of a
// time in which something was tried in vain no estimate is made.
BOOST_AUTO_TEST_CASE(a_bad_copy_among_several_readers_keeps_no_other_back) {
  AskedRig rig(9);
  if (rig.asked.empty()) return;
  const Recording bad = rig.recording(rig.calls[4]);
  const auto copy = std::find_if(bad.copies.begin(), bad.copies.end(),
                                 [](const CopyRow& one) { return one.tier == Tier::kWarm; });
  BOOST_REQUIRE(copy != bad.copies.end());
  const std::set<std::string> packs = rig.files_below(rig.config.warm.path);
  BOOST_REQUIRE(packs.size() == 1u);
  rig.flip_byte(*packs.begin(), copy->audio->offset.count + 600);
  rig.run_readers(3);
  BOOST_TEST(rig.staged() == 8);
  BOOST_TEST((rig.restore(rig.asked[4]).state == RestoreState::kFailed));
  for (size_t i = 0; i < rig.calls.size(); ++i) {
    for (const CopyRow& one : rig.recording(rig.calls[i]).copies)
      BOOST_TEST(((one.state == CopyState::kQuarantined) == (i == 4)));
    if (i != 4) BOOST_TEST(rig.is_whole(rig.calls[i]));
  }
  BOOST_TEST(rig.samples().empty());
}

// A stop among several readers: each is staged, or waits again, and no turn is kept.
BOOST_AUTO_TEST_CASE(a_stop_among_several_readers_leaves_nothing_begun) {
  AskedRig rig(12);
  if (rig.asked.empty()) return;
  std::atomic<bool> stop{false};
  At halt("fsync", 0, [&]() -> Status {  // the lane's: as it begins to read, or publishes
    stop = true;
    return {};
  });
  SideBySide readers(3);
  RecallGroup group(rig.archive(), rig.batch(), 0, readers);
  rig.faults.aim(&halt);
  group.run(*rig.io, stop);
  rig.faults.aim(nullptr);
  BOOST_TEST(stop);
  BOOST_TEST(rig.staged() > 0);
  BOOST_TEST(rig.staged() + rig.in_state(RestoreState::kQueued) == 12);
  for (const TestCall& call : rig.calls)
    BOOST_TEST(rig.archive().part_turns.try_take(rig.recording(call).recording_no).has_value());
  rig.run_readers(3);
  BOOST_TEST(rig.staged() == 12);
}

// The samples of an estimate tell the time that went by, once, however many threads and rounds
// shared it; a small recording has more of it than its bytes would give.
BOOST_AUTO_TEST_CASE(what_recalls_take_together_is_told_once) {
  constexpr int kCalls = 12;
  constexpr int kParts = 3;
  AskedRig rig(kCalls, kParts, FixtureOptions(), 2'000'000);
  if (rig.asked.empty()) return;
  class Steps final : public Faults {
   public:
    explicit Steps(ManualClock& clock) : clock_(clock) {}
    Status at(std::string_view point) override {
      if (point == "mkdir" || point == "rename") clock_.advance(Millis(7));  // the lane's alone
      return {};
    }
    size_t torn_bytes(size_t) override { return 0; }

   private:
    ManualClock& clock_;
  };
  Steps steps(rig.clock);
  Restorer restorer(rig.archive(), Tier::kWarm, 3);
  const int64_t before = rig.clock.monotonic().count;
  rig.turn(restorer, steps);
  const int64_t took = rig.clock.monotonic().count - before;
  BOOST_TEST(rig.staged() == kCalls);
  const std::vector<RecallSampleRow> samples = rig.samples();
  BOOST_TEST(samples.size() == size_t{kCalls});
  int64_t elapsed = 0;
  Bytes largest;
  for (const RecallSampleRow& sample : samples) {
    elapsed += sample.elapsed.count;
    largest = std::max(largest, sample.bytes);
    BOOST_TEST(sample.recordings == 1);
    BOOST_TEST(sample.elapsed.count >= took / (2 * kCalls));
  }
  BOOST_TEST(largest.count > 2'000'000);
  BOOST_TEST(elapsed == took);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace holdfast
