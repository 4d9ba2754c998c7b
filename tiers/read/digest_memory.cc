#include "tiers/read/digest_memory.h"

#include <cassert>

#include "io/digest.h"

namespace holdfast {
namespace {

int64_t nanoseconds(const struct timespec& time) {
  return int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

}  // namespace

FileIdentity identity_of(const struct stat& status) {
  return FileIdentity{status.st_dev, status.st_ino, status.st_size, nanoseconds(status.st_mtim),
                      nanoseconds(status.st_ctim)};
}

DigestMemory::DigestMemory(const Clock& clock, size_t capacity)
    : clock_(clock), capacity_(capacity) {
  assert(capacity >= 1);
}

bool DigestMemory::is_fresh(const FileIdentity& file, const Digest& digest) {
  const std::lock_guard lock(mutex_);
  const auto found = by_inode_.find(Key{file.device, file.inode});
  if (found == by_inode_.end()) return false;
  const Entry& entry = *found->second;
  if (entry.file != file || entry.digest != digest) return false;
  if (clock_.monotonic().count - entry.checked_at.count >= kFreshFor.count) return false;
  entries_.splice(entries_.begin(), entries_, found->second);
  return true;
}

void DigestMemory::remember(const FileIdentity& file, const Digest& digest) {
  const std::lock_guard lock(mutex_);
  const Key key{file.device, file.inode};
  if (const auto found = by_inode_.find(key); found != by_inode_.end()) {
    entries_.erase(found->second);
    by_inode_.erase(found);
  }
  entries_.push_front(Entry{file, digest, clock_.monotonic()});
  by_inode_[key] = entries_.begin();
  if (entries_.size() > capacity_) {
    by_inode_.erase(Key{entries_.back().file.device, entries_.back().file.inode});
    entries_.pop_back();
  }
}

size_t DigestMemory::size() const {
  const std::lock_guard lock(mutex_);
  return entries_.size();
}

Status ensure_digest(Io& io, const Fd& file, Bytes size, const Digest& digest,
                     DigestMemory& memory) {
  HOLDFAST_ASSIGN(before, status_of(file.get(), "the file to be read"));
  if (before.st_size != size.count)
    return Error{Code::kCorrupt, "check a plain file: it has " + std::to_string(before.st_size) +
                                     " bytes instead of " + std::to_string(size.count)};
  const FileIdentity identity = identity_of(before);
  if (memory.is_fresh(identity, digest)) return {};
  HOLDFAST_ASSIGN(found, digest_file(io, file.get(), size));
  if (found != digest)
    return Error{Code::kCorrupt, "check a plain file: its SHA-256 is " + found.hex() +
                                     " instead of " + digest.hex()};
  HOLDFAST_ASSIGN(after, status_of(file.get(), "the file to be read"));
  if (identity_of(after) != identity)
    return Error{Code::kCorrupt, "check a plain file: it changed while it was read"};
  memory.remember(identity, digest);
  return {};
}

}  // namespace holdfast
