// Several syncs at once. Each fsync(2) waits for a commit of the file system; those that are asked
// for together share one, and one after the other each waits for its own. All of a group are on one
// file system.
#pragma once

#include <deque>
#include <string>

#include "io/io.h"

namespace holdfast {

// Thread rule: that of its Io.
class SyncGroup {
 public:
  explicit SyncGroup(Io& io) : io_(io) {}
  ~SyncGroup();  // waits: a sync that has begun cannot be called off
  SyncGroup(const SyncGroup&) = delete;
  SyncGroup& operator=(const SyncGroup&) = delete;

  // Begins fsync(2) of a file or directory, which stays open until wait() has returned. `object` is
  // what an error names.
  void add(int fd, std::string object);
  // The same of fdatasync(2).
  void add_data(int fd, std::string object);
  // When all have ended, and are to be believed (Io::prove_alive): the first error, in the order in
  // which they were added. The caller never syncs a file again whose sync failed: what the kernel
  // keeps of it is unknown.
  Status wait();

 private:
  struct Sync {
    RingOperation operation;
    std::string object;
  };
  void start(RingOperation::Kind kind, int fd, std::string object);

  Io& io_;
  std::deque<Sync> syncs_;  // the ring knows where each is
};

}  // namespace holdfast
