// What the last turn over .incoming could not settle, and why (incoming.h): for status, and so that
// bytes that were found damaged are not read again each minute. The same of .trash (remover.h).
#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "base/types.h"
#include "tiers/read/place.h"

namespace holdfast {

struct LeftPart {
  std::string why;
  UnixMillis since;  // first seen so, in this run
  // Its bytes are not whole, and a line that is lost may have promised them. In .incoming it is
  // looked at again when the daemon starts; all else each turn tries anew.
  bool is_damaged = false;

  // What each turn tries anew may be a passing matter.
  bool is_worth_a_word(UnixMillis now) const { return is_damaged || now - since >= minutes(10); }
};

// Thread rule: any thread; replaced by one at a time.
class LeftParts {
 public:
  using Parts = std::map<PartId, LeftPart>;

  // Absent: the last turn did not find it damaged.
  std::optional<LeftPart> damaged(const PartId& part) const {
    std::lock_guard lock(mutex_);
    const auto found = parts_.find(part);
    if (found == parts_.end() || !found->second.is_damaged) return std::nullopt;
    return found->second;
  }

  // All that a turn left. What was left before keeps its `since`.
  void replace(Parts parts) {
    std::lock_guard lock(mutex_);
    for (auto& [part, left] : parts)
      if (const auto before = parts_.find(part); before != parts_.end())
        left.since = before->second.since;
    parts_ = std::move(parts);
  }

  bool any() const {
    std::lock_guard lock(mutex_);
    return !parts_.empty();
  }

  // In the order of their ids.
  Parts all() const {
    std::lock_guard lock(mutex_);
    return parts_;
  }

 private:
  mutable std::mutex mutex_;
  Parts parts_;
};

}  // namespace holdfast
