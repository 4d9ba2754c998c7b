// The queue between threads: order, capacity as a promise, and an end that loses nothing.
#include "base/bounded_queue.h"

#include <atomic>
#include <boost/test/unit_test.hpp>
#include <memory>
#include <numeric>
#include <thread>
#include <vector>

using holdfast::BoundedQueue;

BOOST_AUTO_TEST_SUITE(bounded_queue)

BOOST_AUTO_TEST_CASE(keeps_order) {
  BoundedQueue<int> queue(8);
  for (int i = 0; i < 5; ++i) BOOST_TEST(queue.push(i));
  BOOST_TEST(queue.size() == 5u);
  for (int i = 0; i < 5; ++i) BOOST_TEST(queue.pop().value() == i);
  BOOST_TEST(!queue.try_pop().has_value());
}

BOOST_AUTO_TEST_CASE(a_full_queue_refuses_and_leaves_the_item_untouched) {
  BoundedQueue<std::unique_ptr<int>> queue(1);
  auto first = std::make_unique<int>(1);
  auto second = std::make_unique<int>(2);
  BOOST_TEST(queue.try_push(first));
  BOOST_TEST(!queue.try_push(second));
  BOOST_REQUIRE(second != nullptr);
  BOOST_TEST(*second == 2);
}

BOOST_AUTO_TEST_CASE(a_batch_takes_what_is_there_and_no_more_than_asked) {
  BoundedQueue<int> queue(10);
  for (int i = 0; i < 7; ++i) BOOST_TEST(queue.push(i));
  BOOST_TEST(queue.pop_batch(4) == (std::vector<int>{0, 1, 2, 3}),
             boost::test_tools::per_element());
  BOOST_TEST(queue.pop_batch(4) == (std::vector<int>{4, 5, 6}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(several_are_taken_together_or_not_at_all) {
  BoundedQueue<int> queue(4);
  BOOST_TEST(queue.push_all({}));
  BOOST_TEST(queue.push_all({1, 2, 3, 4, 5, 6}));  // more than its capacity: it was empty
  bool pushed = false;                             // Boost.Test is used from one thread only
  std::thread producer([&] { pushed = queue.push_all({7, 8}); });
  BOOST_TEST(queue.pop_batch(3) == (std::vector<int>{1, 2, 3}), boost::test_tools::per_element());
  std::vector<int> rest;
  while (rest.size() < 5) rest.push_back(queue.pop().value());
  producer.join();
  BOOST_TEST(pushed);
  BOOST_TEST(rest == (std::vector<int>{4, 5, 6, 7, 8}), boost::test_tools::per_element());
  for (int i = 0; i < 3; ++i) BOOST_TEST(queue.push(i));
  std::thread refused([&] { pushed = queue.push_all({9, 10}); });  // one of them has no room
  queue.close();
  refused.join();
  BOOST_TEST(!pushed);
  BOOST_TEST(queue.pop_batch(9).size() == 3u);
  BOOST_TEST(!queue.push_all({11}));
}

BOOST_AUTO_TEST_CASE(a_closed_queue_gives_what_it_holds_then_nothing) {
  BoundedQueue<int> queue(4);
  BOOST_TEST(queue.push(1));
  BOOST_TEST(queue.push(2));
  queue.close();
  BOOST_TEST(!queue.push(3));
  int refused = 4;
  BOOST_TEST(!queue.try_push(refused));
  BOOST_TEST(queue.pop().value() == 1);
  BOOST_TEST(queue.pop_batch(10).size() == 1u);
  BOOST_TEST(!queue.pop().has_value());
  BOOST_TEST(queue.pop_batch(10).empty());
}

BOOST_AUTO_TEST_CASE(closing_wakes_a_waiting_consumer_and_a_waiting_producer) {
  BoundedQueue<int> empty(1);
  bool popped = true;  // Boost.Test is used from one thread only
  std::thread consumer([&] { popped = empty.pop().has_value(); });
  BoundedQueue<int> full(1);
  BOOST_TEST(full.push(1));
  bool pushed = true;
  std::thread producer([&] { pushed = full.push(2); });
  empty.close();
  full.close();
  consumer.join();
  producer.join();
  BOOST_TEST(!popped);
  BOOST_TEST(!pushed);
}

BOOST_AUTO_TEST_CASE(many_threads_lose_and_double_nothing) {
  constexpr int kThreads = 4;
  constexpr int kItems = 2000;
  BoundedQueue<int> queue(16);
  std::vector<std::atomic<int>> seen(kThreads * kItems);
  std::atomic<size_t> largest{0};
  std::vector<std::thread> producers;
  for (int t = 0; t < kThreads; ++t)
    producers.emplace_back([&, t] {
      for (int i = 0; i < kItems; ++i) queue.push(t * kItems + i);
    });
  std::vector<std::thread> consumers;
  for (int t = 0; t < kThreads; ++t)
    consumers.emplace_back([&, t] {
      for (;;) {
        const size_t size = queue.size();
        if (size > largest) largest = size;
        if (t % 2 == 0) {
          const auto item = queue.pop();
          if (!item) return;
          ++seen[static_cast<size_t>(*item)];
        } else {
          const auto batch = queue.pop_batch(5);
          if (batch.empty()) return;
          for (int item : batch) ++seen[static_cast<size_t>(item)];
        }
      }
    });
  for (std::thread& thread : producers) thread.join();
  queue.close();
  for (std::thread& thread : consumers) thread.join();
  for (const std::atomic<int>& count : seen) BOOST_REQUIRE(count == 1);
  BOOST_TEST(largest.load() <= 16u);
}

BOOST_AUTO_TEST_SUITE_END()
