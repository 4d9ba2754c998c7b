#include "index/read/database.h"

#include <sys/stat.h>

#include <array>
#include <cassert>
#include <cerrno>
#include <limits>
#include <utility>

#include "index/read/sqlite_settings.h"

namespace holdfast {
namespace {

// Opening reads the header and the schema, so that a foreign file is told at once.
Status check_readable(Database& database) {
  Statement probe = database.prepare("SELECT count(*) FROM sqlite_schema");
  HOLDFAST_ASSIGN(row, probe.step());
  return row ? Status() : Error{Code::kCorrupt, "read the schema of " + database.path()};
}

Code code_of(int extended, std::string_view message) {
  switch (extended & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_INTERRUPT:
      return Code::kUnavailable;
    case SQLITE_FULL:
      return Code::kNoSpace;
    // Not kCorrupt: that says that a copy's bytes are wrong, and has the copy quarantined.
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return Code::kUnavailable;
    case SQLITE_TOOBIG:
      return Code::kTooLarge;
    case SQLITE_CONSTRAINT:
      if (extended == SQLITE_CONSTRAINT_TRIGGER && message.starts_with("locked: "))
        return Code::kLocked;
      if (extended == SQLITE_CONSTRAINT_COMMITHOOK) return Code::kIo;  // see Transaction
      // Its own text is lost when there is no memory for it, and with it what it meant.
      if (extended == SQLITE_CONSTRAINT_TRIGGER && !message.starts_with("conflict: "))
        return Code::kIo;
      return Code::kConflict;
    default:
      return Code::kIo;
  }
}

// 0: none. The connection keeps that of an older failure, which only two kinds set anew.
int errno_of(int primary, sqlite3* handle) {
  if (primary == SQLITE_NOMEM) return ENOMEM;
  if (primary != SQLITE_IOERR && primary != SQLITE_CANTOPEN) return 0;
  return handle == nullptr ? 0 : sqlite3_system_errno(handle);
}

}  // namespace

Statement::Statement(Database* database, sqlite3_stmt* statement, bool* in_use, Status prepared)
    : database_(database), statement_(statement), in_use_(in_use), failure_(std::move(prepared)) {}

Statement::Statement(Statement&& other) noexcept
    : database_(other.database_),
      statement_(std::exchange(other.statement_, nullptr)),
      in_use_(std::exchange(other.in_use_, nullptr)),
      failure_(std::move(other.failure_)),
      parameter_(other.parameter_),
      column_(other.column_) {}

Statement::~Statement() {
  if (statement_ == nullptr) return;
  if (in_use_ == nullptr) {
    sqlite3_finalize(statement_);  // repeats the error that step() told
    return;
  }
  sqlite3_reset(statement_);
  sqlite3_clear_bindings(statement_);
  *in_use_ = false;
}

void Statement::note(int code) {
  ++parameter_;
  if (code == SQLITE_OK || !failure_.ok()) return;
  failure_ = database_->error(code, "bind a value");
}

void Statement::bind_next(int64_t value) {
  if (statement_ != nullptr) note(sqlite3_bind_int64(statement_, parameter_, value));
}

void Statement::bind_next(double value) {
  if (statement_ != nullptr) note(sqlite3_bind_double(statement_, parameter_, value));
}

void Statement::bind_next(std::string_view text) {
  if (statement_ == nullptr) return;
  // A null pointer would bind NULL, and an empty text is not NULL.
  const char* data = text.data() == nullptr ? "" : text.data();
  note(sqlite3_bind_text64(statement_, parameter_, data, text.size(), SQLITE_TRANSIENT,
                           SQLITE_UTF8));
}

void Statement::bind_next(ByteSpan blob) {
  if (statement_ == nullptr) return;
  if (blob.empty())
    note(sqlite3_bind_zeroblob(statement_, parameter_, 0));
  else
    note(sqlite3_bind_blob64(statement_, parameter_, blob.data(), blob.size(), SQLITE_TRANSIENT));
}

void Statement::bind_next(std::nullopt_t) {
  if (statement_ != nullptr) note(sqlite3_bind_null(statement_, parameter_));
}

Result<bool> Statement::step() {
  HOLDFAST_TRY(failure_);
  column_ = 0;
  const int code = sqlite3_step(statement_);
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  return database_->error(code, "use " + database_->path());
}

Status Statement::run() {
  HOLDFAST_ASSIGN(row, step());
  assert(!row);
  static_cast<void>(row);
  return Status();
}

std::string_view Statement::text_at(int index) const {
  // The bytes of a text as they lie there. sqlite3_column_text would copy them to end them with a
  // zero, and give nothing, as for an empty text, where there is no memory for that.
  const auto* text = static_cast<const char*>(sqlite3_column_blob(statement_, index));
  if (text == nullptr) return {};
  return std::string_view(text, static_cast<size_t>(sqlite3_column_bytes(statement_, index)));
}

ByteSpan Statement::blob_at(int index) const {
  const auto* data = static_cast<const std::byte*>(sqlite3_column_blob(statement_, index));
  if (data == nullptr) return {};
  return ByteSpan(data, static_cast<size_t>(sqlite3_column_bytes(statement_, index)));
}

Statement Database::prepare(std::string_view sql) {
  auto found = cache_.find(sql);
  if (found != cache_.end() && !found->second->in_use) {
    found->second->in_use = true;
    return Statement(this, found->second->statement.get(), &found->second->in_use, Status());
  }
  const bool keep = found == cache_.end();
  sqlite3_stmt* statement = nullptr;
  const int code =
      sqlite3_prepare_v3(handle_.get(), sql.data(), static_cast<int>(sql.size()),
                         keep ? unsigned{SQLITE_PREPARE_PERSISTENT} : 0U, &statement, nullptr);
  if (code != SQLITE_OK)
    return Statement(this, nullptr, nullptr,
                     error(code, "prepare \"" + std::string(sql.substr(0, 60)) + "…\""));
  if (!keep) return Statement(this, statement, nullptr, Status());
  auto cached = std::make_unique<Cached>();
  cached->statement.reset(statement);
  cached->in_use = true;
  bool* in_use = &cached->in_use;
  cache_.emplace(std::string(sql), std::move(cached));
  return Statement(this, statement, in_use, Status());
}

Status Database::execute(const std::string& sql) {
  char* message = nullptr;
  const int code = sqlite3_exec(handle_.get(), sql.c_str(), nullptr, nullptr, &message);
  sqlite3_free(message);  // the same text as sqlite3_errmsg gives
  if (code != SQLITE_OK) return error(code, "use " + path_);
  return Status();
}

Result<int64_t> Database::data_version() {
  Statement statement = prepare("PRAGMA data_version");
  HOLDFAST_ASSIGN(row, statement.step());
  if (!row) return Error{Code::kCorrupt, "read the data version of " + path_};
  return statement.next<int64_t>();
}

Error Database::error(int code, std::string_view what) const {
  const int extended = handle_ ? sqlite3_extended_errcode(handle_.get()) : code;
  const char* text = handle_ ? sqlite3_errmsg(handle_.get()) : sqlite3_errstr(code);
  const std::string_view message = text == nullptr ? "" : text;
  Error result;
  result.code = code_of(extended == SQLITE_OK ? code : extended, message);
  const int primary = (extended == SQLITE_OK ? code : extended) & 0xff;
  if (result.code == Code::kIo) result.system_errno = errno_of(primary, handle_.get());
  // What a trigger says is meant for the caller; the rest is told with what was being done.
  const size_t colon = message.find(": ");
  if (extended == SQLITE_CONSTRAINT_TRIGGER && colon != std::string_view::npos)
    result.message = std::string(message.substr(colon + 2));
  else
    result.message = std::string(what) + ": " + std::string(message);
  if (primary == SQLITE_CORRUPT || primary == SQLITE_NOTADB)
    result.message +=
        " (the index is damaged: stop the daemon and have it made anew, holdfastd rebuild --anew)";
  return result;
}

Result<SchemaStamp> schema_stamp(Database& database, const std::string& name) {
  SchemaStamp stamp;
  {
    Statement statement = database.prepare("PRAGMA " + name + ".application_id");
    HOLDFAST_ASSIGN(row, statement.step());
    if (row) stamp.application_id = statement.next<int32_t>();
  }
  Statement statement = database.prepare("PRAGMA " + name + ".user_version");
  HOLDFAST_ASSIGN(row, statement.step());
  if (row) stamp.version = statement.next<int>();
  return stamp;
}

Status check_stamp(const SchemaStamp& stamp, int32_t application_id, int version,
                   const std::string& path) {
  if (stamp.application_id != application_id)
    return Error{Code::kInvalid, "open " + path + ": not a Holdfast " +
                                     (application_id == kIndexApplicationId ? "index" : "secrets") +
                                     " file (application id differs)"};
  if (stamp.version > version)
    return Error{Code::kInvalid, "open " + path + ": its schema is version " +
                                     std::to_string(stamp.version) + ", this program knows up to " +
                                     std::to_string(version) + "; install the newer Holdfast"};
  return Status();
}

Result<Database> Database::open_read_only(const std::string& path, ReadOnlyOptions options) {
  struct stat found = {};
  if (::stat(path.c_str(), &found) != 0) return system_error(errno, "open " + path);
  configure_sqlite();
  sqlite3* handle = nullptr;
  const int code =
      sqlite3_open_v2(path.c_str(), &handle, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, nullptr);
  Database database(std::unique_ptr<sqlite3, Close>(handle), path);
  if (code != SQLITE_OK) return database.error(code, "open " + path);
  sqlite3_extended_result_codes(handle, 1);
  sqlite3_busy_timeout(handle, static_cast<int>(options.busy_timeout.count));
  if (Status readable = check_readable(database); !readable.ok()) {
    const bool is_foreign = (sqlite3_errcode(database.handle()) & 0xff) == SQLITE_NOTADB;
    if (!is_foreign) return readable.error().within("open " + path);
    return Error{Code::kInvalid, "open " + path + ": not a Holdfast index"};
  }
  HOLDFAST_ASSIGN(stamp, schema_stamp(database, "main"));
  HOLDFAST_TRY(check_stamp(stamp, kIndexApplicationId, kIndexSchemaVersion, path));
  if (options.secrets_path.empty()) return database;
  {
    Statement attach = database.prepare("ATTACH DATABASE ?1 AS secrets");
    if (Status attached = attach.bind(options.secrets_path).run(); !attached.ok())
      return attached.error().within("attach " + options.secrets_path);
  }
  HOLDFAST_ASSIGN(secrets, schema_stamp(database, "secrets"));
  HOLDFAST_TRY(
      check_stamp(secrets, kSecretsApplicationId, kSecretsSchemaVersion, options.secrets_path));
  return database;
}

}  // namespace holdfast
