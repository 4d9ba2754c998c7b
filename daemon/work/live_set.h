// What somebody is at work on right now: parts whose files are being written in .incoming (nobody
// else settles them meanwhile), calls that are coming in (whoever asks is told to wait).
#pragma once

#include <mutex>
#include <set>
#include <string>
#include <utility>

#include "base/types.h"
#include "tiers/read/place.h"

namespace holdfast {

// Thread rule: any thread. Outlives every Live. A key may be added several times; it is live as
// long as one of its Lives is.
template <typename Key>
class LiveSet {
 public:
  class Live {
   public:
    Live(LiveSet& keys, Key key) : keys_(&keys), key_(std::move(key)) {}
    Live(Live&& other) noexcept
        : keys_(std::exchange(other.keys_, nullptr)), key_(std::move(other.key_)) {}
    Live& operator=(Live&&) = delete;
    ~Live() {
      if (keys_ != nullptr) keys_->remove(key_);
    }

   private:
    LiveSet* keys_;
    Key key_;
  };

  Live add(Key key) {
    std::lock_guard lock(mutex_);
    live_.insert(key);
    return Live(*this, std::move(key));
  }
  bool contains(const Key& key) const {
    std::lock_guard lock(mutex_);
    return live_.contains(key);
  }

 private:
  void remove(const Key& key) {
    std::lock_guard lock(mutex_);
    live_.erase(live_.find(key));
  }

  mutable std::mutex mutex_;
  std::multiset<Key> live_;
};

using LiveParts = LiveSet<PartId>;
using LiveCalls = LiveSet<std::pair<WorkspaceId, std::string>>;  // workspace and call_sid

}  // namespace holdfast
