#include "tiers/health.h"

#include <algorithm>

#include "base/limits.h"

namespace holdfast {

bool BackendHealth::failed(const Error& error) {
  std::lock_guard lock(mutex_);
  if (suspended_) return false;
  const Millis now = clock_.monotonic();
  failures_.push_back(now);
  while (now.count - failures_.front().count > limits::kSuspendWithinMs) failures_.pop_front();
  if (failures_.size() < static_cast<size_t>(limits::kSuspendFailures)) return false;
  failures_.clear();
  const Millis wait(limits::kProbeWaitMs);
  suspended_ = State{clock_.now(), error.message, wait, Millis(now.count + wait.count)};
  return true;
}

std::optional<Suspension> BackendHealth::suspension() const {
  std::lock_guard lock(mutex_);
  if (!suspended_) return std::nullopt;
  const int64_t left =
      std::max<int64_t>(0, suspended_->next_probe.count - clock_.monotonic().count);
  return Suspension{suspended_->since, suspended_->error, clock_.now() + Millis(left)};
}

bool BackendHealth::wants_probe() const {
  std::lock_guard lock(mutex_);
  return suspended_ && suspended_->next_probe <= clock_.monotonic();
}

void BackendHealth::probe_failed(const Error& error) {
  std::lock_guard lock(mutex_);
  if (!suspended_) return;
  suspended_->error = error.message;
  suspended_->wait = Millis(std::min(suspended_->wait.count * 2, limits::kProbeWaitMsMax));
  suspended_->next_probe = Millis(clock_.monotonic().count + suspended_->wait.count);
}

bool BackendHealth::resume() {
  std::lock_guard lock(mutex_);
  failures_.clear();
  const bool was_suspended = suspended_.has_value();
  suspended_.reset();
  return was_suspended;
}

}  // namespace holdfast
