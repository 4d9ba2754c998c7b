// Copies of index.db and secrets.db, taken while the archive runs.
//
//   <backup.path>/<yyyymmddThhmmssZ>-<applied_seq>/index.db, secrets.db, manifest.json
//
// A directory appears whole, by one rename, after its files are durable; names that begin with
// ".tmp-" are unfinished. manifest.json is canonical JSON: sizes and SHA-256 of the two files, the
// last decision that the index has, and the archive. Everything is for the daemon's user alone.
//
// An index from a backup is an older index: copied into state_dir it is brought up to date from
// the ledger at the next start.
#pragma once

#include <atomic>
#include <functional>
#include <mutex>
#include <optional>
#include <string>

#include "daemon/work/archive.h"

namespace holdfast {

struct BackupInfo {
  std::string directory;  // whole path
  UnixMillis at;
  int64_t applied_seq = 0;
  Bytes index_size;
  Digest index_sha256;
  Bytes secrets_size;
  Digest secrets_sha256;
};

// The newest complete one; nothing when there is none, or no directory.
Result<std::optional<BackupInfo>> newest_backup(Io& io, const std::string& path);
// Puts its secrets.db into the state directory, where none is. kCorrupt when they are not what the
// manifest says.
Status restore_secrets(Io& io, const BackupInfo& backup, const Fd& state_directory);

struct BackupStanding {
  bool running = false;
  int64_t pages_done = 0;
  int64_t pages_all = 0;
  std::optional<BackupInfo> last;
  std::string error;  // of the last try; empty: it went well, or there was none
};

// Thread rule: run() and now() on one thread at a time (a lane's); the rest on any.
class Backups {
 public:
  explicit Backups(const Archive& archive) : archive_(archive) {}

  // Makes one when it is due, or was asked for.
  void run(Io& io);
  // The next run() makes one, due or not.
  void ask() { asked_ = true; }
  void stop() { stopping_ = true; }  // a copy under way ends unfinished

  Result<BackupInfo> now(Io& io);
  BackupStanding standing() const;

 private:
  Result<bool> is_due(Io& io);
  Result<int64_t> copy(const std::string& schema, const std::string& path);
  Status thin_out(Io& io, const Fd& root);
  void set(const std::function<void(BackupStanding&)>& change);

  Archive archive_;
  std::atomic<bool> asked_{false};
  std::atomic<bool> stopping_{false};
  bool looked_ = false;  // for the last one, once
  UnixMillis tried_at_;
  mutable std::mutex mutex_;
  BackupStanding standing_;
};

}  // namespace holdfast
