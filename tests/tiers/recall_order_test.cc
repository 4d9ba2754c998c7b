// Recalls are grouped by medium, read in media order, and none starves.
#include "tiers/recall_order.h"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <map>

#include "tests/support/seeded_random.h"
#include "tiers/estimate.h"

using namespace holdfast;

namespace {

constexpr UnixMillis kStart(1'790'000'000'000);

struct Queue {
  SeededRandom random;
  std::vector<MediumId> media{random.id<MediumId>(), random.id<MediumId>(), random.id<MediumId>()};
  std::vector<QueuedRecall> waiting;

  QueuedRecall make(size_t medium, const std::string& location, int64_t offset,
                    RestorePriority priority, UnixMillis at) {
    QueuedRecall recall;
    recall.restore = random.id<RestoreId>();
    recall.medium = media[medium];
    recall.tier = Tier::kCold;
    recall.pack = random.id<PackId>();
    recall.location = location;
    recall.offset = Bytes(offset);
    recall.length = Bytes(1'000'000);
    recall.priority = priority;
    recall.requested_at = at;
    return recall;
  }
  void add(size_t medium, const std::string& location, int64_t offset,
           RestorePriority priority = RestorePriority::kStandard, UnixMillis at = kStart) {
    waiting.push_back(make(medium, location, offset, priority, at));
  }
};

}  // namespace

BOOST_AUTO_TEST_CASE(an_empty_queue_gives_an_empty_batch) {
  BOOST_TEST(next_batch({}, BatchBounds(), {}).recalls.empty());
}

BOOST_AUTO_TEST_CASE(a_batch_is_one_medium_in_media_order) {
  Queue queue;
  queue.add(0, "0002", 500);
  queue.add(1, "0001", 0);
  queue.add(0, "0001", 900);
  queue.add(0, "0002", 100);
  queue.add(0, "0001", 100);
  const RecallBatch batch = next_batch(queue.waiting, BatchBounds(), {queue.media[1]});
  BOOST_TEST((batch.medium == queue.media[0]));
  BOOST_REQUIRE(batch.recalls.size() == 4u);
  const std::vector<std::pair<std::string, int64_t>> expected = {
      {"0001", 100}, {"0001", 900}, {"0002", 100}, {"0002", 500}};
  for (size_t i = 0; i < expected.size(); ++i) {
    BOOST_TEST(batch.recalls[i].location == expected[i].first);
    BOOST_TEST(batch.recalls[i].offset.count == expected[i].second);
  }
}

BOOST_AUTO_TEST_CASE(priority_leads_among_equals_and_age_leads_in_the_end) {
  Queue queue;
  queue.add(0, "1", 0, RestorePriority::kBulk, kStart);
  queue.add(1, "1", 0, RestorePriority::kStandard, kStart);
  queue.add(2, "1", 0, RestorePriority::kExpedited, kStart);
  BOOST_TEST((next_batch(queue.waiting, BatchBounds(), {}).medium == queue.media[2]));
  // The second batch is led by age; of one age, by priority.
  BOOST_TEST(service_order(queue.waiting, BatchBounds(), 0) == (std::vector<size_t>{2, 1, 0}),
             boost::test_tools::per_element());
  // The bulk request has waited for most of its share: it leads against a new expedited one.
  queue.waiting[0].requested_at = kStart - hours(6);
  BOOST_TEST((next_batch(queue.waiting, BatchBounds(), {}).medium == queue.media[0]));
}

BOOST_AUTO_TEST_CASE(a_batch_keeps_its_bounds_and_takes_its_leader_whatever_its_size) {
  Queue queue;
  for (int i = 0; i < 10; ++i) queue.add(0, "1", i * 1'000'000);
  BatchBounds bounds;
  bounds.recalls_max = 4;
  BOOST_TEST(next_batch(queue.waiting, bounds, {}).recalls.size() == 4u);
  bounds = BatchBounds();
  bounds.bytes_max = Bytes(2'500'000);
  BOOST_TEST(next_batch(queue.waiting, bounds, {}).recalls.size() == 2u);
  bounds.bytes_max = Bytes(10);
  BOOST_TEST(next_batch(queue.waiting, bounds, {}).recalls.size() == 1u);
}

BOOST_AUTO_TEST_CASE(unavailable_media_are_passed_over) {
  Queue queue;
  queue.add(0, "1", 0, RestorePriority::kExpedited);
  queue.add(1, "1", 0, RestorePriority::kBulk);
  BOOST_TEST((next_batch(queue.waiting, BatchBounds(), {queue.media[0]}).medium == queue.media[1]));
  BOOST_TEST(
      next_batch(queue.waiting, BatchBounds(), {queue.media[0], queue.media[1]}).recalls.empty());
}

// A day of steady expedited work on one medium, with standard and bulk recalls for others: each
// is served before its tier's bound is over.
BOOST_AUTO_TEST_CASE(none_starves_past_its_bound) {
  Queue queue;
  std::map<RestorePriority, int64_t> longest;
  const Millis per_batch = minutes(4);
  UnixMillis now = kStart;
  const UnixMillis end = kStart + hours(36);
  for (int64_t turn = 0; now < end; ++turn) {
    queue.add(0, "1", static_cast<int64_t>(queue.random.below(1'000'000'000)),
              RestorePriority::kExpedited, now);
    if (turn % 5 == 0) queue.add(1, "1", 0, RestorePriority::kStandard, now);
    if (turn % 7 == 0) queue.add(2, "1", 0, RestorePriority::kBulk, now);
    BatchBounds bounds;
    bounds.recalls_max = 8;
    const RecallBatch batch = next_batch(queue.waiting, bounds, {});
    now = now + per_batch;
    for (const QueuedRecall& served : batch.recalls) {
      const int64_t waited = (now - served.requested_at).count / 1000;
      longest[served.priority] = std::max(longest[served.priority], waited);
      BOOST_TEST(waited <= bound_seconds(Tier::kCold));
      std::erase_if(queue.waiting,
                    [&](const QueuedRecall& waiting) { return waiting.restore == served.restore; });
    }
  }
  for (const QueuedRecall& waiting : queue.waiting)
    BOOST_TEST((now - waiting.requested_at).count / 1000 <= bound_seconds(Tier::kCold));
  BOOST_TEST(longest.size() == 3u);  // each kind was served at all
  BOOST_TEST(longest[RestorePriority::kExpedited] <= longest[RestorePriority::kStandard]);
  BOOST_TEST(longest[RestorePriority::kStandard] <= longest[RestorePriority::kBulk]);
}

BOOST_AUTO_TEST_CASE(the_order_is_one_whatever_the_order_of_the_queue) {
  Queue queue;
  for (int i = 0; i < 50; ++i)
    queue.add(queue.random.below(3), std::to_string(queue.random.below(5)),
              static_cast<int64_t>(queue.random.below(1000)),
              static_cast<RestorePriority>(queue.random.below(3)),
              kStart + seconds(static_cast<int64_t>(queue.random.below(4))));
  BatchBounds bounds;
  bounds.recalls_max = 7;
  const RecallBatch first = next_batch(queue.waiting, bounds, {});
  std::reverse(queue.waiting.begin(), queue.waiting.end());
  const RecallBatch second = next_batch(queue.waiting, bounds, {});
  BOOST_REQUIRE(first.recalls.size() == second.recalls.size());
  for (size_t i = 0; i < first.recalls.size(); ++i)
    BOOST_TEST((first.recalls[i].restore == second.recalls[i].restore));
}
