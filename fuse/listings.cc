#include "fuse/listings.h"

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
  changed_.notify_one();
  return Status();
}

void Listings::keep(bool keep) {
  std::lock_guard lock(mutex_);
  keep_ = keep;
}

std::deque<uint64_t> Listings::take_kept() {
  std::lock_guard lock(mutex_);
  return kept_.take_all();
}

std::optional<uint64_t> Listings::next_passing() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return closed_ || passing_.size() > 0; });
  if (closed_) return std::nullopt;
  return passing_.pop();
}

void Listings::close() {
  std::lock_guard lock(mutex_);
  closed_ = true;
  changed_.notify_all();
}

void ListingDropper::start() {
  thread_ = std::thread([this] {
    while (const std::optional<uint64_t> directory = listings_.next_passing())
      kernel_.drop_listing(*directory);
  });
}

void ListingDropper::stop() {
  listings_.close();
  if (thread_.joinable()) thread_.join();
}

}  // namespace holdfast
