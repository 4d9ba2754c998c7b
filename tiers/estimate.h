// How long a restore will take: a median and a pessimistic 95th percentile from
// what this back-end took lately, and the queue ahead.
//
// A recall of b bytes is modelled as expected(b) = fixed + b / rate, with a
// conservative prior for each tier, times how many times slower or faster than
// that the back-end has been: a weighted quantile of measured/expected over the
// recent samples. The newest sample weighs 1 and each older one 0.8 of the next:
// the last five hold 67 % of the weight, so a back-end that slows tenfold has
// moved p95 after one recall and the median after four.
#pragma once

#include <cstdint>
#include <vector>

#include "base/rows.h"
#include "base/types.h"

namespace holdfast {

// One finished recall.
struct RecallSample {
  Millis attach;  // what the session's opening took; 0 when it was open already
  Millis recall;  // from the first request to the last byte, without `attach`
  Bytes bytes;
};

// What is asked of a back-end without a history.
struct RecallPrior {
  Millis attach;
  Millis fixed;  // per recall
  int64_t bytes_per_second;
};
// warm: 0 s, 1 s, 20 MB/s (a busy HDD). cold: `attach_time` + 60 s, 30 s, 10 MB/s.
// standard: nothing to recall; all zero but the rate.
RecallPrior recall_prior(Tier tier, Millis attach_time);

// A recall of `bytes` by the prior: attaching is not in it.
double expected_recall_ms(const RecallPrior& prior, Bytes bytes);

// The restores that will be served before this one.
struct RecallsAhead {
  int recalls = 0;
  Bytes bytes;
  int attaches = 0;  // media to be attached before and for this one
};

struct RestoreEstimate {
  int64_t median_seconds = 0;  // 1 or more
  int64_t p95_seconds = 0;     // not less than the median
  int position = 1;            // place in the queue, from 1
};

// 3 h for warm, 12 h for cold (limits.h): what users are promised.
int64_t bound_seconds(Tier tier);

// `samples` are oldest first; only the newest 64 are looked at. `bytes` are this
// recall's own. Neither number is over the tier's bound.
RestoreEstimate estimate_restore(Tier tier, const RecallPrior& prior,
                                 const std::vector<RecallSample>& samples,
                                 const RecallsAhead& ahead, Bytes bytes);

}  // namespace holdfast
