// A consistent copy of a database, made page by page with SQLite's backup API on
// the writing connection itself: what that connection writes meanwhile goes into
// the copy too, so it never starts over, and between two steps others write.
//
// Thread rule: every method on the thread of the source's connection.
#pragma once

#include <sqlite3.h>

#include <memory>
#include <string>

#include "index/database.h"

namespace holdfast {

class IndexCopy {
 public:
  // Schema `name` ("main", "secrets") of `source` into a new file at `path`, mode 0600.
  static Result<IndexCopy> begin(Database& source, const std::string& name,
                                 const std::string& path);
  // Copies at most `pages` more; true when all are there. kUnavailable when `source` is not the
  // connection that it began with (the writer opened it anew): begin again.
  Result<bool> step(Database& source, int pages);
  int pages_left() const { return left_; }
  int pages_all() const { return all_; }

 private:
  struct CloseTarget {
    void operator()(sqlite3* handle) const { sqlite3_close_v2(handle); }
  };
  struct FinishBackup {
    void operator()(sqlite3_backup* backup) const { sqlite3_backup_finish(backup); }
  };
  IndexCopy() = default;

  sqlite3* source_ = nullptr;
  std::string path_;
  std::unique_ptr<sqlite3, CloseTarget> target_;
  std::unique_ptr<sqlite3_backup, FinishBackup> backup_;  // finished before its target is closed
  int left_ = 0;
  int all_ = 0;
};

}  // namespace holdfast
