#include "daemon/work/recall_forecast.h"

#include <algorithm>

#include "daemon/work/recall_queue.h"
#include "index/read/restores.h"

namespace holdfast {
namespace {

constexpr UnixMillis kEndOfTime(INT64_MAX);
constexpr size_t kShortQueue = 64;  // looking at fewer costs less than a millisecond
constexpr Millis kLookLife = seconds(1);

RestoreEstimate no_wait() { return RestoreEstimate{0, 0, 0}; }

// Media attached up to each of a queue in its order; the first one counts.
std::vector<int> count_attaches(const std::vector<QueuedRecall>& queue) {
  std::vector<int> attaches;
  for (size_t i = 0; i < queue.size(); ++i) {
    const bool same = i > 0 && queue[i].medium == queue[i - 1].medium;
    attaches.push_back((i > 0 ? attaches.back() : 0) + (same ? 0 : 1));
  }
  return attaches;
}

}  // namespace

Result<QueuedRecall> RecallForecast::queued(const RestoreRow& row) {
  QueuedRecall recall;
  recall.restore = row.restore;
  recall.tier = row.tier;
  recall.workspace = row.workspace;
  recall.priority = row.priority;
  recall.requested_at = row.requested_at;
  if (row.medium) recall.medium = *row.medium;
  if (row.pack) recall.pack = *row.pack;
  HOLDFAST_ASSIGN(place, recall_place(index_, row));
  if (place) {
    recall.location = place->location;
    recall.offset = place->offset;
    recall.length = place->length;
  }
  return recall;
}

Result<RecallForecast::Lane> RecallForecast::look(Tier tier) {
  const RecallBoard::Lane board = archive_.recalls.lane(tier);
  HOLDFAST_ASSIGN(rows, recalls_under_way(index_, tier, kUnderWay));
  const ReadyShare share;
  HOLDFAST_ASSIGN(ready, ready_restores(index_, tier, kEndOfTime, share));
  Lane lane;
  lane.turn = board.next_turn;
  if (static_cast<int>(ready.rows.size()) >= share.oldest) {
    HOLDFAST_ASSIGN(length, queue_length(index_, tier));
    lane.is_whole = length <= static_cast<int64_t>(ready.rows.size());
  }
  if (!lane.is_whole) {
    HOLDFAST_ASSIGN(counts, queue_by_workspace(index_, tier));
    lane.by_workspace = std::move(counts);
  }
  rows.insert(rows.end(), ready.rows.begin(), ready.rows.end());

  std::map<RestoreId, std::pair<QueuedRecall, Bytes>> seen;
  for (const RestoreRow& row : rows) {
    HOLDFAST_ASSIGN(recall, queued(row));
    Bytes left = row.bytes;
    if (const auto progress = archive_.recalls.progress(row.restore))
      left = Bytes(std::max<int64_t>(0, progress->total.count - progress->done.count));
    seen.emplace(row.restore, std::pair(std::move(recall), left));
  }
  const auto append = [&](const QueuedRecall& recall, Bytes left) {
    lane.places.emplace(recall.restore, lane.queue.size());
    lane.queue.push_back(recall);
    lane.bytes.push_back(left);
  };
  std::map<RestoreId, Bytes> left_of;
  for (const RestoreId& restore : board.batch) {
    const auto found = seen.find(restore);
    if (found == seen.end()) continue;  // done
    append(found->second.first, found->second.second);
    seen.erase(found);
  }
  lane.begun = lane.queue.size();
  for (const auto& [restore, one] : seen) {
    lane.waiting.push_back(one.first);
    left_of.emplace(restore, one.second);
  }
  for (size_t i : service_order(lane.waiting, BatchBounds(), lane.turn))
    append(lane.waiting[i], left_of.at(lane.waiting[i].restore));
  lane.attaches = count_attaches(lane.queue);
  return lane;
}

bool RecallForecast::is_good(const Lane& lane, const RestoreId* wanted) const {
  if (use_ == For::kOneAnswer) return true;
  if (lane.queue.size() < kShortQueue) return false;
  if (archive_.clock.monotonic().count - lane.looked_at.count >= kLookLife.count) return false;
  // What came since is far behind in a long queue, and missed in one that was seen to its end.
  return wanted == nullptr || !lane.is_whole || lane.places.contains(*wanted);
}

Result<RecallForecast::Lane*> RecallForecast::lane(Tier tier, const RestoreId* wanted) {
  const auto known = lanes_.find(tier);
  if (known != lanes_.end() && is_good(known->second, wanted)) return &known->second;
  samples_.clear();
  HOLDFAST_ASSIGN(looked, look(tier));
  looked.looked_at = archive_.clock.monotonic();
  return &lanes_.insert_or_assign(tier, std::move(looked)).first->second;
}

// Of a queue that a look did not see to its end.
Result<RecallsAhead> RecallForecast::beyond(const Lane& lane, const QueuedRecall& recall) {
  QueuePart part;
  part.asked_before = recall.requested_at;
  HOLDFAST_ASSIGN(older, queue_length(index_, recall.tier, part));
  // Its place among its workspace's own, by urgency, is the round that it is in.
  int64_t round = 1;
  QueuedRecall other = recall;
  other.requested_at = UnixMillis(0);
  for (RestorePriority priority :
       {RestorePriority::kExpedited, RestorePriority::kStandard, RestorePriority::kBulk}) {
    other.priority = priority;
    part.group = QueuePart::Group{recall.workspace, priority};
    part.asked_before = UnixMillis(latest_start(recall).count - latest_start(other).count);
    HOLDFAST_ASSIGN(more_urgent, queue_length(index_, recall.tier, part));
    round += more_urgent;
  }
  int64_t in_rounds = 0;
  int64_t all = 0;
  for (int64_t count : lane.by_workspace) {
    in_rounds += std::min(count, round);
    all += count;
  }
  const auto served_after = [&](int64_t place) {
    const auto a = static_cast<double>(std::min(place, all));
    return static_cast<int64_t>(2 * a - a * a / std::max(1.0, static_cast<double>(all)));
  };
  const int64_t place = std::min(served_after(older), served_after(in_rounds));
  RecallsAhead ahead;
  ahead.recalls = static_cast<int>(lane.begun) +
                  static_cast<int>(std::max<int64_t>(place, BatchBounds().recalls_max));
  for (Bytes bytes : lane.bytes) ahead.bytes += bytes;
  const auto seen = static_cast<int64_t>(lane.queue.size());
  if (seen > 0) ahead.bytes = Bytes(ahead.bytes.count / seen * ahead.recalls);
  ahead.attaches = lane.attaches.empty() ? 1 : lane.attaches.back();
  return ahead;
}

Result<RestoreEstimate> RecallForecast::of(const RestoreRow& restore) {
  const bool is_queued = restore.state == RestoreState::kQueued;
  if (!is_queued && restore.state != RestoreState::kRecalling) return no_wait();
  if (!restore.medium) return no_wait();  // no copy is left: the lane is about to say so
  HOLDFAST_ASSIGN(its_lane, lane(restore.tier, &restore.restore));
  RecallsAhead ahead;
  Bytes own = restore.bytes;
  const auto place = its_lane->places.find(restore.restore);
  const bool is_near =
      place != its_lane->places.end() &&
      (its_lane->is_whole || place->second < its_lane->begun + size_t{BatchBounds().recalls_max});
  if (!is_near) {
    HOLDFAST_ASSIGN(recall, queued(restore));
    HOLDFAST_ASSIGN(far, beyond(*its_lane, recall));
    ahead = far;
  } else {
    ahead.recalls = static_cast<int>(place->second);
    ahead.attaches = its_lane->attaches[place->second];
    for (size_t i = 0; i < place->second; ++i) ahead.bytes += its_lane->bytes[i];
    own = its_lane->bytes[place->second];
  }
  HOLDFAST_ASSIGN(estimate, measured(*restore.medium, restore.tier, ahead, own));
  // Until it may be tried again nothing is done for it.
  const int64_t pause =
      is_queued ? (restore.not_before.count - archive_.clock.now().count + 999) / 1000 : 0;
  if (pause > 0) {
    const int64_t bound = bound_seconds(restore.tier);
    estimate.median_seconds = std::min(bound, std::max(estimate.median_seconds, pause));
    estimate.p95_seconds = std::min(bound, std::max(estimate.p95_seconds, pause));
  }
  // What is told at the request is what the time it took is held against.
  if (archive_.clock.now() - restore.requested_at < minutes(1))
    archive_.meters.estimates.note(restore.restore, estimate.median_seconds);
  return estimate;
}

Result<RestoreEstimate> RecallForecast::if_asked(const Recording& recording) {
  const CopyRow* copy = best_pack_copy(recording, 1);
  if (copy == nullptr) return no_wait();
  const Tier tier = std::max(Tier::kWarm, copy->tier);
  HOLDFAST_ASSIGN(its_lane, lane(tier, nullptr));
  QueuedRecall asked;
  asked.tier = tier;
  asked.medium = copy->medium;
  asked.pack = *copy->pack;
  asked.location = copy->location;
  asked.offset = copy->audio->offset;
  asked.length = copy->audio->length;
  asked.workspace = recording.workspace;
  asked.requested_at = archive_.clock.now();
  asked.restore = archive_.random.id<RestoreId>();
  RecallsAhead ahead;
  const std::vector<QueuedRecall>& queue = its_lane->queue;
  if (!its_lane->is_whole) {
    HOLDFAST_ASSIGN(far, beyond(*its_lane, asked));
    ahead = far;
  } else {
    std::vector<QueuedRecall> with_it = its_lane->waiting;
    with_it.push_back(asked);
    const std::vector<size_t> order = service_order(with_it, BatchBounds(), its_lane->turn);
    std::vector<QueuedRecall> before(queue.begin(),
                                     queue.begin() + static_cast<ptrdiff_t>(its_lane->begun));
    for (size_t i : order) {
      before.push_back(with_it[i]);
      if (i + 1 == with_it.size()) break;
    }
    ahead.recalls = static_cast<int>(before.size()) - 1;
    ahead.attaches = count_attaches(before).back();
    for (const QueuedRecall& one : before)
      if (const auto known = its_lane->places.find(one.restore); known != its_lane->places.end())
        ahead.bytes += its_lane->bytes[known->second];
  }
  return measured(copy->medium, tier, ahead, recording.bytes);
}

Result<RestoreEstimate> RecallForecast::measured(const MediumId& medium, Tier tier,
                                                 const RecallsAhead& ahead, Bytes bytes) {
  auto known = samples_.find(medium);
  if (known == samples_.end()) {
    HOLDFAST_ASSIGN(rows, recall_samples(index_, medium));
    std::vector<RecallSample> samples;
    for (auto row = rows.rbegin(); row != rows.rend(); ++row)
      samples.push_back({row->attach, Millis(row->elapsed.count - row->attach.count), row->bytes});
    known = samples_.emplace(medium, std::move(samples)).first;
  }
  const Millis attach = archive_.config().cold ? archive_.config().cold->attach_time : Millis(0);
  return estimate_restore(tier, recall_prior(tier, attach), known->second, ahead, bytes);
}

}  // namespace holdfast
