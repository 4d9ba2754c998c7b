// Which listings the kernel may have.
//
// The kernel uses a listing that it has until it is told to drop it, or needs the memory; on Linux
// 5.1 and later it does not even ask first (Filesystem::opendir). So each directory is recorded
// here before it is listed:
//
//   unknown ── handed out, and its changes are told ──► kept
//   kept    ── drop_all_listings(), or too many others ──► unknown, and dropped
//   unknown ── handed out, and nobody tells its changes ──► passing
//   passing ── ListingDropper, at once ──► unknown, and dropped
//
// Invariants: a directory of which the kernel has a listing is kept, passing, or just being
// dropped. A drop waits for listings of the directory that are under way, so it drops also what was
// read before the change and arrives after it.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <thread>
#include <unordered_set>
#include <utility>

#include "base/result.h"
#include "fuse/kernel_cache.h"
#include "fuse/limits.h"

namespace holdfast {

struct ListingBounds {
  size_t kept_max = mount_limits::kKeptListingsMax;
  size_t passing_max = mount_limits::kPassingListingsMax;
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
  uint64_t pop() {
    const uint64_t directory = order_.front();
    members_.erase(directory);
    order_.pop_front();
    return directory;
  }
  std::deque<uint64_t> take_all() {
    members_.clear();
    return std::exchange(order_, {});
  }

 private:
  std::unordered_set<uint64_t> members_;
  std::deque<uint64_t> order_;
};

// Thread rule: any thread.
class Listings {
 public:
  explicit Listings(ListingBounds bounds = ListingBounds()) : bounds_(bounds) {}
  Listings(const Listings&) = delete;
  Listings& operator=(const Listings&) = delete;

  // To be called before the index is read for a listing of the directory. `told`: the daemon tells
  // when its listing changes. kExhausted: the listing cannot be recorded, and so not be given.
  Status hand_out(uint64_t directory, bool told);
  // Whether anybody tells changes at all; nobody does until this says so.
  void keep(bool keep);
  // Forgets the kept ones; the caller drops them.
  std::deque<uint64_t> take_kept();
  // Waits for a directory that passes, and forgets it; the caller drops it. Nothing: closed.
  std::optional<uint64_t> next_passing();
  void close();

 private:
  Status pass(uint64_t directory);

  const ListingBounds bounds_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool keep_ = false;
  bool closed_ = false;
  DirectoryQueue kept_;
  DirectoryQueue passing_;
};

// The thread that drops what passes.
class ListingDropper {
 public:
  // Both outlive this.
  ListingDropper(Listings& listings, KernelCache& kernel) : listings_(listings), kernel_(kernel) {}
  ~ListingDropper() { stop(); }
  ListingDropper(const ListingDropper&) = delete;
  ListingDropper& operator=(const ListingDropper&) = delete;

  void start();
  // Closes the listings. Whoever answers the kernel must still do so: a drop may wait for it.
  void stop();

 private:
  Listings& listings_;
  KernelCache& kernel_;
  std::thread thread_;
};

}  // namespace holdfast
