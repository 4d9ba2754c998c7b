// Parts of which somebody writes files in .incoming right now: nobody else
// settles them meanwhile.
#pragma once

#include <mutex>
#include <set>
#include <utility>

#include "tiers/read/place.h"

namespace holdfast {

// Thread rule: any thread. Outlives every Live.
class LiveParts {
 public:
  class Live {
   public:
    Live(LiveParts& parts, const PartId& part) : parts_(&parts), part_(part) {}
    Live(Live&& other) noexcept
        : parts_(std::exchange(other.parts_, nullptr)), part_(other.part_) {}
    Live& operator=(Live&&) = delete;
    ~Live() {
      if (parts_ != nullptr) parts_->remove(part_);
    }

   private:
    LiveParts* parts_;
    PartId part_;
  };

  Live add(const PartId& part) {
    std::lock_guard lock(mutex_);
    live_.insert(part);
    return Live(*this, part);
  }
  bool contains(const PartId& part) const {
    std::lock_guard lock(mutex_);
    return live_.contains(part);
  }

 private:
  void remove(const PartId& part) {
    std::lock_guard lock(mutex_);
    live_.erase(part);
  }

  mutable std::mutex mutex_;
  std::set<PartId> live_;
};

}  // namespace holdfast
