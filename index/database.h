// The writing half of index/read/database.h: how index.db is opened for writing,
// made and migrated, and transactions.
//
// One process at a time has a writing connection: it holds an exclusive flock on
// index.db.lock beside the file for as long as it lives.
#pragma once

#include <optional>
#include <utility>

#include "index/read/database.h"

namespace holdfast {

struct WriteOptions {
  // secrets.db, attached as schema `secrets`, mode 0600. Empty: without.
  std::string secrets_path;
  // Mode of index.db and its -wal and -shm: 0640 lets the mount's group read.
  unsigned mode = 0640;
};

// Opens index.db (and secrets.db) for writing, makes them when absent, and applies the
// migrations that are missing, each in its own transaction. WAL, synchronous=FULL, foreign keys,
// PERSIST_WAL. kInvalid: "not a Holdfast index", or a schema newer than this program.
Result<Database> open_for_writing(const std::string& path, const WriteOptions& options);

// Holds off every writer of the index at `path`: what open_for_writing holds. kUnavailable when
// another process has it.
Result<std::shared_ptr<void>> lock_index(const std::string& path);

// Opens or makes a database that is not the index: `schema` is run each time (CREATE … IF NOT
// EXISTS). Mode 0600, WAL, synchronous=NORMAL: what it holds can be gathered again.
Result<Database> open_beside_index(const std::string& path, const std::string& schema);
// Moves everything from the -wal into the file at `path`, which nobody has open, and removes -wal
// and -shm, so that the one file is all. Durable.
Status settle_into_one_file(const std::string& path);

// begin … commit; rolled back when it goes out of scope uncommitted. Meanwhile nothing is committed
// but by commit(): after a failure for which SQLite rolls all of it back by itself (no memory, no
// room, an I/O error), what a caller goes on to write would else be in force at once, alone.
class Transaction {
 public:
  static Result<Transaction> begin(Database& database);  // IMMEDIATE
  Transaction(Transaction&& other) noexcept
      : database_(std::exchange(other.database_, nullptr)), rollback_(std::move(other.rollback_)) {}
  Transaction& operator=(Transaction&&) = delete;
  ~Transaction();
  Status commit();

 private:
  Transaction(Database* database, Statement rollback)
      : database_(database), rollback_(std::move(rollback)) {}
  Database* database_;
  Statement rollback_;  // made in advance: when it is needed there may be no memory
};

// A nested scope within a transaction, whose changes are undone alone or released. When it goes out
// of scope it is undone, too, and a failure of that is nobody's: whoever needs to know calls
// undo().
class Savepoint {
 public:
  static Result<Savepoint> begin(Database& database);  // kIo: no transaction is open
  Savepoint(Savepoint&& other) noexcept
      : undo_(std::exchange(other.undo_, std::nullopt)),
        release_(std::exchange(other.release_, std::nullopt)) {}
  Savepoint& operator=(Savepoint&&) = delete;
  ~Savepoint();
  Status release();
  Status undo();  // an error: what changed since may still be there, within the transaction

 private:
  Savepoint(Statement undo, Statement release)
      : undo_(std::move(undo)), release_(std::move(release)) {}
  std::optional<Statement> undo_;  // made in advance, as above; nothing: it has ended
  std::optional<Statement> release_;
};

}  // namespace holdfast
