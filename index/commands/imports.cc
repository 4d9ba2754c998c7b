#include "index/commands/imports.h"

#include "base/limits.h"
#include "index/rows.h"

namespace holdfast {
namespace {

Result<ImportRow> need_import(Database& index, const ImportId& import) {
  HOLDFAST_ASSIGN(row, find_import(index, import));
  if (!row) return Error{Code::kNotFound, "there is no import " + import.text()};
  return *std::move(row);
}

// Makes room for one more: those that are over go, the oldest first.
Status forget_old(Database& index, WorkspaceNo workspace_no) {
  const auto count = [&]() -> Result<int64_t> {
    Statement statement = index.prepare("SELECT count(*) FROM import WHERE workspace_no = ?1");
    statement.bind(workspace_no.value);
    HOLDFAST_ASSIGN(found, statement.step());
    return found ? statement.next<int64_t>() : 0;
  };
  HOLDFAST_ASSIGN(before, count());
  if (before < limits::kImportsKept) return {};
  HOLDFAST_TRY(rows::run(index,
                         "DELETE FROM import WHERE import_no IN (SELECT import_no FROM import "
                         "WHERE workspace_no = ?1 AND state <> 0 ORDER BY import_no LIMIT ?2)",
                         workspace_no.value, before - limits::kImportsKept + 1));
  HOLDFAST_ASSIGN(after, count());
  if (after < limits::kImportsKept) return {};
  return Error{Code::kExhausted, "the workspace has " + std::to_string(limits::kImportsKept) +
                                     " imports that are not over; end some of them"};
}

Status check_growth(const ImportProgress& before, const ImportProgress& now) {
  const auto grows = [](int64_t old_count, int64_t count) { return count >= old_count; };
  if (!grows(before.calls_done, now.calls_done) || !grows(before.calls_stored, now.calls_stored) ||
      !grows(before.calls_already, now.calls_already) ||
      !grows(before.calls_failed, now.calls_failed) || !grows(before.bytes_done, now.bytes_done))
    return Error{Code::kInvalid, "the counts of an import never become less"};
  if (now.calls_done != now.calls_stored + now.calls_already + now.calls_failed)
    return Error{Code::kInvalid, "\"calls_done\" must be calls stored, already there and failed"};
  return {};
}

}  // namespace

Command<ImportRow> add_import(NewImport import) {
  const auto apply = [import = std::move(import)](WriteTxn& txn) -> Result<ImportRow> {
    HOLDFAST_TRY(forget_old(txn.index(), import.workspace_no));
    HOLDFAST_TRY(rows::run(
        txn.index(),
        "INSERT INTO import (import_id, workspace_no, who, label, source, state, calls_total, "
        "bytes_total, created_at, updated_at) VALUES (?1, ?2, ?3, ?4, ?5, 0, ?6, ?7, ?8, ?8)",
        import.import, import.workspace_no.value, import.who, import.label, import.source,
        import.calls_total, import.bytes_total, txn.now()));
    return need_import(txn.index(), import.import);
  };
  return {"add an import", apply};
}

Command<ImportRow> change_import(ImportId import, ImportProgress progress, ImportState state) {
  const auto apply = [import, progress = std::move(progress),
                      state](WriteTxn& txn) -> Result<ImportRow> {
    HOLDFAST_ASSIGN(row, need_import(txn.index(), import));
    if (row.state != ImportState::kRunning) {
      if (row.state == state && row.progress == progress) return row;
      return Error{Code::kConflict, "import " + import.text() + " is " +
                                        std::string(word(row.state)) + ": it changes no more"};
    }
    HOLDFAST_TRY(check_growth(row.progress, progress));
    std::optional<UnixMillis> ended_at;
    if (state != ImportState::kRunning) ended_at = txn.now();
    HOLDFAST_TRY(rows::run(
        txn.index(),
        "UPDATE import SET state = ?2, calls_total = ?3, bytes_total = ?4, calls_done = ?5, "
        "calls_stored = ?6, calls_already = ?7, calls_failed = ?8, bytes_done = ?9, cursor = ?10, "
        "error = ?11, updated_at = ?12, ended_at = ?13 WHERE import_no = ?1",
        row.import_no, state, progress.calls_total, progress.bytes_total, progress.calls_done,
        progress.calls_stored, progress.calls_already, progress.calls_failed, progress.bytes_done,
        progress.cursor, progress.error, txn.now(), ended_at));
    return need_import(txn.index(), import);
  };
  return {"change an import", apply};
}

}  // namespace holdfast
