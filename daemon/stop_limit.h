// How long a stop may take. Whoever holds up the end (a step of a move on a disk that does not
// answer, a worker's job) is given up when the time is over.
//
//   armed ──let go in time──▶ over
//     └──────time passes────▶ given up
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

#include "base/types.h"

namespace holdfast {

class StopLimit {
 public:
  // `give_up` is called once, on a thread of its own, unless this is let go within `limit`.
  StopLimit(Millis limit, std::function<void()> give_up);
  ~StopLimit();
  StopLimit(const StopLimit&) = delete;
  StopLimit& operator=(const StopLimit&) = delete;

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool over_ = false;
  std::thread thread_;
};

}  // namespace holdfast
