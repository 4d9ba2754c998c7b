#include "fuse/listings.h"

#include <algorithm>
#include <chrono>

#include "base/log.h"

namespace holdfast {

Status Listings::hand_out(uint64_t directory, bool told) {
  std::lock_guard lock(mutex_);
  if (!keep_ || !told) return pass(directory);
  if (kept_.contains(directory)) return Status();
  if (kept_.size() >= bounds_.kept_max) {
    HOLDFAST_TRY(pass(kept_.oldest()));
    kept_.pop();
  }
  kept_.push(directory);
  return Status();
}

Status Listings::pass(uint64_t directory) {
  if (passing_.contains(directory)) return Status();
  if (passing_.size() >= bounds_.passing_max)
    return Error{Code::kExhausted, "list a directory: too many listings wait to be dropped"};
  passing_.push(directory);
  passes_.notify_one();
  return Status();
}

bool Listings::pass_told(std::unique_lock<std::mutex>& lock, uint64_t directory) {
  done_.wait(lock, [&] {
    return closed_ || passing_.contains(directory) ||
           passing_.size() < (bounds_.passing_max + 1) / 2;
  });
  if (closed_ || !pass(directory).ok()) return false;
  const auto in_hand = in_hand_.find(directory);
  if (in_hand == in_hand_.end() || !in_hand->second.hangs) told_.insert(directory);
  return true;
}

void Listings::drop_listing(uint64_t directory) {
  std::unique_lock lock(mutex_);
  pass_told(lock, directory);
}

void Listings::drop_entry(uint64_t parent, const std::string& name) {
  std::unique_lock lock(mutex_);
  if (pass_told(lock, parent)) entries_[parent].insert(name);
}

void Listings::drop_all_listings() {
  std::unique_lock lock(mutex_);
  for (const uint64_t directory : kept_.take_all())
    if (!pass_told(lock, directory)) return;
}

void Listings::keep_listings(bool keep) {
  std::lock_guard lock(mutex_);
  keep_ = keep;
}

bool Listings::is_settled() const {
  return told_.empty() && std::none_of(in_hand_.begin(), in_hand_.end(),
                                       [](const auto& item) { return item.second.told; });
}

void Listings::settle() {
  const std::chrono::milliseconds patience(bounds_.patience.count);
  std::unique_lock lock(mutex_);
  for (;;) {
    const uint64_t before = told_done_;
    if (done_.wait_for(lock, patience, [this] { return closed_ || is_settled(); })) return;
    if (told_done_ != before) continue;
    told_.clear();
    for (auto& [directory, in_hand] : in_hand_) in_hand = InHand{.told = false, .hangs = true};
    log::warning("a program hangs in a listing; directories that are dropped when it goes on: {}",
                 in_hand_.size());
    return;
  }
}

std::optional<Drop> Listings::next_drop() {
  std::unique_lock lock(mutex_);
  std::optional<uint64_t> next;
  passes_.wait(lock, [&] {
    if (closed_) return true;
    next = passing_.pop_first([this](uint64_t one) { return !in_hand_.contains(one); });
    return next.has_value();
  });
  if (!next.has_value()) return std::nullopt;
  Drop drop{*next, {}};
  if (auto entries = entries_.extract(*next)) drop.entries = std::move(entries.mapped());
  in_hand_[*next].told = told_.erase(*next) > 0;
  done_.notify_all();
  return drop;
}

void Listings::dropped(uint64_t directory) {
  std::lock_guard lock(mutex_);
  if (in_hand_.at(directory).told) ++told_done_;
  in_hand_.erase(directory);
  passes_.notify_one();
  done_.notify_all();
}

void Listings::close() {
  std::lock_guard lock(mutex_);
  closed_ = true;
  passes_.notify_all();
  done_.notify_all();
}

void ListingDropper::start() {
  running_ = mount_limits::kDroppers;
  for (size_t i = 0; i < mount_limits::kDroppers; ++i) threads_.emplace_back([this] { run(); });
}

void ListingDropper::run() {
  while (const std::optional<Drop> drop = listings_.next_drop()) {
    for (const std::string& name : drop->entries) kernel_.drop_entry(drop->directory, name);
    kernel_.drop_listing(drop->directory);
    listings_.dropped(drop->directory);
  }
  std::lock_guard lock(mutex_);
  --running_;
  ended_.notify_all();
}

bool ListingDropper::stop(Millis patience) {
  listings_.close();
  {
    std::unique_lock lock(mutex_);
    if (!ended_.wait_for(lock, std::chrono::milliseconds(patience.count),
                         [this] { return running_ == 0; }))
      return false;
  }
  join();
  return true;
}

void ListingDropper::join() {
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

ListingDropper::~ListingDropper() {
  listings_.close();
  join();
}

}  // namespace holdfast
