// Io: the per-thread context of file I/O that every file function takes.
//
// It owns a ring with its buffers, counts what is done, and is where faults are
// injected: every open, listing, read, write, sync, rename, unlink and mkdir of
// the product goes through here (or through functions that go through here).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/limits.h"
#include "base/result.h"
#include "base/types.h"
#include "io/fault.h"
#include "io/fd.h"
#include "io/pulse.h"
#include "io/ring.h"
#include "io/stream.h"

namespace holdfast {

struct IoOptions {
  bool force_fallback = false;        // pread/pwrite even where io_uring is allowed
  Faults* faults = nullptr;           // not owned; nullptr: none
  unsigned depth = limits::kIoDepth;  // operations in flight of one stream, 1 or more
  size_t block = limits::kIoBlock;    // bytes of one operation; a multiple of 4096
};

struct IoCounters {
  unsigned in_flight_max = 0;  // of the ring: 0 with pread/pwrite
  int64_t reads = 0;
  int64_t writes = 0;
  int64_t syncs = 0;       // fsync and fdatasync
  int64_t operations = 0;  // all of them, opens and renames too
};

enum class IfExists { kRefuse, kReplace };

// Why work must end now; nothing: it need not.
using Interruption = std::function<std::optional<Error>()>;

// Thread rule: one thread at a time; it may be opened on another.
class Io {
 public:
  static Result<std::unique_ptr<Io>> open(const IoOptions& options = IoOptions());
  ~Io();
  Io(const Io&) = delete;
  Io& operator=(const Io&) = delete;

  unsigned depth() const { return depth_; }
  size_t block() const { return block_; }
  std::string_view ring_kind() const;  // "io_uring" or "pread"
  IoCounters counters() const;
  // Beats with each operation; its thread says when it is at work.
  Pulse& pulse() { return pulse_; }
  // What the innermost of its Interruptibles (io/interruptible.h) that has a reason says.
  std::optional<Error> interruption() const;

  // open_beneath, open_root and Fd::duplicate with a fault point.
  Result<Fd> open(int dir_fd, std::string_view relative, int flags, mode_t mode = 0);
  Result<Fd> open_root(const std::string& path);
  Result<Fd> duplicate(const Fd& fd);
  // What lies in a directory, by a descriptor of its own.
  Result<DirectoryStream> list(int dir_fd);

  // Fills `out` from `offset`; kCorrupt when the file ends before.
  Status read_exactly(int fd, Bytes offset, MutableByteSpan out);
  // Writes all of `bytes` at `offset`.
  Status write_all(int fd, Bytes offset, ByteSpan bytes);

  // fsync(2) and fdatasync(2), and the proof that they are to be believed. `object` is what an
  // error names. After a failure the caller never syncs this file again: what the kernel keeps of
  // it is unknown.
  Status sync(int fd, std::string_view object);
  Status sync_data(int fd, std::string_view object);
  // That the file system of `fd` has not ended by now, so that whatever it said before was true.
  //
  // When a file system could not write its journal it throws away what it held, and waits for
  // nothing any more: a sync that comes then, or is under way, may report success (xfs: any of a
  // directory; ext4 and xfs: one that asks for a transaction which is no more). From that moment on
  // it lets no inode be changed (EIO, EROFS): a change that it takes comes before. It is the time
  // of the last access, which nobody reads. Where it cannot be changed, a sync's own word stands.
  Status prove_alive(int fd, std::string_view object);
  Status truncate(int fd, Bytes length, std::string_view object);

  // rename(2) within descriptors; kConflict when `to` exists and kRefuse was asked.
  // Nothing is synced.
  Status rename(int from_dir, std::string_view from, int to_dir, std::string_view to,
                IfExists if_exists);
  // Removes a file; kNotFound when it is absent. Nothing is synced.
  Status unlink(int dir_fd, std::string_view relative);
  Status remove_directory(int dir_fd, std::string_view relative);
  // False when it existed already. Nothing is synced.
  Result<bool> make_directory(int dir_fd, std::string_view relative, mode_t mode);

  // Directories whose names this Io has synced into their parents, so that the
  // next walk past them need not. The time of birth makes a reused inode another one.
  struct DirectoryKey {
    uint64_t device = 0;
    uint64_t inode = 0;
    int64_t birth_seconds = 0;
    uint32_t birth_nanoseconds = 0;
    auto operator<=>(const DirectoryKey&) const = default;
  };
  bool is_known_durable(const DirectoryKey& key) const { return durable_.count(key) != 0; }
  void remember_durable(const DirectoryKey& key);

  // For streams and uncached reads.

  // One block of page-aligned memory out of the Io's own, or nothing when all are lent.
  struct Buffer {
    std::byte* data = nullptr;
    size_t slot = 0;
    bool own = false;  // allocated because all were lent
  };
  std::optional<Buffer> lend_buffer();
  // Never nothing: allocates one when all are lent, so that a stream makes progress.
  Buffer need_buffer();
  void give_back(const Buffer& buffer);
  // Fault point, then the ring. A fault makes the operation done with its error.
  void start(RingOperation& operation);
  // kCorrupt for a read that met the end of the file before `expected` bytes.
  Status wait(RingOperation& operation, size_t expected);
  // The same of a sync; `object` is what an error names. Many at once: io/sync_group.h.
  Status wait_for_sync(RingOperation& operation, std::string_view object);

 private:
  friend class Interruptible;
  Io(const IoOptions& options, std::unique_ptr<Ring> ring);
  Status point(std::string_view name);
  void prepare_pool();

  struct Free {
    void operator()(std::byte* memory) const;
  };

  unsigned depth_;
  size_t block_;
  Faults* faults_;
  std::unique_ptr<Ring> ring_;
  // The blocks that are lent: made when the first is asked for.
  std::unique_ptr<std::byte, Free> memory_;
  std::vector<size_t> free_slots_;
  std::set<DirectoryKey> durable_;
  IoCounters counters_;
  Pulse pulse_;
  std::vector<const Interruption*> interruptions_;  // the outermost first
};

}  // namespace holdfast
