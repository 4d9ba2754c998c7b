// The restore's estimate follows the back-end.
#include "tiers/estimate.h"

#include <boost/test/unit_test.hpp>

#include "tests/support/seeded_random.h"

using namespace holdfast;

namespace {

constexpr Bytes kRecallBytes(20'000'000);

// `count` recalls that took about `recall_ms`, with up to ± 10 % of noise.
void add(std::vector<RecallSample>& samples, SeededRandom& random, int count, int64_t recall_ms,
         int64_t attach_ms) {
  for (int i = 0; i < count; ++i) {
    const auto noise = static_cast<int64_t>(random.below(21)) - 10;
    samples.push_back(
        {Millis(attach_ms), Millis(recall_ms + recall_ms * noise / 100), kRecallBytes});
  }
}

RestoreEstimate alone(Tier tier, const std::vector<RecallSample>& samples, int attaches = 0) {
  RecallsAhead ahead;
  ahead.attaches = attaches;
  return estimate_restore(tier, recall_prior(tier, seconds(0)), samples, ahead, kRecallBytes);
}

}  // namespace

BOOST_AUTO_TEST_CASE(without_a_history_the_prior_speaks) {
  // warm: 1 s + 20 MB at 20 MB/s; the pessimist says twice that.
  const RestoreEstimate warm = alone(Tier::kWarm, {});
  BOOST_TEST(warm.median_seconds == 2);
  BOOST_TEST(warm.p95_seconds == 4);
  BOOST_TEST(warm.position == 1);
  // cold: attach (90 s + 60 s), 30 s + 20 MB at 10 MB/s.
  RecallsAhead ahead;
  ahead.attaches = 1;
  const RestoreEstimate cold = estimate_restore(Tier::kCold, recall_prior(Tier::kCold, seconds(90)),
                                                {}, ahead, kRecallBytes);
  BOOST_TEST(cold.median_seconds == 182);
  BOOST_TEST(cold.p95_seconds == 364);
}

BOOST_AUTO_TEST_CASE(a_steady_back_end_is_estimated_within_its_noise) {
  SeededRandom random;
  std::vector<RecallSample> samples;
  add(samples, random, 200, 10'000, 0);
  const RestoreEstimate estimate = alone(Tier::kWarm, samples);
  BOOST_TEST(estimate.median_seconds >= 9);
  BOOST_TEST(estimate.median_seconds <= 11);
  BOOST_TEST(estimate.p95_seconds >= estimate.median_seconds);
  BOOST_TEST(estimate.p95_seconds <= 12);
}

BOOST_AUTO_TEST_CASE(a_back_end_that_slows_tenfold_moves_both_within_five_recalls) {
  SeededRandom random;
  for (const int history : {1, 10, 64, 500}) {
    std::vector<RecallSample> samples;
    add(samples, random, history, 10'000, 0);
    add(samples, random, 5, 100'000, 0);
    const RestoreEstimate slow = alone(Tier::kWarm, samples);
    BOOST_TEST(slow.median_seconds >= 90, "after a history of " << history);
    BOOST_TEST(slow.p95_seconds >= 90, "after a history of " << history);
    // And back again, as fast.
    add(samples, random, 5, 10'000, 0);
    BOOST_TEST(alone(Tier::kWarm, samples).median_seconds <= 11);
  }
}

BOOST_AUTO_TEST_CASE(one_slow_recall_moves_the_pessimist_alone) {
  SeededRandom random;
  std::vector<RecallSample> samples;
  add(samples, random, 100, 10'000, 0);
  add(samples, random, 1, 100'000, 0);
  const RestoreEstimate estimate = alone(Tier::kWarm, samples);
  BOOST_TEST(estimate.median_seconds <= 11);
  BOOST_TEST(estimate.p95_seconds >= 90);
}

BOOST_AUTO_TEST_CASE(the_queue_and_the_attaching_are_counted) {
  SeededRandom random;
  std::vector<RecallSample> samples;
  add(samples, random, 50, 10'000, 120'000);
  const int64_t without = alone(Tier::kCold, samples, 0).median_seconds;
  const int64_t with = alone(Tier::kCold, samples, 1).median_seconds;
  BOOST_TEST(with - without == 120);

  RecallsAhead ahead;
  ahead.recalls = 9;
  ahead.bytes = Bytes(9 * kRecallBytes.count);
  const RestoreEstimate last = estimate_restore(Tier::kCold, recall_prior(Tier::kCold, seconds(0)),
                                                samples, ahead, kRecallBytes);
  BOOST_TEST(last.position == 10);
  BOOST_TEST(last.median_seconds >= 9 * without);
  BOOST_TEST(last.median_seconds <= 10 * without + 1);
}

BOOST_AUTO_TEST_CASE(no_estimate_is_over_the_bound_or_under_a_second) {
  RecallsAhead endless;
  endless.recalls = 1'000'000;
  endless.bytes = Bytes(int64_t{1} << 60);
  endless.attaches = 1'000;
  for (const Tier tier : {Tier::kWarm, Tier::kCold}) {
    const RestoreEstimate most =
        estimate_restore(tier, recall_prior(tier, hours(20)), {}, endless, kRecallBytes);
    BOOST_TEST(most.median_seconds == bound_seconds(tier));
    BOOST_TEST(most.p95_seconds == bound_seconds(tier));
    const RestoreEstimate least =
        estimate_restore(tier, recall_prior(tier, hours(0)), {{Millis(0), Millis(0), Bytes(0)}},
                         RecallsAhead(), Bytes(0));
    BOOST_TEST(least.median_seconds == 1);
    BOOST_TEST(least.p95_seconds == 1);
  }
  BOOST_TEST(bound_seconds(Tier::kWarm) == 3 * 3600);
  BOOST_TEST(bound_seconds(Tier::kCold) == 12 * 3600);
}
