#include "index/read/sqlite_settings.h"

#include <sqlite3.h>

#include "base/log.h"

namespace holdfast {
namespace {

// What a savepoint may have to give back, in memory; SQLite writes it into a temporary file beyond,
// in one piece, and its VFS writes no piece of 128 KiB or more (seekAndWriteFd takes the length
// modulo that, and calls it a full disk).
constexpr int kSavepointBytes = 120 << 10;

}  // namespace

void configure_sqlite() {
  static const bool configured = [] {
    const int code = sqlite3_config(SQLITE_CONFIG_STMTJRNL_SPILL, kSavepointBytes);
    if (code != SQLITE_OK)  // some code opened a connection by itself: slower, and nothing else
      log::warning("SQLite keeps its own settings: {}", sqlite3_errstr(code));
    return code == SQLITE_OK;
  }();
  static_cast<void>(configured);
}

}  // namespace holdfast
