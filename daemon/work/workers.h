// The fixed pool of threads that may block: uploads, digests, copies, scans.
// Each worker owns one Io, and with it one ring. Long work that would keep the
// pool from serving (packing, recalls) has threads of its own (LaneThread).
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/bounded_queue.h"
#include "base/result.h"
#include "io/io.h"

namespace holdfast {

class Workers {
 public:
  using Job = std::function<void(Io&)>;

  // `count` 0 means one per core. kIo when a ring or a fallback cannot be set up.
  static Result<std::unique_ptr<Workers>> start(int count, const IoOptions& options);
  ~Workers();  // finishes what is queued, then joins

  // False when limits::kWorkerQueue jobs wait already: the caller answers 503.
  // Thread rule: any thread.
  bool submit(Job job);
  size_t count() const { return threads_.size(); }  // any thread
  // Of each worker, for whoever watches them; they live as long as this.
  std::vector<const Pulse*> pulses() const;

 private:
  Workers();

  BoundedQueue<Job> queue_;
  std::vector<std::unique_ptr<Io>> ios_;
  std::vector<std::thread> threads_;
};

// A thread that repeats `turn` whenever it is kicked, and at least every
// `interval`. A kick during a turn causes another turn.
class LaneThread {
 public:
  using Turn = std::function<void(Io&)>;

  static Result<std::unique_ptr<LaneThread>> start(std::string name, Millis interval,
                                                   const IoOptions& options, Turn turn);
  ~LaneThread();  // lets the turn finish, then joins

  void kick();                         // any thread
  void set_interval(Millis interval);  // any thread
  const Pulse& pulse() const { return io_->pulse(); }
  // No further turn begins; the one under way finishes.
  void request_stop();

 private:
  LaneThread() = default;
  void run(const Turn& turn);

  std::unique_ptr<Io> io_;
  std::mutex mutex_;
  std::condition_variable wake_;
  Millis interval_{0};
  bool kicked_ = true;
  bool stop_ = false;
  std::thread thread_;
};

}  // namespace holdfast
