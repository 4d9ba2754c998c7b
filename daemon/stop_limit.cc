#include "daemon/stop_limit.h"

#include <chrono>
#include <utility>

namespace holdfast {

StopLimit::StopLimit(Millis limit, std::function<void()> give_up)
    : thread_([this, limit, give_up = std::move(give_up)] {
        std::unique_lock lock(mutex_);
        const bool in_time = changed_.wait_for(lock, std::chrono::milliseconds(limit.count),
                                               [this] { return over_; });
        if (!in_time) give_up();
      }) {}

StopLimit::~StopLimit() {
  {
    std::lock_guard lock(mutex_);
    over_ = true;
    changed_.notify_one();
  }
  thread_.join();
}

}  // namespace holdfast
