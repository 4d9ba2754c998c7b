#include "fuse/index_pool.h"

#include <cerrno>

namespace holdfast {

Result<std::unique_ptr<IndexPool::Connection>> IndexPool::take() {
  struct stat status {};
  if (::stat(path_.c_str(), &status) != 0) return system_error(errno, "find the index " + path_);
  int64_t generation = 0;
  {
    std::lock_guard lock(mutex_);
    if (!idle_.empty() &&
        (idle_.back()->device != status.st_dev || idle_.back()->inode != status.st_ino)) {
      idle_.clear();
      ++generation_;
    }
    if (!idle_.empty()) {
      std::unique_ptr<Connection> connection = std::move(idle_.back());
      idle_.pop_back();
      return connection;
    }
    generation = generation_;
  }
  HOLDFAST_ASSIGN(database, Database::open_read_only(path_));
  return std::unique_ptr<Connection>(
      new Connection{std::move(database), status.st_dev, status.st_ino, generation});
}

void IndexPool::give_back(std::unique_ptr<Connection> connection, bool spoiled) {
  std::lock_guard lock(mutex_);
  if (spoiled) {
    idle_.clear();
    ++generation_;
  }
  if (connection->generation == generation_) idle_.push_back(std::move(connection));
}

}  // namespace holdfast
