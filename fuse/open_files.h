// Opening a file of the mount and the files that are open.
//
//   find the part's place in the index → open it below the standard tier → the daemon writes the
//   access line (P4) → the whole file is digested unless that was done in the last 24 h (P5) →
//   the handle exists. Each read looks first whether the file is still the one that was digested;
//   if not, or after 24 h, it is digested again.
//
// Invariants: no handle without a durable access line; no byte of a file whose digest was not
// found right while it looked exactly as it looks now; nothing here asks for a recall (P8): an
// archived file answers kArchived (EREMOTEIO) before anybody is asked.
//
// metadata.json is answered from the index, at every tier, and is digested at every read.
#pragma once

#include <semaphore>
#include <string>
#include <unordered_map>

#include "base/clock.h"
#include "fuse/daemon_link.h"
#include "fuse/index_pool.h"
#include "fuse/inode.h"
#include "fuse/limits.h"
#include "io/io.h"
#include "tiers/read/digest_memory.h"

namespace holdfast {

struct Caller {
  uint32_t uid = 0;
  int32_t pid = 0;
};

// One open file. Constant after the open; several threads may read through it at once.
struct OpenFile {
  RecordingNo recording_no;
  std::string object;  // for messages: "<recording_id>.<part>/<file>"
  Bytes size;
  Digest sha256;
  Fd fd;  // none: metadata.json, from the index
};

// Thread rule: every method may be called from any thread.
class OpenFiles {
 public:
  // `standard_path` is the root of the standard medium. All arguments outlive this.
  OpenFiles(IndexPool& index, DaemonLink& daemon, const Clock& clock, std::string standard_path);
  OpenFiles(const OpenFiles&) = delete;
  OpenFiles& operator=(const OpenFiles&) = delete;

  // A handle for read(). kNotFound; kArchived (no readable copy here); kCorrupt (wrong bytes);
  // kExhausted (kOpenFilesMax); or why the daemon did not write the access line.
  Result<uint64_t> open(const Node& file, const Caller& caller);
  void close(uint64_t handle);
  // The open file of a handle that open() gave and nobody closed.
  std::shared_ptr<const OpenFile> find(uint64_t handle);

  // Ok when the plain file's bytes may leave now; kCorrupt otherwise. May read it whole.
  Status check(const OpenFile& file);
  // The bytes of metadata.json, all of them.
  Result<std::string> metadata(const OpenFile& file);

  size_t size() const;

 private:
  // Where the index says that a file is.
  struct Location {
    FileRow file;
    RecordingId recording;
    bool in_index = false;                 // metadata.json
    std::vector<std::string> directories;  // below the root, in the order to try
  };
  Result<Location> locate(const Node& node);
  Result<Fd> open_plain(const Location& location);
  Result<std::shared_ptr<const Fd>> root(bool anew);
  Result<std::unique_ptr<Io>> take_io();
  Status digest(const OpenFile& file);
  void report(const OpenFile& file, const Error& error);

  IndexPool& index_;
  DaemonLink& daemon_;
  const std::string standard_path_;
  DigestMemory digested_;
  std::counting_semaphore<mount_limits::kDigestsMax> digest_slots_;
  std::atomic<bool> refused_{false};  // the last open met a daemon that does not answer: told once

  mutable std::mutex mutex_;  // of what follows
  std::shared_ptr<const Fd> root_;
  std::vector<std::unique_ptr<Io>> idle_ios_;
  std::unordered_map<uint64_t, std::shared_ptr<const OpenFile>> open_;
  uint64_t next_handle_ = 1;
};

}  // namespace holdfast
