#include "index/read/imports.h"

#include "index/read/columns.h"

namespace holdfast {
namespace {

const std::string kSelect =
    "SELECT import_no, import_id, workspace_no, who, label, source, state, calls_total, "
    "bytes_total, calls_done, calls_stored, calls_already, calls_failed, bytes_done, cursor, "
    "error, created_at, updated_at, ended_at FROM import ";

ImportRow read_import(Statement& row) {
  ImportRow out;
  out.import_no = row.next<int64_t>();
  out.import = row.next<ImportId>();
  out.workspace_no = row.next<WorkspaceNo>();
  out.who = row.next<std::string>();
  out.label = row.next<std::string>();
  out.source = row.next<std::string>();
  out.state = row.next<ImportState>();
  out.progress.calls_total = row.next<std::optional<int64_t>>();
  out.progress.bytes_total = row.next<std::optional<int64_t>>();
  out.progress.calls_done = row.next<int64_t>();
  out.progress.calls_stored = row.next<int64_t>();
  out.progress.calls_already = row.next<int64_t>();
  out.progress.calls_failed = row.next<int64_t>();
  out.progress.bytes_done = row.next<int64_t>();
  out.progress.cursor = row.next<std::string>();
  out.progress.error = row.next<std::string>();
  out.created_at = row.next<UnixMillis>();
  out.updated_at = row.next<UnixMillis>();
  out.ended_at = row.next<std::optional<UnixMillis>>();
  return out;
}

}  // namespace

std::string_view word(ImportState state) {
  switch (state) {
    case ImportState::kRunning:
      return "running";
    case ImportState::kFinished:
      return "finished";
    case ImportState::kFailed:
      return "failed";
    case ImportState::kCancelled:
      return "cancelled";
  }
  return "unknown";
}

std::optional<ImportState> import_state_of(std::string_view text) {
  for (const ImportState state : {ImportState::kRunning, ImportState::kFinished,
                                  ImportState::kFailed, ImportState::kCancelled})
    if (word(state) == text) return state;
  return std::nullopt;
}

Result<std::optional<ImportRow>> find_import(Database& index, const ImportId& import) {
  Statement statement = index.prepare(kSelect + "WHERE import_id = ?1");
  statement.bind(import);
  return columns::read_one(std::move(statement), read_import);
}

Result<std::vector<ImportRow>> list_imports(Database& index, const ImportQuestion& question) {
  // A workspace keeps limits::kImportsKept of them: a state is looked for among those.
  Statement statement =
      index.prepare(kSelect +
                    "INDEXED BY import_workspace WHERE workspace_no = ?1 AND import_no < ?2 "
                    "AND (?3 IS NULL OR state = ?3) ORDER BY import_no DESC LIMIT ?4");
  std::optional<int64_t> state;
  if (question.state) state = static_cast<int64_t>(*question.state);
  statement.bind(question.workspace_no.value, question.before.value_or(INT64_MAX), state,
                 question.limit);
  return columns::read_all(std::move(statement), read_import);
}

}  // namespace holdfast
