// Commands of imports. Each ingest has its own line; what a client tells of its progress has none.
#pragma once

#include "index/read/imports.h"
#include "index/writer.h"

namespace holdfast {

struct NewImport {
  ImportId import;
  WorkspaceNo workspace_no;
  std::string who;
  std::string label;
  std::string source;
  std::optional<int64_t> calls_total;
  std::optional<int64_t> bytes_total;
};
// The oldest of the workspace that are over go, beyond limits::kImportsKept. kExhausted when so
// many are running.
Command<ImportRow> add_import(NewImport import);

// What the client tells, and the state it is in by now. kNotFound; kInvalid when a count is less
// than it was or they do not add up; kConflict when it is over already and something differs (the
// same once more is no error).
Command<ImportRow> change_import(ImportId import, ImportProgress progress, ImportState state);

}  // namespace holdfast
