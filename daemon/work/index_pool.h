// Read-only connections to the index, lent to whoever needs one for a moment.
// A connection belongs to one thread at a time; the pool grows to the number of
// threads that read at once and no further.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "index/read/database.h"

namespace holdfast {

class IndexPool {
 public:
  // `secrets_path` as in ReadOnlyOptions; may be empty.
  IndexPool(std::string index_path, std::string secrets_path)
      : index_path_(std::move(index_path)), secrets_path_(std::move(secrets_path)) {}

  // A borrowed connection; goes back when let go. The pool outlives it.
  class Lease {
   public:
    Lease(IndexPool& pool, std::unique_ptr<Database> database)
        : pool_(&pool), database_(std::move(database)) {}
    Lease(Lease&&) = default;
    ~Lease() {
      if (database_) pool_->give_back(std::move(database_));
    }
    Database& operator*() { return *database_; }
    Database* operator->() { return database_.get(); }

   private:
    IndexPool* pool_;
    std::unique_ptr<Database> database_;
  };

  // Thread rule: any thread. kIo when a new connection cannot be opened.
  Result<Lease> take();

 private:
  void give_back(std::unique_ptr<Database> database);

  const std::string index_path_;
  const std::string secrets_path_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<Database>> idle_;
};

}  // namespace holdfast
