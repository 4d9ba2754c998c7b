// Read-only connections to the index, one per thread that asks at once.
//
// The index belongs to another process, which may stop, crash, restart or be given another
// index.db (a rebuild). A connection is therefore never trusted to stay good: the pool compares
// the file at the path with the one it opened at every take(), and whoever meets an error gives
// its connection back as spoiled, which drops all that are idle. The next take() opens anew, so
// what a stopped daemon leaves (a -shm that nobody keeps up) is read by SQLite's recovery in
// memory; see docs/mount.md, "What the index must permit".
#pragma once

#include <sys/stat.h>

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "index/read/database.h"

namespace holdfast {

// Thread rule: every method may be called from any thread.
class IndexPool {
 public:
  explicit IndexPool(std::string path) : path_(std::move(path)) {}
  IndexPool(const IndexPool&) = delete;
  IndexPool& operator=(const IndexPool&) = delete;

  // Runs `work(Database&)` on a connection of its own and gives what it gives. `work` only reads;
  // when it fails other than by kNotFound it is run once more on a fresh connection.
  template <typename Work>
  auto read(Work work) -> decltype(work(std::declval<Database&>())) {
    for (int attempt = 0;; ++attempt) {
      Result<std::unique_ptr<Connection>> taken = take();
      if (!taken.ok()) return std::move(taken).error();
      auto answer = work((*taken)->database);
      const bool spoiled = !answer.ok() && is_index_failure(answer.error());
      give_back(std::move(*taken), spoiled);
      if (!spoiled || attempt > 0) return answer;
    }
  }

 private:
  struct Connection {
    Database database;
    dev_t device;
    ino_t inode;
    int64_t generation;
  };

  // The words of `work` itself (no such node, archived, a bad copy) are answers, not failures.
  static bool is_index_failure(const Error& error) {
    return error.code == Code::kIo || error.code == Code::kUnavailable;
  }
  Result<std::unique_ptr<Connection>> take();
  void give_back(std::unique_ptr<Connection> connection, bool spoiled);

  const std::string path_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<Connection>> idle_;
  int64_t generation_ = 0;  // connections of an older one are closed when they come back
};

}  // namespace holdfast
