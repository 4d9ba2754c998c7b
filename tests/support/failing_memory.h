// Allocations of SQLite that a test lets fail, in every thread of the process. SQLite tells each as
// SQLITE_NOMEM, or does without; what our own code allocates ends the process instead.
#pragma once

#include <sqlite3.h>

#include "tests/support/faults.h"

namespace holdfast::testing {

// Takes the place of SQLite's allocator, which cannot be given back: one for the whole program,
// made before it opens any database.
class FailingMemory {
 public:
  static FailingMemory& instance() {
    static FailingMemory memory;
    return memory;
  }

  // Each allocation is a point of `target`, until another is aimed at; nullptr: none fails.
  void aim(Faults* target) { faults_.aim(target); }
  // False where a database was open before: nothing fails then.
  bool is_in_place() const { return is_in_place_; }

 private:
  FailingMemory() {
    sqlite3_config(SQLITE_CONFIG_GETMALLOC, &real_);
    sqlite3_mem_methods methods = real_;
    methods.xMalloc = [](int size) -> void* {
      return instance().may("malloc") ? instance().real_.xMalloc(size) : nullptr;
    };
    methods.xRealloc = [](void* memory, int size) -> void* {
      return instance().may("realloc") ? instance().real_.xRealloc(memory, size) : nullptr;
    };
    is_in_place_ = sqlite3_config(SQLITE_CONFIG_MALLOC, &methods) == SQLITE_OK;
  }

  bool may(const char* point) { return faults_.at(point).ok(); }

  AimedFaults faults_;
  sqlite3_mem_methods real_{};
  bool is_in_place_ = false;
};

}  // namespace holdfast::testing
