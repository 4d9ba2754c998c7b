// Imports: what clients have told of the trees that they bring in.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "index/read/database.h"
#include "index/read/records.h"

namespace holdfast {

using ImportId = Id<struct ImportTag>;

// The numbers are on disk: they never change. Only a running one changes.
enum class ImportState : int8_t { kRunning = 0, kFinished = 1, kFailed = 2, kCancelled = 3 };
std::string_view word(ImportState state);
std::optional<ImportState> import_state_of(std::string_view text);

// What a client tells of its progress; each count is at most calls_done, and grows.
struct ImportProgress {
  std::optional<int64_t> calls_total;  // when it has counted them
  std::optional<int64_t> bytes_total;
  int64_t calls_done = 0;     // stored, already there, and failed
  int64_t calls_stored = 0;   // new in the archive
  int64_t calls_already = 0;  // the archive had them
  int64_t calls_failed = 0;
  int64_t bytes_done = 0;  // of the calls done
  std::string cursor;      // the client's own: all before it is done
  std::string error;       // why it stands still or has failed; empty: it does not
  bool operator==(const ImportProgress&) const = default;
};

struct ImportRow {
  int64_t import_no = 0;
  ImportId import;
  WorkspaceNo workspace_no;
  std::string who;
  std::string label;
  std::string source;
  ImportState state = ImportState::kRunning;
  ImportProgress progress;
  UnixMillis created_at;
  UnixMillis updated_at;
  std::optional<UnixMillis> ended_at;
};

Result<std::optional<ImportRow>> find_import(Database& index, const ImportId& import);

// Of a workspace, newest first, before `before` (an import_no); state none: all.
struct ImportQuestion {
  WorkspaceNo workspace_no;
  std::optional<ImportState> state;
  std::optional<int64_t> before;
  int limit = 100;
};
Result<std::vector<ImportRow>> list_imports(Database& index, const ImportQuestion& question);

}  // namespace holdfast
