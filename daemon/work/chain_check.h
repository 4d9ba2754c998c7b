// Checks both chains of the ledger link by link, on a thread of its own: a long chain takes
// minutes and must not hold a worker.
//
//   idle ──start──▶ running ──end, cancel or stop──▶ idle
//
// Invariants
// - One check at a time: it is over when settle() has returned.
// - `done` is called exactly once for each start that answered true.
// - After the destructor no thread runs.
#pragma once

#include <atomic>
#include <functional>
#include <mutex>
#include <thread>

#include "index/writer.h"
#include "ledger/reader.h"

namespace holdfast {

struct ChainReports {
  ChainReport decisions;
  ChainReport access;
};

// Thread rule: start(), settle() and the destructor on one thread; cancel() and stop() on any.
class ChainCheck {
 public:
  // `writer` outlives this.
  explicit ChainCheck(Writer& writer) : writer_(writer) {}
  ~ChainCheck();

  // The number of the check that has begun; nothing when one is under way or after stop(). `done`
  // is called on the check's thread: kUnavailable when it was cancelled.
  using Done = std::function<void(Result<ChainReports>)>;
  std::optional<int64_t> start(Done done);
  // Once `done` was called, and not from within it: the next may start.
  void settle();
  // Ends that check soon; nothing when it is over.
  void cancel(int64_t number);
  // Ends the one under way soon, and none begins any more.
  void stop();

 private:
  Result<ChainReports> check(int64_t number);

  Writer& writer_;
  std::thread thread_;
  std::mutex mutex_;
  bool running_ = false;
  bool stopped_ = false;
  int64_t last_ = 0;                   // number of the last start
  std::atomic<int64_t> cancelled_{0};  // checks up to this number end
};

}  // namespace holdfast
