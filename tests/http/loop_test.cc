// The loop: posts from many threads, timers, signals, and handles let go.
#include <unistd.h>

#include <atomic>
#include <boost/test/unit_test.hpp>
#include <csignal>
#include <memory>
#include <thread>
#include <vector>

#include "daemon/loop.h"

namespace holdfast {
namespace {

std::unique_ptr<Loop> new_loop() {
  Result<std::unique_ptr<Loop>> loop = Loop::create();
  BOOST_REQUIRE(loop.ok());
  return std::move(loop).value();
}

}  // namespace

BOOST_AUTO_TEST_SUITE(loop)

BOOST_AUTO_TEST_CASE(posts_of_one_thread_run_in_order_and_all_of_them) {
  constexpr int kThreads = 4;
  constexpr int kPosts = 50'000;  // together more than the queue holds
  const std::unique_ptr<Loop> loop = new_loop();
  std::vector<int> last(kThreads, -1);  // loop thread only
  bool ordered = true;
  int done = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t)
    threads.emplace_back([&, t] {
      for (int i = 0; i < kPosts; ++i) {
        const bool taken = loop->post([&, t, i] {
          const auto index = static_cast<size_t>(t);
          ordered = ordered && last[index] == i - 1;
          last[index] = i;
          if (i == kPosts - 1 && ++done == kThreads) loop->stop();
        });
        if (!taken) std::abort();
      }
    });
  loop->run();
  for (std::thread& thread : threads) thread.join();
  BOOST_TEST(ordered);
  BOOST_TEST(done == kThreads);
}

BOOST_AUTO_TEST_CASE(the_loop_may_post_to_itself_beyond_the_queue) {
  const std::unique_ptr<Loop> loop = new_loop();
  int ran = 0;
  loop->post([&] {
    for (int i = 0; i < 100'000; ++i) loop->post([&] { ++ran; });
    loop->post([&] { loop->stop(); });
  });
  loop->run();
  BOOST_TEST(ran == 100'000);
}

BOOST_AUTO_TEST_CASE(after_the_end_a_post_is_refused_and_none_before_is_lost) {
  const std::unique_ptr<Loop> loop = new_loop();
  int ran = 0;
  loop->stop();
  BOOST_TEST(loop->post([&] { ++ran; }));
  loop->run();
  BOOST_TEST(ran == 1);
  BOOST_TEST(!loop->post([&] { ++ran; }));
  BOOST_TEST(ran == 1);
}

BOOST_AUTO_TEST_CASE(a_timer_let_go_never_calls) {
  const std::unique_ptr<Loop> loop = new_loop();
  int called = 0;
  Timer dropped = loop->after(Millis(1), [&] { called += 100; });
  dropped.reset();
  Timer once = loop->after(Millis(2), [&] {
    ++called;
    once.reset();  // within its own callback
  });
  Timer often;
  int ticks = 0;
  often = loop->every(Millis(1), [&] {
    if (++ticks < 5) return;
    often.reset();
  });
  Timer end = loop->every(Millis(1), [&] {
    if (called > 0 && !often) loop->stop();
  });
  loop->run();
  BOOST_TEST(called == 1);
  BOOST_TEST(ticks == 5);
}

BOOST_AUTO_TEST_CASE(a_signal_reaches_its_callback) {
  const std::unique_ptr<Loop> loop = new_loop();
  int got = 0;
  Result<Signal> signal = loop->on_signal(SIGUSR1, [&](int number) {
    got = number;
    loop->stop();
  });
  BOOST_REQUIRE(signal.ok());
  ::kill(::getpid(), SIGUSR1);
  loop->run();
  BOOST_TEST(got == SIGUSR1);
  BOOST_TEST(!loop->on_signal(SIGKILL, [](int) {}).ok());
}

BOOST_AUTO_TEST_CASE(a_descriptor_is_watched_only_while_asked) {
  const std::unique_ptr<Loop> loop = new_loop();
  int ends[2];
  BOOST_REQUIRE(::pipe(ends) == 0);
  int events_seen = 0;
  Poll poll;
  Result<Poll> made = loop->poll(ends[0], [&](int status, int events) {
    BOOST_TEST(status == 0);
    BOOST_TEST(events == UV_READABLE);
    ++events_seen;
    Loop::watch(poll, 0);
    loop->post([&] { loop->stop(); });
  });
  BOOST_REQUIRE(made.ok());
  poll = std::move(made).value();
  Loop::watch(poll, UV_READABLE);
  BOOST_TEST(::write(ends[1], "x", 1) == 1);
  loop->run();
  BOOST_TEST(events_seen == 1);
  poll.reset();
  ::close(ends[0]);
  ::close(ends[1]);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace holdfast
