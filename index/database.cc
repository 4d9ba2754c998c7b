#include "index/database.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <cerrno>
#include <utility>

#include "index/read/sqlite_settings.h"
#include "index/schema.h"
#include "io/fd.h"

namespace holdfast {
namespace {

// Large transactions must not leave a large -wal behind for ever (PERSIST_WAL never removes it).
constexpr int64_t kWalBytesKept = int64_t{64} << 20;

// Makes the file with its mode before SQLite does: -wal and -shm take theirs from it.
Status prepare_file(const std::string& path, unsigned mode) {
  Fd file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, mode));
  if (!file) return system_error(errno, "open " + path);
  if (::fchmod(file.get(), mode) != 0) return system_error(errno, "set the mode of " + path);
  return Status();
}

Result<std::shared_ptr<void>> take_lock(const std::string& path) {
  auto lock = std::make_shared<Fd>(
      ::open((path + ".lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!*lock) return system_error(errno, "open " + path + ".lock");
  if (::flock(lock->get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno == EWOULDBLOCK)
      return Error{Code::kUnavailable, "open " + path + " for writing: another process has it"};
    return system_error(errno, "lock " + path);
  }
  return std::shared_ptr<void>(std::move(lock));
}

Result<bool> is_empty_schema(Database& database, const std::string& name) {
  Statement statement = database.prepare("SELECT count(*) FROM " + name + ".sqlite_schema");
  HOLDFAST_ASSIGN(row, statement.step());
  return row && statement.next<int64_t>() == 0;
}

// WAL with full syncs, and the -wal and -shm files kept when the last connection closes.
Status set_journal(Database& database, const std::string& name, const std::string& path) {
  {
    Statement statement = database.prepare("PRAGMA " + name + ".journal_mode = WAL");
    HOLDFAST_ASSIGN(row, statement.step());
    if (!row || statement.next<std::string>() != "wal")
      return Error{Code::kIo, "open " + path + ": the file system does not carry a WAL"};
  }
  HOLDFAST_TRY(database.execute("PRAGMA " + name + ".synchronous = FULL"));
  HOLDFAST_TRY(database.execute("PRAGMA " + name +
                                ".journal_size_limit = " + std::to_string(kWalBytesKept)));
  int keep = 1;
  const int code =
      sqlite3_file_control(database.handle(), name.c_str(), SQLITE_FCNTL_PERSIST_WAL, &keep);
  if (code != SQLITE_OK) return database.error(code, "keep the -wal file of " + path);
  return Status();
}

// What one file is, and what brings it to the present version.
struct Plan {
  std::string name;  // of the schema in SQL
  std::string path;
  int32_t application_id;
  int version;
  const std::vector<Migration>& migrations;
};

Status migrate(Database& database, const Plan& plan) {
  HOLDFAST_ASSIGN(stamp, schema_stamp(database, plan.name));
  HOLDFAST_ASSIGN(empty, is_empty_schema(database, plan.name));
  if (!empty || stamp.application_id != 0 || stamp.version != 0)
    HOLDFAST_TRY(check_stamp(stamp, plan.application_id, plan.version, plan.path));
  for (int version = stamp.version + 1; version <= plan.version; ++version) {
    HOLDFAST_ASSIGN(transaction, Transaction::begin(database));
    const Migration& step = plan.migrations[static_cast<size_t>(version - 1)];
    HOLDFAST_TRY(database.execute(std::string(step.tables)));
    HOLDFAST_TRY(database.execute(std::string(step.triggers)));
    HOLDFAST_TRY(database.execute("PRAGMA " + plan.name +
                                  ".application_id = " + std::to_string(plan.application_id)));
    HOLDFAST_TRY(
        database.execute("PRAGMA " + plan.name + ".user_version = " + std::to_string(version)));
    HOLDFAST_TRY(transaction.commit());
  }
  return Status();
}

}  // namespace

// Has the right to make a writing Database.
class DatabaseOpener {
 public:
  static Result<Database> open(const std::string& path, const WriteOptions& options) {
    HOLDFAST_ASSIGN(lock, take_lock(path));
    HOLDFAST_TRY(prepare_file(path, options.mode));
    HOLDFAST_ASSIGN(database, connect(path));
    database.lock_ = std::move(lock);
    HOLDFAST_TRY(settle(database, options));
    return database;
  }

  static Result<Database> open_beside(const std::string& path, const std::string& schema) {
    HOLDFAST_ASSIGN(lock, take_lock(path));
    HOLDFAST_TRY(prepare_file(path, 0600));
    HOLDFAST_ASSIGN(database, connect(path));
    database.lock_ = std::move(lock);
    HOLDFAST_TRY(database.execute("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL"));
    HOLDFAST_TRY(database.execute(schema));
    return database;
  }

  static Result<Database> connect(const std::string& path) {
    configure_sqlite();
    sqlite3* handle = nullptr;
    const int code = sqlite3_open_v2(path.c_str(), &handle,
                                     SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, nullptr);
    Database database(std::unique_ptr<sqlite3, Database::Close>(handle), path);
    if (code != SQLITE_OK) return database.error(code, "open " + path);
    sqlite3_extended_result_codes(handle, 1);
    sqlite3_busy_timeout(handle, 5000);
    return database;
  }

 private:
  static Status settle(Database& database, const WriteOptions& options) {
    const Plan index = {"main", database.path(), kIndexApplicationId, kIndexSchemaVersion,
                        index_migrations()};
    // A foreign file is told before anything is written to it.
    if (Status known = recognise(database, index); !known.ok()) return known;
    HOLDFAST_TRY(set_journal(database, "main", database.path()));
    HOLDFAST_TRY(database.execute("PRAGMA foreign_keys = ON"));
    // Else a row that INSERT OR REPLACE takes the place of goes without its triggers.
    HOLDFAST_TRY(database.execute("PRAGMA recursive_triggers = ON"));
    HOLDFAST_TRY(database.execute("PRAGMA trusted_schema = OFF"));
    HOLDFAST_TRY(migrate(database, index));
    if (options.secrets_path.empty()) return Status();
    HOLDFAST_TRY(prepare_file(options.secrets_path, 0600));
    {
      Statement attach = database.prepare("ATTACH DATABASE ?1 AS secrets");
      if (Status attached = attach.bind(options.secrets_path).run(); !attached.ok())
        return attached.error().within("attach " + options.secrets_path);
    }
    const Plan secrets = {"secrets", options.secrets_path, kSecretsApplicationId,
                          kSecretsSchemaVersion, secrets_migrations()};
    HOLDFAST_TRY(recognise(database, secrets));
    HOLDFAST_TRY(set_journal(database, "secrets", options.secrets_path));
    return migrate(database, secrets);
  }

  static Status recognise(Database& database, const Plan& plan) {
    auto stamp = schema_stamp(database, plan.name);
    if (!stamp.ok() && (sqlite3_errcode(database.handle()) & 0xff) == SQLITE_NOTADB)
      return Error{Code::kInvalid, "open " + plan.path + ": not a Holdfast index"};
    if (!stamp.ok()) return stamp.error();
    HOLDFAST_ASSIGN(empty, is_empty_schema(database, plan.name));
    if (empty && stamp->application_id == 0 && stamp->version == 0) return Status();
    return check_stamp(*stamp, plan.application_id, plan.version, plan.path);
  }
};

Result<Database> open_for_writing(const std::string& path, const WriteOptions& options) {
  return DatabaseOpener::open(path, options);
}

Result<std::shared_ptr<void>> lock_index(const std::string& path) { return take_lock(path); }

Result<Database> open_beside_index(const std::string& path, const std::string& schema) {
  return DatabaseOpener::open_beside(path, schema);
}

Status settle_into_one_file(const std::string& path) {
  {
    HOLDFAST_ASSIGN(database, DatabaseOpener::connect(path));
    // Leaving WAL mode checkpoints and removes -wal and -shm; whoever opens it next enters it.
    Statement statement = database.prepare("PRAGMA journal_mode = DELETE");
    HOLDFAST_ASSIGN(row, statement.step());
    if (!row || statement.next<std::string>() != "delete")
      return Error{Code::kUnavailable, "settle " + path + ": somebody has it open"};
  }
  const Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) return system_error(errno, "open " + path);
  if (::fsync(file.get()) != 0) return system_error(errno, "sync " + path);
  return Status();
}

namespace {

void refuse_commits(Database& database) {
  sqlite3_commit_hook(
      database.handle(), [](void*) { return 1; }, nullptr);
}
void allow_commits(Database& database) { sqlite3_commit_hook(database.handle(), nullptr, nullptr); }

}  // namespace

Result<Transaction> Transaction::begin(Database& database) {
  Statement rollback = database.prepare("ROLLBACK");
  HOLDFAST_TRY(rollback.prepared());
  HOLDFAST_TRY(database.prepare("BEGIN IMMEDIATE").run());
  refuse_commits(database);
  return Transaction(&database, std::move(rollback));
}

Transaction::~Transaction() {
  if (database_ == nullptr) return;
  // A rollback fails where SQLite has rolled back on its own already. Where it fails otherwise the
  // connection stays within the transaction, which is seen before the next one begins.
  static_cast<void>(rollback_.run().ok());
  allow_commits(*database_);
}

Status Transaction::commit() {
  assert(database_ != nullptr);
  allow_commits(*database_);
  HOLDFAST_TRY(database_->prepare("COMMIT").run());
  database_ = nullptr;
  return Status();
}

Result<Savepoint> Savepoint::begin(Database& database) {
  // Else it would begin a transaction of its own, which its release commits.
  if (sqlite3_get_autocommit(database.handle()) != 0)
    return Error{Code::kIo, "use " + database.path() + ": the transaction was rolled back"};
  Statement undo = database.prepare("ROLLBACK TO command");
  HOLDFAST_TRY(undo.prepared());
  Statement release = database.prepare("RELEASE command");
  HOLDFAST_TRY(release.prepared());
  HOLDFAST_TRY(database.prepare("SAVEPOINT command").run());
  return Savepoint(std::move(undo), std::move(release));
}

Savepoint::~Savepoint() { static_cast<void>(undo().ok()); }

Status Savepoint::undo() {
  if (!undo_) return Status();
  HOLDFAST_TRY(std::exchange(undo_, std::nullopt)->run());
  return std::exchange(release_, std::nullopt)->run();
}

Status Savepoint::release() {
  assert(release_.has_value());
  undo_.reset();
  return std::exchange(release_, std::nullopt)->run();
}

}  // namespace holdfast
