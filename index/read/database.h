// A thin owner of one SQLite connection and its cached statements.
//
// Values go in and come out as the strong types of base/types.h, so that a
// column of milliseconds never lands in a count of bytes. SQLite's codes are
// mapped once, in error():
//   BUSY, LOCKED        kUnavailable      FULL                 kNoSpace
//   CORRUPT, NOTADB     kCorrupt          CONSTRAINT           kConflict, or what the trigger says
//   IOERR, CANTOPEN     kIo               everything else      kIo
// A trigger that refuses raises "locked: …" or "conflict: …"; the word before
// the colon becomes the code.
//
// Thread rule: a connection and its statements belong to one thread at a time.
#pragma once

#include <sqlite3.h>

#include <cassert>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>

#include "base/result.h"
#include "base/rows.h"
#include "base/types.h"

namespace holdfast {

// "HFix", in the header of index.db, and "HFse" of secrets.db (file(1) shows them).
constexpr int32_t kIndexApplicationId = 0x48466978;
constexpr int32_t kSecretsApplicationId = 0x48467365;
// The schema this program was built for: PRAGMA user_version of either file.
constexpr int kIndexSchemaVersion = 1;
constexpr int kSecretsSchemaVersion = 1;

class Database;

// One run of a cached statement: bind from left to right, then step() through
// the rows, reading columns from left to right or by number. The destructor
// resets the statement, so a Statement lives no longer than its use.
class Statement {
 public:
  Statement(Statement&& other) noexcept;
  Statement& operator=(Statement&&) = delete;
  ~Statement();

  // Binds the values to ?1, ?2, … in order.
  template <typename... Values>
  Statement& bind(const Values&... values) {
    (bind_next(values), ...);
    return *this;
  }

  // Whether it could be made; step() and run() say so, too.
  const Status& prepared() const { return failure_; }

  // True: a row is there. False: no more rows.
  Result<bool> step();
  // Runs a statement that gives no rows.
  Status run();

  // Reads the next column of the current row.
  template <typename T>
  T next() {
    return column<T>(column_++);
  }
  template <typename T>
  T column(int index) const;
  sqlite3_stmt* raw() const { return statement_; }
  // The bytes of a column, until the next step().
  ByteSpan blob(int index) const { return blob_at(index); }
  bool is_null(int index) const { return sqlite3_column_type(statement_, index) == SQLITE_NULL; }

 private:
  friend class Database;
  Statement(Database* database, sqlite3_stmt* statement, bool* in_use, Status prepared);

  void bind_next(int64_t value);
  void bind_next(int value) { bind_next(static_cast<int64_t>(value)); }
  void bind_next(bool value) { bind_next(static_cast<int64_t>(value)); }
  void bind_next(double value);
  void bind_next(std::string_view text);
  void bind_next(const std::string& text) { bind_next(std::string_view(text)); }
  void bind_next(const char* text) { bind_next(std::string_view(text)); }
  void bind_next(ByteSpan blob);
  void bind_next(std::nullopt_t);
  void bind_next(UnixMillis time) { bind_next(time.count); }
  void bind_next(Millis length) { bind_next(length.count); }
  void bind_next(Bytes bytes) { bind_next(bytes.count); }
  void bind_next(RecordingNo number) { bind_next(number.value); }
  void bind_next(const Digest& digest) { bind_next(ByteSpan(digest.bytes)); }
  void bind_next(const WorkspaceId& id) { bind_next(ByteSpan(id.bytes)); }
  template <typename Tag>
  void bind_next(const Id<Tag>& id) {
    bind_next(ByteSpan(id.bytes));
  }
  template <typename Word>
  requires std::is_enum_v<Word>
  void bind_next(Word word) { bind_next(static_cast<int64_t>(word)); }
  template <typename T>
  void bind_next(const std::optional<T>& value) {
    if (value.has_value())
      bind_next(*value);
    else
      bind_next(std::nullopt);
  }

  int64_t integer_at(int index) const { return sqlite3_column_int64(statement_, index); }
  double real_at(int index) const { return sqlite3_column_double(statement_, index); }
  std::string_view text_at(int index) const;
  ByteSpan blob_at(int index) const;
  void note(int code);  // remembers the first failure of a bind for step()

  Database* database_;
  sqlite3_stmt* statement_;
  bool* in_use_;  // null: the statement is not cached and is finalised at the end
  Status failure_;
  int parameter_ = 1;
  int column_ = 0;
};

struct ReadOnlyOptions {
  // secrets.db, attached as schema `secrets`. Empty: without (the mount has no right to it).
  std::string secrets_path;
  Millis busy_timeout = seconds(5);
};

class Database {
 public:
  // Opens an existing index for reading. kNotFound when there is none; kInvalid when the
  // file is not a Holdfast index or its schema is newer than this program.
  //
  // Works from another process and user: the writer keeps index.db-wal and index.db-shm in
  // place for ever (PERSIST_WAL), so the reader needs read and write permission on index.db-shm
  // (SQLite's locks live there) and read permission on the other two; docs/index.md says how
  // it is granted. Without write permission on -shm the connection is opened all the same and
  // reads as long as the writer lives.
  static Result<Database> open_read_only(const std::string& path, ReadOnlyOptions options = {});

  Database(Database&&) noexcept = default;
  Database& operator=(Database&&) noexcept = default;

  // The cached statement of `sql`, prepared at its first use. A mistake in the text is told by
  // the first step(). `sql` is one statement.
  Statement prepare(std::string_view sql);
  // Runs one or more statements without parameters and without rows.
  Status execute(const std::string& sql);

  // Changes whenever another connection has committed: what was read before may be stale.
  Result<int64_t> data_version();
  // Rows changed by the last INSERT, UPDATE or DELETE (triggers not counted).
  int64_t changes() const { return sqlite3_changes64(handle_.get()); }
  int64_t last_row() const { return sqlite3_last_insert_rowid(handle_.get()); }

  const std::string& path() const { return path_; }
  sqlite3* handle() const { return handle_.get(); }
  // The connection's last failure as ours; `what` names operation and object.
  Error error(int code, std::string_view what) const;

 private:
  friend class DatabaseOpener;  // index/database.h: the writing connection
  friend class Statement;

  struct Close {
    void operator()(sqlite3* handle) const { sqlite3_close_v2(handle); }
  };
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
  };
  struct Cached {
    std::unique_ptr<sqlite3_stmt, Finalize> statement;
    bool in_use = false;
  };

  Database(std::unique_ptr<sqlite3, Close> handle, std::string path)
      : handle_(std::move(handle)), path_(std::move(path)) {}

  std::shared_ptr<void> lock_;  // of the writing connection, until after it is closed
  std::unique_ptr<sqlite3, Close> handle_;
  // Statements are finalised before the connection closes (declared after it).
  std::map<std::string, std::unique_ptr<Cached>, std::less<>> cache_;
  std::string path_;
};

// What PRAGMA application_id and user_version of schema `name` ("main", "secrets") say.
struct SchemaStamp {
  int32_t application_id = 0;
  int version = 0;
};
Result<SchemaStamp> schema_stamp(Database& database, const std::string& name);
// kInvalid unless the stamp is that of `application_id` and not newer than `version`.
Status check_stamp(const SchemaStamp& stamp, int32_t application_id, int version,
                   const std::string& path);

namespace internal {
template <typename T>
struct IsOptional : std::false_type {};
template <typename T>
struct IsOptional<std::optional<T>> : std::true_type {};
template <typename T>
struct IsId : std::false_type {};
template <typename Tag>
struct IsId<Id<Tag>> : std::true_type {};
}  // namespace internal

// The column as T. Ids and digests come from blobs of exactly their size: a blob of another
// size cannot be stored (CHECK constraints), so it reads as zeros.
template <typename T>
T Statement::column(int index) const {
  if constexpr (internal::IsOptional<T>::value) {
    if (is_null(index)) return std::nullopt;
    return column<typename T::value_type>(index);
  } else if constexpr (std::is_same_v<T, std::string>) {
    return std::string(text_at(index));
  } else if constexpr (std::is_same_v<T, double>) {
    return real_at(index);
  } else if constexpr (std::is_same_v<T, Digest> || std::is_same_v<T, WorkspaceId> ||
                       internal::IsId<T>::value) {
    T value;
    const ByteSpan blob = blob_at(index);
    if (blob.size() == value.bytes.size())
      std::memcpy(value.bytes.data(), blob.data(), value.bytes.size());
    return value;
  } else if constexpr (std::is_enum_v<T> || std::is_arithmetic_v<T>) {
    return static_cast<T>(integer_at(index));
  } else {
    return T(integer_at(index));  // UnixMillis, Millis, Bytes, RecordingNo, WorkspaceNo
  }
}

}  // namespace holdfast
