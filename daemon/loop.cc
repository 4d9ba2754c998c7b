#include "daemon/loop.h"

#include <cassert>
#include <string>
#include <utility>

#include "base/limits.h"

namespace holdfast {
namespace {

Error uv_error(int status, std::string_view what) {
  return Error{Code::kIo, std::string(what) + ": " + uv_strerror(status), -status};
}

// A timer that failed to start is out of memory or misused: both are bugs here.
Timer start_timer(uv_loop_t* loop, Millis delay, Millis period, std::function<void()> callback) {
  auto block = std::make_unique<Timer::Block>();
  block->callback = std::move(callback);
  block->raw.data = block.get();
  [[maybe_unused]] int status = uv_timer_init(loop, &block->raw);
  assert(status == 0);
  // A timer counts from the loop's own idea of now, which is as old as this turn.
  uv_update_time(loop);
  status = uv_timer_start(
      &block->raw, [](uv_timer_t* raw) { static_cast<Timer::Block*>(raw->data)->callback(); },
      static_cast<uint64_t>(delay.count), static_cast<uint64_t>(period.count));
  assert(status == 0);
  return Timer(std::move(block));
}

}  // namespace

const size_t Loop::kQueue = limits::kReplyQueue;

Result<std::unique_ptr<Loop>> Loop::create() {
  std::unique_ptr<Loop> loop(new Loop);
  if (const int status = uv_loop_init(&loop->loop_); status != 0)
    return uv_error(status, "start the event loop");
  loop->wake_.data = loop.get();
  const int status = uv_async_init(&loop->loop_, &loop->wake_, [](uv_async_t* wake) {
    static_cast<Loop*>(wake->data)->run_posted();
  });
  if (status != 0) {
    uv_loop_close(&loop->loop_);
    return uv_error(status, "start the event loop's wake-up");
  }
  loop->ready_ = true;
  return loop;
}

Loop::~Loop() {
  queue_->close();
  if (!ready_) return;
  uv_close(reinterpret_cast<uv_handle_t*>(&wake_), nullptr);
  // Lets the close callbacks of every handle run, also of those closed earlier; one
  // may close another. The first turn may only clear an earlier uv_stop.
  for (int turn = 0; turn < 16 && (turn < 2 || uv_loop_alive(&loop_) != 0); ++turn)
    uv_run(&loop_, UV_RUN_NOWAIT);
  [[maybe_unused]] const int status = uv_loop_close(&loop_);
  assert(status == 0 && "a handle outlives its loop");
}

void Loop::run() {
  thread_ = std::this_thread::get_id();
  if (!stop_asked_) uv_run(&loop_, UV_RUN_DEFAULT);
  // A producer that waits for room is told no, instead of waiting for ever.
  queue_->close();
  while (queue_->size() > 0 || !own_posts_.empty()) run_posted();
  finished_ = true;
}

void Loop::stop() {
  stop_asked_ = true;
  uv_async_send(&wake_);
}

bool Loop::post(std::function<void()> task) {
  if (on_loop_thread()) {
    if (finished_) return false;
    own_posts_.push_back(std::move(task));
  } else if (!queue_->push(std::move(task))) {
    return false;
  }
  uv_async_send(&wake_);
  return true;
}

void Loop::run_posted() {
  // Only what is there now: tasks that post again must not keep sockets waiting.
  size_t left = queue_->size();
  while (left-- > 0) {
    std::optional<std::function<void()>> task = queue_->try_pop();
    if (!task) break;
    (*task)();
  }
  std::vector<std::function<void()>> own;
  own.swap(own_posts_);
  for (std::function<void()>& task : own) task();
  if (stop_asked_) {
    uv_stop(&loop_);
  } else if (queue_->size() > 0 || !own_posts_.empty()) {
    uv_async_send(&wake_);
  }
}

Timer Loop::after(Millis delay, std::function<void()> callback) {
  assert(delay.count >= 0);
  return start_timer(&loop_, delay, Millis(0), std::move(callback));
}

Timer Loop::every(Millis period, std::function<void()> callback) {
  assert(period.count > 0);
  return start_timer(&loop_, period, period, std::move(callback));
}

Result<Signal> Loop::on_signal(int signal_number, std::function<void(int)> callback) {
  auto block = std::make_unique<Signal::Block>();
  block->callback = std::move(callback);
  block->raw.data = block.get();
  if (const int status = uv_signal_init(&loop_, &block->raw); status != 0)
    return uv_error(status, "watch signal " + std::to_string(signal_number));
  Signal signal(std::move(block));
  const int status = uv_signal_start(
      signal.raw(),
      [](uv_signal_t* raw, int number) {
        static_cast<Signal::Block*>(raw->data)->callback(number);
      },
      signal_number);
  if (status != 0) return uv_error(status, "watch signal " + std::to_string(signal_number));
  return signal;
}

Result<Poll> Loop::poll(int fd, std::function<void(int status, int events)> callback) {
  auto block = std::make_unique<Poll::Block>();
  block->callback = std::move(callback);
  block->raw.data = block.get();
  if (const int status = uv_poll_init(&loop_, &block->raw, fd); status != 0)
    return uv_error(status, "watch descriptor " + std::to_string(fd));
  return Poll(std::move(block));
}

void Loop::watch(Poll& poll, int events) {
  if (events == 0) {
    uv_poll_stop(poll.raw());
    return;
  }
  [[maybe_unused]] const int status =
      uv_poll_start(poll.raw(), events, [](uv_poll_t* raw, int status_now, int events_now) {
        static_cast<Poll::Block*>(raw->data)->callback(status_now, events_now);
      });
  assert(status == 0);
}

}  // namespace holdfast
