#include "tiers/recall_order.h"

#include <algorithm>
#include <map>
#include <set>
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

bool older(const QueuedRecall& a, const QueuedRecall& b) {
  return std::tuple(a.requested_at, a.priority, a.restore) <
         std::tuple(b.requested_at, b.priority, b.restore);
}

// By turns the oldest and the next of the workspaces' rounds.
std::vector<const QueuedRecall*> riders(std::vector<const QueuedRecall*> waiting) {
  std::vector<const QueuedRecall*> by_age = waiting;
  std::sort(by_age.begin(), by_age.end(),
            [](const auto* a, const auto* b) { return older(*a, *b); });
  std::sort(waiting.begin(), waiting.end(),
            [](const auto* a, const auto* b) { return more_urgent(*a, *b); });
  std::map<WorkspaceId, int> served;
  std::vector<std::pair<int, const QueuedRecall*>> rounds;
  rounds.reserve(waiting.size());
  for (const QueuedRecall* recall : waiting)
    rounds.emplace_back(served[recall->workspace]++, recall);
  std::stable_sort(rounds.begin(), rounds.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<const QueuedRecall*> order;
  std::set<const QueuedRecall*> taken;
  for (size_t i = 0; i < waiting.size(); ++i)
    for (const QueuedRecall* next : {rounds[i].second, by_age[i]})
      if (taken.insert(next).second) order.push_back(next);
  return order;
}

bool earlier_on_medium(const QueuedRecall& a, const QueuedRecall& b) {
  return std::tie(a.location, a.offset, a.restore) < std::tie(b.location, b.offset, b.restore);
}

}  // namespace

UnixMillis latest_start(const QueuedRecall& recall) {
  return recall.requested_at + seconds(allowance_seconds(recall));
}

RecallBatch next_batch(const std::vector<QueuedRecall>& queue, const BatchBounds& bounds,
                       const std::vector<MediumId>& unavailable, uint64_t turn) {
  std::vector<const QueuedRecall*> waiting;
  for (const QueuedRecall& recall : queue)
    if (std::find(unavailable.begin(), unavailable.end(), recall.medium) == unavailable.end())
      waiting.push_back(&recall);
  RecallBatch batch;
  if (waiting.empty()) return batch;
  const bool by_age = turn % 2 == 1;
  const QueuedRecall* leader = *std::min_element(
      waiting.begin(), waiting.end(),
      [&](const auto* a, const auto* b) { return (by_age ? older : more_urgent)(*a, *b); });
  batch.medium = leader->medium;
  if (leader->staged > bounds.room) {
    batch.waits_for_room = leader->restore;
    return batch;
  }
  std::erase_if(waiting, [&](const QueuedRecall* recall) {
    return recall == leader || recall->medium != batch.medium;
  });
  batch.recalls.push_back(*leader);
  Bytes taken = leader->length;
  Bytes staged = leader->staged;
  for (const QueuedRecall* recall : riders(std::move(waiting))) {
    // A bound ends the batch rather than skipping what is too large for the rest of it: skipping
    // would let small recalls overtake a large one again and again.
    if (taken + recall->length > bounds.bytes_max || staged + recall->staged > bounds.room) break;
    if (static_cast<int>(batch.recalls.size()) >= bounds.recalls_max) break;
    taken += recall->length;
    staged += recall->staged;
    batch.recalls.push_back(*recall);
  }
  std::sort(batch.recalls.begin(), batch.recalls.end(), earlier_on_medium);
  return batch;
}

std::vector<size_t> service_order(const std::vector<QueuedRecall>& queue, const BatchBounds& bounds,
                                  uint64_t turn) {
  std::map<RestoreId, size_t> left;
  for (size_t i = 0; i < queue.size(); ++i) left.emplace(queue[i].restore, i);
  std::vector<size_t> order;
  std::vector<QueuedRecall> waiting = queue;
  for (int batches = 0; batches < kForecastBatchesMax && !waiting.empty(); ++batches) {
    const RecallBatch batch =
        next_batch(waiting, bounds, {}, turn + static_cast<uint64_t>(batches));
    if (batch.recalls.empty()) break;  // no room for the leader: nobody can say until when
    for (const QueuedRecall& recall : batch.recalls) {
      const auto found = left.find(recall.restore);
      order.push_back(found->second);
      left.erase(found);
    }
    std::erase_if(waiting, [&](const QueuedRecall& one) { return !left.contains(one.restore); });
  }
  std::sort(waiting.begin(), waiting.end(), older);
  for (const QueuedRecall& recall : waiting) order.push_back(left.at(recall.restore));
  return order;
}

}  // namespace holdfast
