// Which listings the kernel may have, and what it is to drop.
//
// The kernel uses a listing that it has until it is told to drop it, or needs the memory; on Linux
// 5.1 and later it does not even ask first (Filesystem::opendir). So each directory is recorded
// here before it is listed:
//
//   unknown ── handed out, and its changes are told ──► kept
//   kept    ── too many others ──► passing
//   kept    ── drop_all_listings(), in its turn ──► passing
//   unknown ── handed out, and nobody tells its changes ──► passing
//   any     ── a change of it is told ──► passing, and as before
//   passing ── a dropper, at once ──► in hand ── the kernel has dropped it ──► unknown
//
// Invariants
//   - A directory of which the kernel has a listing is kept, passing, in hand, or awaits its turn
//     in a drop_all_listings(): that takes up to a million directories one by one, which lasts
//     seconds, and what it has not come to yet is still used.
//   - A drop waits for listings of the directory that are under way, so it drops also what was read
//     before the change and arrives after it.
//   - A directory is in one hand at a time. So one in which somebody hangs holds one dropper, and
//     nobody else: settle() gives such a directory up, and its drop is done when it can be. With
//     as many hung directories as there are droppers nothing is dropped until one is let go.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <unordered_set>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/types.h"
#include "fuse/kernel_cache.h"
#include "fuse/limits.h"

namespace holdfast {

struct ListingBounds {
  size_t kept_max = mount_limits::kKeptListingsMax;
  size_t passing_max = mount_limits::kPassingListingsMax;
  Millis patience = Millis(mount_limits::kDropPatienceMs);
};

// Directories, each once, in the order in which they came.
class DirectoryQueue {
 public:
  bool contains(uint64_t directory) const { return members_.contains(directory); }
  size_t size() const { return order_.size(); }
  // One that is not there.
  void push(uint64_t directory) {
    members_.insert(directory);
    order_.push_back(directory);
  }
  // The one that has been there longest; there is one.
  uint64_t oldest() const { return order_.front(); }
  void pop() {
    members_.erase(order_.front());
    order_.pop_front();
  }
  // The oldest that `is_free`.
  template <typename IsFree>
  std::optional<uint64_t> pop_first(IsFree is_free) {
    for (auto at = order_.begin(); at != order_.end(); ++at) {
      if (!is_free(*at)) continue;
      const uint64_t directory = *at;
      members_.erase(directory);
      order_.erase(at);
      return directory;
    }
    return std::nullopt;
  }
  std::deque<uint64_t> take_all() {
    members_.clear();
    return std::exchange(order_, {});
  }

 private:
  std::unordered_set<uint64_t> members_;
  std::deque<uint64_t> order_;
};

// What is to be dropped of one directory: entries first, so that whoever lists it afterwards looks
// them up again.
struct Drop {
  uint64_t directory = 0;
  std::set<std::string> entries;
};

// Thread rule: any thread; those of KernelCache by its own rule.
class Listings final : public KernelCache {
 public:
  explicit Listings(ListingBounds bounds = ListingBounds()) : bounds_(bounds) {}
  Listings(const Listings&) = delete;
  Listings& operator=(const Listings&) = delete;

  // To be called before the index is read for a listing of the directory. `told`: the daemon tells
  // when its listing changes. kExhausted: the listing cannot be recorded, and so not be given.
  Status hand_out(uint64_t directory, bool told);

  // While half of passing_max waits these wait, so that there is room for what is handed out.
  void drop_listing(uint64_t directory) override;
  void drop_entry(uint64_t parent, const std::string& name) override;
  void drop_all_listings() override;
  // Nobody tells changes until this says so.
  void keep_listings(bool keep) override;
  // Returns without what made no progress for ListingBounds::patience.
  void settle() override;

  // Waits for something to drop. Nothing: closed. The caller drops it, and then calls dropped().
  std::optional<Drop> next_drop();
  void dropped(uint64_t directory);
  // Ends all waiting here; what waits to be dropped stays so.
  void close();

 private:
  struct InHand {
    bool told = false;   // settle() waits for it
    bool hangs = false;  // settle() has given it up
  };

  Status pass(uint64_t directory);
  bool pass_told(std::unique_lock<std::mutex>& lock, uint64_t directory);  // false: closed
  bool is_settled() const;

  const ListingBounds bounds_;
  std::mutex mutex_;
  std::condition_variable passes_;  // or is free again, or closed
  std::condition_variable done_;    // or in hand, or closed
  bool keep_ = false;
  bool closed_ = false;
  DirectoryQueue kept_;
  DirectoryQueue passing_;
  std::map<uint64_t, std::set<std::string>>
      entries_;                         // of passing ones; of each, what once was there
  std::unordered_set<uint64_t> told_;   // of passing ones, those of settle()
  std::map<uint64_t, InHand> in_hand_;  // at most one per dropper
  uint64_t told_done_ = 0;
};

// The threads that drop what passes.
class ListingDropper {
 public:
  // Both outlive this.
  ListingDropper(Listings& listings, KernelNotices& kernel)
      : listings_(listings), kernel_(kernel) {}
  // Waits for drops under way, however long they take.
  ~ListingDropper();
  ListingDropper(const ListingDropper&) = delete;
  ListingDropper& operator=(const ListingDropper&) = delete;

  void start();
  // Closes the listings, and waits for drops under way. Whoever answers the kernel must still do
  // so: they may wait for it. False: one was not done within `patience`.
  bool stop(Millis patience);

 private:
  void run();
  void join();

  Listings& listings_;
  KernelNotices& kernel_;
  std::mutex mutex_;
  std::condition_variable ended_;
  size_t running_ = 0;
  std::vector<std::thread> threads_;
};

}  // namespace holdfast
