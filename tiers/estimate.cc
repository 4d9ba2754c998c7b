#include "tiers/estimate.h"

#include <algorithm>
#include <cassert>
#include <cmath>

#include "base/limits.h"

namespace holdfast {
namespace {

constexpr size_t kSamplesMax = 64;    // the 64th weighs less than a millionth of the newest
constexpr double kOlderWeight = 0.8;  // of a sample, against the next newer one
constexpr double kMedian = 0.5;
constexpr double kPessimistic = 0.95;

struct Weighed {
  double value;
  double weight;
};

// The smallest value with at least `share` of the weight at or below it.
double quantile(std::vector<Weighed> values, double share) {
  assert(!values.empty());
  std::sort(values.begin(), values.end(),
            [](const Weighed& a, const Weighed& b) { return a.value < b.value; });
  double total = 0;
  for (const Weighed& value : values) total += value.weight;
  double seen = 0;
  for (const Weighed& value : values) {
    seen += value.weight;
    if (seen >= share * total) return value.value;
  }
  return values.back().value;
}

double expected_ms(const RecallPrior& prior, double recalls, Bytes bytes) {
  return recalls * static_cast<double>(prior.fixed.count) +
         static_cast<double>(bytes.count) * 1000.0 / static_cast<double>(prior.bytes_per_second);
}

int64_t whole_seconds(double ms, int64_t bound) {
  const double seconds = std::ceil(ms / 1000.0);
  if (seconds >= static_cast<double>(bound)) return bound;
  return std::max<int64_t>(1, static_cast<int64_t>(seconds));
}

}  // namespace

RecallPrior recall_prior(Tier tier, Millis attach_time) {
  switch (tier) {
    case Tier::kStandard:
      return RecallPrior{Millis(0), Millis(0), 100'000'000};
    case Tier::kWarm:
      return RecallPrior{Millis(0), seconds(1), 20'000'000};
    case Tier::kCold:
      break;
  }
  return RecallPrior{Millis(attach_time.count + 60'000), seconds(30), 10'000'000};
}

int64_t bound_seconds(Tier tier) {
  switch (tier) {
    case Tier::kStandard:
      return 1;
    case Tier::kWarm:
      return limits::kWarmBoundSeconds;
    case Tier::kCold:
      break;
  }
  return limits::kColdBoundSeconds;
}

double expected_recall_ms(const RecallPrior& prior, Bytes bytes) {
  return expected_ms(prior, 1, bytes);
}

RestoreEstimate estimate_restore(Tier tier, const RecallPrior& prior,
                                 const std::vector<RecallSample>& samples,
                                 const RecallsAhead& ahead, Bytes bytes) {
  assert(prior.bytes_per_second > 0);
  std::vector<Weighed> slowness;  // measured / expected
  std::vector<Weighed> attaches;  // ms, of sessions that had to be opened
  double weight = 1;
  const size_t used = std::min(samples.size(), kSamplesMax);
  for (size_t i = 0; i < used; ++i, weight *= kOlderWeight) {
    const RecallSample& sample = samples[samples.size() - 1 - i];
    const double expected = std::max(1.0, expected_recall_ms(prior, sample.bytes));
    slowness.push_back({static_cast<double>(sample.recall.count) / expected, weight});
    if (sample.attach.count > 0)
      attaches.push_back({static_cast<double>(sample.attach.count), weight});
  }

  const double work = expected_ms(prior, ahead.recalls + 1, ahead.bytes + bytes);
  const auto total_ms = [&](double share) {
    const double slow = slowness.empty() ? 1.0 : quantile(slowness, share);
    const double attach =
        attaches.empty() ? static_cast<double>(prior.attach.count) : quantile(attaches, share);
    return slow * work + attach * ahead.attaches;
  };
  // Without a history nothing is known of the spread: twice the prior is the pessimist's answer.
  const double doubt = slowness.empty() ? 2.0 : 1.0;
  const int64_t bound = bound_seconds(tier);
  RestoreEstimate estimate;
  estimate.median_seconds = whole_seconds(total_ms(kMedian), bound);
  estimate.p95_seconds =
      std::max(estimate.median_seconds, whole_seconds(doubt * total_ms(kPessimistic), bound));
  estimate.position = ahead.recalls + 1;
  return estimate;
}

}  // namespace holdfast
