// Tells the kernel what to forget: a thread that waits for the daemon's changes and drops the
// entries, attributes and directory pages that they touch. File pages are never dropped: the
// bytes of an inode are constant.
//
//   connected:  a batch after `seq` → drop what it names → pause kPollPauseMs → ask again from its
//   seq broken:     wait kReconnectMs, ask again; the first answer afterwards counts as a reset,
//   since
//               a daemon that was restarted counts anew
//   reset:      everything may have changed → drop every workspace's tree
#pragma once

#include <condition_variable>
#include <mutex>
#include <set>
#include <string>
#include <thread>

#include "fuse/daemon_link.h"
#include "fuse/index_pool.h"

namespace holdfast {

// What the kernel keeps of our tree. Thread rule: any thread, but never one that answers the
// kernel: a dropped entry waits for its directory's lock, which a request may hold.
class KernelCache {
 public:
  virtual ~KernelCache() = default;
  // Forgets attributes and listing of a directory. No effect on one it does not know.
  virtual void drop_listing(uint64_t directory) = 0;
  // Forgets an entry and, when it is a directory, all below it.
  virtual void drop_entry(uint64_t parent, const std::string& name) = 0;
  // No listing that was read before this call is used by an open that comes later.
  virtual void drop_all_listings() = 0;
};

class Invalidator {
 public:
  // All outlive this.
  Invalidator(DaemonLink& daemon, IndexPool& index, KernelCache& kernel)
      : daemon_(daemon), index_(index), kernel_(kernel) {}
  ~Invalidator() { stop(); }
  Invalidator(const Invalidator&) = delete;
  Invalidator& operator=(const Invalidator&) = delete;

  void start();
  void stop();

  // What a batch makes stale, for the thread and for tests.
  Status apply(const ChangeBatch& batch);

 private:
  void run();
  Status drop_everything();
  bool pause(Millis length);  // false: stop

  DaemonLink& daemon_;
  IndexPool& index_;
  KernelCache& kernel_;
  std::thread thread_;
  std::mutex mutex_;
  std::condition_variable stopped_;
  bool stop_ = false;
};

}  // namespace holdfast
