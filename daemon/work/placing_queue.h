// Acknowledged parts that wait in .incoming to be brought into their places by a lane (placing.h).
#pragma once

#include <deque>
#include <functional>
#include <mutex>
#include <utility>
#include <vector>

#include "base/limits.h"
#include "base/types.h"
#include "daemon/work/live_set.h"

namespace holdfast {

// Thread rule: any thread.
class PlacingQueue {
 public:
  struct Part {
    RecordingNo recording;
    int part = 1;
    LiveParts::Live live;  // nobody else settles it meanwhile
  };

  // From now on somebody serves: `kick` wakes it (and may not call back). Until end().
  void begin(std::function<void()> kick) {
    std::lock_guard lock(mutex_);
    kick_ = std::move(kick);
  }
  void end() {
    std::lock_guard lock(mutex_);
    kick_ = nullptr;
  }

  // False when nobody serves, or limits::kPlacingQueue wait already: whoever asks places it itself.
  bool hand_over(Part part) {
    std::lock_guard lock(mutex_);
    if (!kick_ || parts_.size() >= limits::kPlacingQueue) return false;
    parts_.push_back(std::move(part));
    kick_();
    return true;
  }

  // At most `most` of those that wait longest.
  std::vector<Part> take(size_t most) {
    std::lock_guard lock(mutex_);
    std::vector<Part> taken;
    for (; !parts_.empty() && taken.size() < most; parts_.pop_front())
      taken.push_back(std::move(parts_.front()));
    return taken;
  }

 private:
  std::mutex mutex_;
  std::deque<Part> parts_;
  std::function<void()> kick_;  // null: nobody serves
};

}  // namespace holdfast
