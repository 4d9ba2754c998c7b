#include "daemon/work/index_pool.h"

namespace holdfast {

Result<IndexPool::Lease> IndexPool::take() {
  {
    std::lock_guard lock(mutex_);
    if (!idle_.empty()) {
      std::unique_ptr<Database> database = std::move(idle_.back());
      idle_.pop_back();
      return Lease(*this, std::move(database));
    }
  }
  ReadOnlyOptions options;
  options.secrets_path = secrets_path_;
  HOLDFAST_ASSIGN(database, Database::open_read_only(index_path_, options));
  return Lease(*this, std::make_unique<Database>(std::move(database)));
}

void IndexPool::give_back(std::unique_ptr<Database> database) {
  std::lock_guard lock(mutex_);
  idle_.push_back(std::move(database));
}

}  // namespace holdfast
