#include "daemon/work/change_feed.h"

#include <utility>

namespace holdfast {

std::string_view word(Change::Kind kind) {
  switch (kind) {
    case Change::Kind::kAdded:
      return "added";
    case Change::Kind::kChanged:
      return "changed";
    case Change::Kind::kRemoved:
      return "removed";
  }
  return "changed";
}

void ChangeFeed::publish(Change change) { publish(std::vector<Change>{std::move(change)}); }

void ChangeFeed::publish(std::vector<Change> changes) {
  if (changes.empty()) return;
  std::map<int64_t, std::function<void()>> waiters;
  {
    std::lock_guard lock(mutex_);
    for (Change& change : changes) {
      recent_.push_back(std::move(change));
      ++last_;
      if (recent_.size() > kKept) recent_.pop_front();
    }
    waiters.swap(waiters_);
  }
  for (auto& [number, woken] : waiters) woken();
}

void ChangeFeed::reset() {
  std::map<int64_t, std::function<void()>> waiters;
  {
    std::lock_guard lock(mutex_);
    recent_.clear();
    ++last_;  // none of the numbers that were given is remembered
    waiters.swap(waiters_);
  }
  for (auto& [number, woken] : waiters) woken();
}

ChangeFeed::News ChangeFeed::since(int64_t seq) const {
  std::lock_guard lock(mutex_);
  News news;
  news.seq = last_;
  const int64_t oldest =
      last_ - static_cast<int64_t>(recent_.size());  // the one before the first kept
  if (seq < oldest || seq > last_) {
    news.reset = true;
    return news;
  }
  news.changes.assign(recent_.begin() + (seq - oldest), recent_.end());
  return news;
}

int64_t ChangeFeed::wait(std::function<void()> woken) {
  std::unique_lock lock(mutex_);
  if (closed_) {
    lock.unlock();
    woken();
    return 0;
  }
  waiters_.emplace(next_waiter_, std::move(woken));
  return next_waiter_++;
}

void ChangeFeed::close() {
  std::map<int64_t, std::function<void()>> waiters;
  {
    std::lock_guard lock(mutex_);
    closed_ = true;
    waiters.swap(waiters_);
  }
  for (auto& [number, woken] : waiters) woken();
}

bool ChangeFeed::is_closed() const {
  std::lock_guard lock(mutex_);
  return closed_;
}

void ChangeFeed::cancel(int64_t waiter) {
  std::lock_guard lock(mutex_);
  waiters_.erase(waiter);
}

}  // namespace holdfast
