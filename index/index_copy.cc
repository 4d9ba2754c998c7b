#include "index/index_copy.h"

#include <fcntl.h>

#include <cerrno>

#include "io/fd.h"

namespace holdfast {
namespace {

Error failed(int code, const char* why, const std::string& path) {
  return Error{(code & 0xff) == SQLITE_FULL ? Code::kNoSpace : Code::kIo,
               "copy to " + path + ": " + why};
}
Error failed(sqlite3* handle, const std::string& path) {
  return failed(sqlite3_errcode(handle), sqlite3_errmsg(handle), path);
}

}  // namespace

Result<IndexCopy> IndexCopy::begin(Database& source, const std::string& name,
                                   const std::string& path) {
  {
    const Fd file(::open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!file) return system_error(errno, "make " + path);
  }
  IndexCopy copy;
  copy.source_ = source.handle();
  copy.path_ = path;
  sqlite3* handle = nullptr;
  const int opened =
      sqlite3_open_v2(path.c_str(), &handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, nullptr);
  copy.target_.reset(handle);
  if (opened != SQLITE_OK) return failed(handle, path);
  // The file counts once it was synced and named; until then a crash costs nothing but itself.
  if (sqlite3_exec(handle, "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF", nullptr, nullptr,
                   nullptr) != SQLITE_OK)
    return failed(handle, path);
  copy.backup_.reset(sqlite3_backup_init(handle, "main", source.handle(), name.c_str()));
  if (!copy.backup_) return failed(handle, path);
  return copy;
}

Result<bool> IndexCopy::step(Database& source, int pages) {
  if (source.handle() != source_) {
    backup_.reset();
    return Error{Code::kUnavailable, "copy to " + path_ + ": the index was opened anew meanwhile"};
  }
  const int code = sqlite3_backup_step(backup_.get(), pages);
  left_ = sqlite3_backup_remaining(backup_.get());
  all_ = sqlite3_backup_pagecount(backup_.get());
  if (code == SQLITE_DONE) {
    backup_.reset();
    target_.reset();
    return true;
  }
  // BUSY and LOCKED are somebody's passing hold of the file.
  if (code == SQLITE_OK || code == SQLITE_BUSY || code == SQLITE_LOCKED) return false;
  // A step leaves its error with no connection.
  return failed(code, sqlite3_errstr(code), path_);
}

}  // namespace holdfast
