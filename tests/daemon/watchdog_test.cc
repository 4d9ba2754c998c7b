// The watchdog is answered only while loop, writer, lanes and workers live.
#include "daemon/watchdog.h"

#include <condition_variable>
#include <mutex>
#include <thread>

#include "daemon/work/workers.h"
#include "tests/support/archive_fixture.h"

using namespace holdfast;

namespace {

// Opened once; whoever waits goes on.
class Latch {
 public:
  void open() {
    std::lock_guard lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }
  void wait() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return open_; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool open_ = false;
};

constexpr Millis kWriterLimit(limits::kWriterSilentMs);
constexpr Millis kThreadLimit(limits::kThreadSilentMs);
constexpr Millis kBeyondThreadLimit(limits::kThreadSilentMs + 1000);

}  // namespace

BOOST_AUTO_TEST_SUITE(watchdog)

BOOST_AUTO_TEST_CASE(a_thread_at_work_that_does_not_beat_is_silent) {
  ManualClock clock(UnixMillis(0));
  Pulse pulse;
  Watchdog watchdog(clock);
  watchdog.watch("the mover", pulse);
  clock.advance(kBeyondThreadLimit);
  BOOST_TEST(!watchdog.look().has_value());  // idle
  pulse.begin();
  BOOST_TEST(!watchdog.look().has_value());
  clock.advance(kThreadLimit);
  BOOST_TEST(!watchdog.look().has_value());
  clock.advance(seconds(1));
  BOOST_REQUIRE(watchdog.look().has_value());
  BOOST_TEST(watchdog.look()->starts_with("the mover has given no sign of life for "));
  pulse.beat();
  BOOST_TEST(!watchdog.look().has_value());
  clock.advance(kBeyondThreadLimit);
  BOOST_TEST(watchdog.look().has_value());
  pulse.end();
  BOOST_TEST(!watchdog.look().has_value());
}

BOOST_AUTO_TEST_CASE(the_io_of_a_lane_is_its_sign_of_life) {
  ManualClock clock(UnixMillis(0));
  Watchdog watchdog(clock);
  Latch begun;
  Latch read;
  Latch has_read;
  Latch end;
  auto lane = must(LaneThread::start("hf-test", hours(1), IoOptions(), [&](Io& io) {
    begun.open();
    read.wait();
    static_cast<void>(io.open(AT_FDCWD, "nothing", O_RDONLY).ok());
    has_read.open();
    end.wait();
  }));
  watchdog.watch("the lane", lane->pulse());
  begun.wait();
  BOOST_TEST(!watchdog.look().has_value());
  clock.advance(kBeyondThreadLimit);
  BOOST_TEST(watchdog.look().has_value());
  read.open();
  has_read.wait();
  BOOST_TEST(!watchdog.look().has_value());
  clock.advance(kBeyondThreadLimit);
  BOOST_TEST(watchdog.look().has_value());
  end.open();
  lane.reset();
}

BOOST_AUTO_TEST_CASE(a_worker_that_hangs_is_silent) {
  ManualClock clock(UnixMillis(0));
  Watchdog watchdog(clock);
  Latch begun;
  Latch end;
  auto workers = must(Workers::start(2, IoOptions()));
  for (const Pulse* pulse : workers->pulses()) watchdog.watch("a worker", *pulse);
  BOOST_TEST(workers->submit([&](Io&) {
    begun.open();
    end.wait();
  }));
  begun.wait();
  BOOST_TEST(!watchdog.look().has_value());
  clock.advance(kBeyondThreadLimit);
  BOOST_TEST(watchdog.look().has_value());
  end.open();
  workers.reset();
}

BOOST_AUTO_TEST_CASE(a_writer_that_does_not_answer_is_silent) {
  ArchiveFixture rig;
  ManualClock clock(UnixMillis(0));
  Writer& writer = rig.archive().writer;
  Watchdog watchdog(clock);
  watchdog.watch(writer);
  BOOST_TEST(!watchdog.look().has_value());
  // Every command that is answered after the probe shows that the probe was, too.
  must(writer.call(Command<void>{"nothing", [](WriteTxn&) { return Status(); }}));
  clock.advance(kWriterLimit);
  clock.advance(kWriterLimit);
  BOOST_TEST(!watchdog.look().has_value());

  must(writer.call(Command<void>{"nothing", [](WriteTxn&) { return Status(); }}));
  Latch begun;
  Latch end;
  Latch answered;
  writer.submit<void>(Command<void>{"hang",
                                    [&](WriteTxn&) {
                                      begun.open();
                                      end.wait();
                                      return Status();
                                    }},
                      [&](Status) { answered.open(); });
  begun.wait();
  BOOST_TEST(!watchdog.look().has_value());  // the probe waits behind it
  clock.advance(kWriterLimit);
  BOOST_TEST(!watchdog.look().has_value());
  clock.advance(seconds(1));
  BOOST_REQUIRE(watchdog.look().has_value());
  BOOST_TEST(watchdog.look()->starts_with("the writer has given no sign of life for "));
  end.open();
  answered.wait();
  must(writer.call(Command<void>{"nothing", [](WriteTxn&) { return Status(); }}));
  BOOST_TEST(!watchdog.look().has_value());
  watchdog.forget();
}

BOOST_AUTO_TEST_SUITE_END()
