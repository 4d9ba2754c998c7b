// The loop: the one thread that owns sockets, timers, signals and file watches.
// The loop decides, workers act; a worker's reply comes back through post().
//
//   created → running (run) → stopping (stop) → stopped (run returned) → destroyed
//
// Invariants
// - Callbacks run on the thread that called run(), one at a time.
// - A Timer, Signal or Poll that was destroyed never calls back again.
// - Every task whose post() answered true runs, at the latest before run() returns.
// - Whoever holds a Timer, Signal or Poll lets it go before the Loop is destroyed.
#pragma once

#include <uv.h>

#include <atomic>
#include <cstddef>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "base/bounded_queue.h"
#include "base/result.h"
#include "base/types.h"

namespace holdfast {

// One libuv handle of kind `Raw` with its callback, on the heap because libuv
// keeps its address until the close callback has run. Move-only owner; letting
// go closes. May be let go within its own callback.
template <typename Raw, typename Callback>
class LoopHandle {
 public:
  struct Block {
    Raw raw{};
    Callback callback;
  };

  LoopHandle() = default;
  explicit LoopHandle(std::unique_ptr<Block> block) : block_(block.release()) {}
  explicit operator bool() const { return block_ != nullptr; }
  Raw* raw() { return &block_->raw; }
  void reset() { block_.reset(); }

 private:
  struct Close {
    void operator()(Block* block) const {
      block->raw.data = block;
      uv_close(reinterpret_cast<uv_handle_t*>(&block->raw),
               [](uv_handle_t* handle) { delete static_cast<Block*>(handle->data); });
    }
  };
  std::unique_ptr<Block, Close> block_;
};

using Timer = LoopHandle<uv_timer_t, std::function<void()>>;
using Signal = LoopHandle<uv_signal_t, std::function<void(int signal_number)>>;
// `events` is a set of UV_READABLE, UV_WRITABLE, UV_DISCONNECT; `status` is 0 or a libuv error.
using Poll = LoopHandle<uv_poll_t, std::function<void(int status, int events)>>;

class Loop {
 public:
  static Result<std::unique_ptr<Loop>> create();
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  // Serves until stop(); then refuses further posts, runs what was posted and
  // returns. May be called once.
  void run();
  // Any thread; run() returns soon after, also when it had not been called yet.
  void stop();

  // Any thread: `task` runs on the loop, after tasks posted earlier by the same
  // thread. Waits while the queue is full (limits::kReplyQueue), except on the
  // loop itself, which must not wait for itself. False when the loop has
  // stopped: the task was not taken.
  bool post(std::function<void()> task);

  // True on the thread that runs the loop.
  bool on_loop_thread() const { return std::this_thread::get_id() == thread_.load(); }

  // The rest: loop thread only, or before run().

  // Calls once, `delay` (0 or more) from now, unless the Timer is let go before.
  Timer after(Millis delay, std::function<void()> callback);
  // Calls every `period` (1 ms or more), first one period from now.
  Timer every(Millis period, std::function<void()> callback);
  // kIo when the signal cannot be watched.
  Result<Signal> on_signal(int signal_number, std::function<void(int)> callback);
  // Watches a descriptor of the caller's, which must be a socket, pipe or
  // anonymous descriptor and outlive the Poll. Nothing is watched before watch().
  Result<Poll> poll(int fd, std::function<void(int status, int events)> callback);
  // `events` 0 stops watching.
  static void watch(Poll& poll, int events);

  // For rooms that need another libuv handle (file watches).
  uv_loop_t* raw() { return &loop_; }

 private:
  Loop() : queue_(std::make_unique<BoundedQueue<std::function<void()>>>(kQueue)) {}
  void run_posted();

  static const size_t kQueue;

  uv_loop_t loop_{};
  uv_async_t wake_{};
  std::unique_ptr<BoundedQueue<std::function<void()>>> queue_;
  std::vector<std::function<void()>> own_posts_;  // by the loop thread itself
  std::atomic<std::thread::id> thread_{};
  bool ready_ = false;  // the loop and its wake-up exist
  std::atomic<bool> stop_asked_{false};
  std::atomic<bool> finished_{false};
};

}  // namespace holdfast
