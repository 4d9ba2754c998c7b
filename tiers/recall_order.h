// Which recalls are served next, and in which order: pure.
//
// Each request has a latest start: requested_at + a share of its tier's bound
// (expedited 1/24, standard 1/4, bulk 1/2). The request with the earliest one
// leads, so age dominates: an old bulk request overtakes a new expedited one
// before its bound is in danger. The leader's medium is attached, and what else
// waits on that medium rides along in order of urgency up to the batch's bounds;
// the batch is then read in media order: by location, then by offset.
//
// Locations of one medium sort, as strings, in the order in which they lie on it.
#pragma once

#include <string>
#include <vector>

#include "base/rows.h"
#include "base/types.h"
#include "tiers/backend.h"

namespace holdfast {

struct QueuedRecall {
  RestoreId restore;
  MediumId medium;
  Tier tier = Tier::kWarm;  // of the medium
  PackId pack;
  PackLocation location;
  Bytes offset;  // of the first byte wanted within the pack
  Bytes length;  // up to the last
  RestorePriority priority = RestorePriority::kStandard;
  UnixMillis requested_at;
};

struct BatchBounds {
  int recalls_max = 256;              // a batch is reconsidered after this many
  Bytes bytes_max{int64_t{4} << 30};  // minutes of reading; the leader is taken whatever its size
};

struct RecallBatch {
  MediumId medium;
  std::vector<QueuedRecall> recalls;  // media order
};

// The latest moment at which the recall should start.
UnixMillis latest_start(const QueuedRecall& recall);

// The next batch; no recalls when the queue is empty. Media in `unavailable`
// (offline, or their session is taken) are passed over.
RecallBatch next_batch(const std::vector<QueuedRecall>& queue, const BatchBounds& bounds,
                       const std::vector<MediumId>& unavailable);

// The place (from 1) of queue[index] in the order of urgency, for the estimate.
int position_of(const std::vector<QueuedRecall>& queue, size_t index);

}  // namespace holdfast
