// SQLite's files, whose operations a test lets fail, in every thread of the process: reads, writes,
// syncs and the rest of what reaches a disk. What SQLite maps into memory (the -shm) does not fail.
#pragma once

#include <sqlite3.h>

#include <cerrno>

#include "index/read/sqlite_settings.h"
#include "tests/support/faults.h"

namespace holdfast::testing {

// ENOSPC is told as SQLITE_FULL, anything else as an I/O error of that operation.
//
// Takes the place of SQLite's own VFS: one for the whole program, made before it opens any
// database.
class FailingFiles {
 public:
  static FailingFiles& instance() {
    static FailingFiles files;
    return files;
  }

  // Each operation is a point of `target`, until another is aimed at; nullptr: none fails.
  void aim(Faults* target) { faults_.aim(target); }
  bool is_in_place() const { return sqlite3_vfs_find(nullptr) == &vfs_; }

 private:
  // SQLite's file, behind which lies the real one.
  struct File {
    sqlite3_file base;
    sqlite3_io_methods methods;
  };
  static sqlite3_file* real(sqlite3_file* file) {
    return reinterpret_cast<sqlite3_file*>(reinterpret_cast<File*>(file) + 1);
  }
  static const sqlite3_io_methods& methods(sqlite3_file* file) { return *real(file)->pMethods; }

  FailingFiles() {
    configure_sqlite();  // the look-up below ends the time for it
    real_ = sqlite3_vfs_find(nullptr);
    if (real_ == nullptr) return;
    vfs_ = *real_;
    vfs_.zName = "failing";
    vfs_.szOsFile = static_cast<int>(sizeof(File)) + real_->szOsFile;
    vfs_.xOpen = [](sqlite3_vfs*, const char* name, sqlite3_file* file, int flags, int* out) {
      return instance().open(name, file, flags, out);
    };
    vfs_.xDelete = [](sqlite3_vfs*, const char* name, int sync) {
      if (const int failed = refusal("delete", SQLITE_IOERR_DELETE)) return failed;
      return instance().real_->xDelete(instance().real_, name, sync);
    };
    sqlite3_vfs_register(&vfs_, 1);
  }

  int open(const char* name, sqlite3_file* file, int flags, int* out) {
    file->pMethods = nullptr;
    if (const int failed = refusal("open", SQLITE_CANTOPEN)) return failed;
    const int code = real_->xOpen(real_, name, real(file), flags, out);
    if (real(file)->pMethods == nullptr) return code;
    auto& own = reinterpret_cast<File*>(file)->methods;
    own = methods(file);
    pass_on(own);
    own.xRead = [](sqlite3_file* f, void* to, int size, sqlite3_int64 at) {
      if (const int failed = refusal("read", SQLITE_IOERR_READ)) return failed;
      return methods(f).xRead(real(f), to, size, at);
    };
    own.xWrite = [](sqlite3_file* f, const void* from, int size, sqlite3_int64 at) {
      if (const int failed = refusal("write", SQLITE_IOERR_WRITE)) return failed;
      return methods(f).xWrite(real(f), from, size, at);
    };
    own.xTruncate = [](sqlite3_file* f, sqlite3_int64 size) {
      if (const int failed = refusal("truncate", SQLITE_IOERR_TRUNCATE)) return failed;
      return methods(f).xTruncate(real(f), size);
    };
    own.xSync = [](sqlite3_file* f, int how) {
      if (const int failed = refusal("sync", SQLITE_IOERR_FSYNC)) return failed;
      return methods(f).xSync(real(f), how);
    };
    own.xFileSize = [](sqlite3_file* f, sqlite3_int64* size) {
      if (const int failed = refusal("size", SQLITE_IOERR_FSTAT)) return failed;
      return methods(f).xFileSize(real(f), size);
    };
    file->pMethods = &own;
    return code;
  }

  // What never fails.
  static void pass_on(sqlite3_io_methods& own) {
    own.xClose = [](sqlite3_file* f) { return methods(f).xClose(real(f)); };
    own.xLock = [](sqlite3_file* f, int how) { return methods(f).xLock(real(f), how); };
    own.xUnlock = [](sqlite3_file* f, int how) { return methods(f).xUnlock(real(f), how); };
    own.xCheckReservedLock = [](sqlite3_file* f, int* out) {
      return methods(f).xCheckReservedLock(real(f), out);
    };
    own.xFileControl = [](sqlite3_file* f, int op, void* argument) {
      return methods(f).xFileControl(real(f), op, argument);
    };
    own.xSectorSize = [](sqlite3_file* f) { return methods(f).xSectorSize(real(f)); };
    own.xDeviceCharacteristics = [](sqlite3_file* f) {
      return methods(f).xDeviceCharacteristics(real(f));
    };
    own.xShmMap = [](sqlite3_file* f, int region, int size, int extend, void volatile** out) {
      return methods(f).xShmMap(real(f), region, size, extend, out);
    };
    own.xShmLock = [](sqlite3_file* f, int offset, int n, int flags) {
      return methods(f).xShmLock(real(f), offset, n, flags);
    };
    own.xShmBarrier = [](sqlite3_file* f) { methods(f).xShmBarrier(real(f)); };
    own.xShmUnmap = [](sqlite3_file* f, int remove) {
      return methods(f).xShmUnmap(real(f), remove);
    };
    own.xFetch = [](sqlite3_file* f, sqlite3_int64 at, int size, void** out) {
      return methods(f).xFetch(real(f), at, size, out);
    };
    own.xUnfetch = [](sqlite3_file* f, sqlite3_int64 at, void* page) {
      return methods(f).xUnfetch(real(f), at, page);
    };
  }

  // SQLITE_OK: it may go on.
  static int refusal(const char* point, int code) {
    const Status allowed = instance().faults_.at(point);
    if (allowed.ok()) return SQLITE_OK;
    return allowed.error().system_errno == ENOSPC ? SQLITE_FULL : code;
  }

  AimedFaults faults_;
  sqlite3_vfs* real_ = nullptr;
  sqlite3_vfs vfs_{};
};

}  // namespace holdfast::testing
