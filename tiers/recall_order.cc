#include "tiers/recall_order.h"

#include <algorithm>
#include <tuple>

#include "tiers/estimate.h"

namespace holdfast {
namespace {

// The share of the tier's bound after which a recall should have started.
int64_t allowance_seconds(const QueuedRecall& recall) {
  const int64_t bound = bound_seconds(recall.tier);
  switch (recall.priority) {
    case RestorePriority::kExpedited:
      return bound / 24;
    case RestorePriority::kStandard:
      return bound / 4;
    case RestorePriority::kBulk:
      break;
  }
  return bound / 2;
}

// Most urgent first; ties by priority, then by id, so that the order is one.
bool more_urgent(const QueuedRecall& a, const QueuedRecall& b) {
  return std::tuple(latest_start(a), a.priority, a.restore) <
         std::tuple(latest_start(b), b.priority, b.restore);
}

bool earlier_on_medium(const QueuedRecall& a, const QueuedRecall& b) {
  return std::tie(a.location, a.offset, a.restore) < std::tie(b.location, b.offset, b.restore);
}

}  // namespace

UnixMillis latest_start(const QueuedRecall& recall) {
  return recall.requested_at + seconds(allowance_seconds(recall));
}

RecallBatch next_batch(const std::vector<QueuedRecall>& queue, const BatchBounds& bounds,
                       const std::vector<MediumId>& unavailable) {
  std::vector<const QueuedRecall*> waiting;
  for (const QueuedRecall& recall : queue)
    if (std::find(unavailable.begin(), unavailable.end(), recall.medium) == unavailable.end())
      waiting.push_back(&recall);
  RecallBatch batch;
  if (waiting.empty()) return batch;
  std::sort(waiting.begin(), waiting.end(),
            [](const QueuedRecall* a, const QueuedRecall* b) { return more_urgent(*a, *b); });

  batch.medium = waiting.front()->medium;
  Bytes taken;
  for (const QueuedRecall* recall : waiting) {
    if (recall->medium != batch.medium) continue;
    const bool leader = batch.recalls.empty();
    // The bound ends the batch rather than skipping what is too large for the rest of it:
    // skipping would let small recalls overtake a large one again and again.
    if (!leader && taken + recall->length > bounds.bytes_max) break;
    if (static_cast<int>(batch.recalls.size()) >= bounds.recalls_max) break;
    taken += recall->length;
    batch.recalls.push_back(*recall);
  }
  std::sort(batch.recalls.begin(), batch.recalls.end(), earlier_on_medium);
  return batch;
}

int position_of(const std::vector<QueuedRecall>& queue, size_t index) {
  return 1 +
         static_cast<int>(std::count_if(queue.begin(), queue.end(), [&](const QueuedRecall& other) {
           return more_urgent(other, queue[index]);
         }));
}

}  // namespace holdfast
