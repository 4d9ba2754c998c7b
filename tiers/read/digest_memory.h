// Which plain files were found to be what the index says, and when (P5).
//
// A plain file on the fast tier is digested before its first read after a
// process started and again at most 24 h later. A check is remembered by device,
// inode, size, mtime and ctime together with the digest that was found: any
// change of the file makes it a new one. The daemon and the mount each have
// their own memory; nothing is kept on disk.
#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <list>
#include <mutex>
#include <unordered_map>

#include "base/clock.h"
#include "base/result.h"
#include "base/types.h"
#include "io/fd.h"
#include "io/io.h"

namespace holdfast {

// What a check is remembered by. Times in nanoseconds.
struct FileIdentity {
  uint64_t device = 0;
  uint64_t inode = 0;
  int64_t size = 0;
  int64_t modified_ns = 0;
  int64_t changed_ns = 0;
  bool operator==(const FileIdentity&) const = default;
};
FileIdentity identity_of(const struct stat& status);

// Thread rule: every method may be called from any thread.
class DigestMemory {
 public:
  // A check of one file is good for this long.
  static constexpr Millis kFreshFor = hours(24);

  // Keeps `capacity` files (1 or more, about 150 bytes each), the least recently used leave first.
  DigestMemory(const Clock& clock, size_t capacity = 100'000);

  // Was exactly this file found to have this digest within the last 24 h (monotonic time)?
  bool is_fresh(const FileIdentity& file, const Digest& digest);
  void remember(const FileIdentity& file, const Digest& digest);
  size_t size() const;

 private:
  struct Entry {
    FileIdentity file;
    Digest digest;
    Millis checked_at;
  };
  struct Key {
    uint64_t device;
    uint64_t inode;
    bool operator==(const Key&) const = default;
  };
  struct KeyHash {
    size_t operator()(const Key& key) const noexcept {
      return static_cast<size_t>(key.inode * 0x9E3779B97F4A7C15u ^ key.device);
    }
  };

  const Clock& clock_;
  const size_t capacity_;
  mutable std::mutex mutex_;
  std::list<Entry> entries_;  // most recently used first
  std::unordered_map<Key, std::list<Entry>::iterator, KeyHash> by_inode_;
};

// Makes sure that the open file has this size and digest: from memory, or by
// reading it whole. kCorrupt when it differs or changes while it is read.
// May read the whole file: a worker's work, not the loop's (ask is_fresh there).
Status ensure_digest(Io& io, const Fd& file, Bytes size, const Digest& digest,
                     DigestMemory& memory);

}  // namespace holdfast
