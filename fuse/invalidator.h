// Tells the kernel what to forget: a thread that waits for the daemon's changes and drops the
// entries, attributes and listings that they touch. File pages are never dropped: the bytes of an
// inode are constant.
//
//   untold  ── an answer ──► told     what it names is dropped, everything when the link was broken
//                                     or the answer says "reset"; listings may be kept from now on
//   told    ── a batch ──► told       the same; a pause of kPollPauseMs, and the next long poll
//   told    ── no answer ──► untold   the link is broken: no listing is kept, those from before are
//                                     dropped one by one; kReconnectMs, and the next try
//
// It begins untold. A daemon that was restarted counts anew, so another run than that of the answer
// before is a reset, and so is a number that goes back.
#pragma once

#include <condition_variable>
#include <mutex>
#include <thread>

#include "fuse/daemon_link.h"
#include "fuse/index_pool.h"
#include "fuse/kernel_cache.h"

namespace holdfast {

class Invalidator {
 public:
  // All outlive this.
  Invalidator(DaemonLink& daemon, IndexPool& index, KernelCache& kernel)
      : daemon_(daemon), index_(index), kernel_(kernel) {}
  ~Invalidator() { stop(); }
  Invalidator(const Invalidator&) = delete;
  Invalidator& operator=(const Invalidator&) = delete;

  void start();
  // Returns soon if the kernel's cache lets go of it: Listings::close() comes first.
  void stop();

  // What a batch makes stale, for the thread and for tests.
  Status apply(const ChangeBatch& batch);

 private:
  void run();
  Status drop_everything();
  void end_telling(const Error& why);
  bool pause(Millis length);  // false: stop

  DaemonLink& daemon_;
  IndexPool& index_;
  KernelCache& kernel_;
  std::thread thread_;
  std::mutex mutex_;
  std::condition_variable stopped_;
  bool stop_ = false;
  // Of the thread.
  bool told_ = false;
  bool broken_ = false;  // untold, and the log says so
};

}  // namespace holdfast
