// The connection: what it opens, what it refuses, and how it tells failures.
#include "index/database.h"

#include <grp.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "index/schema.h"
#include "tests/index/archive.h"

namespace holdfast {
namespace {

constexpr uid_t kNobody = 65534;

// Every object of the schema, one line each, and the stamps of the file.
std::string dump_schema(Database& database, const std::string& name) {
  std::string text;
  Statement statement = database.prepare("SELECT sql FROM " + name +
                                         ".sqlite_schema WHERE sql IS NOT NULL "
                                         "ORDER BY type, name");
  while (must(statement.step())) text += statement.next<std::string>() + ";\n";
  const SchemaStamp stamp = must(schema_stamp(database, name));
  return text + "-- application_id " + std::to_string(stamp.application_id) + ", user_version " +
         std::to_string(stamp.version) + "\n";
}

std::string read_text(const std::string& path) {
  std::ifstream file(path);
  return std::string(std::istreambuf_iterator<char>(file), {});
}

BOOST_AUTO_TEST_SUITE(database)

BOOST_AUTO_TEST_CASE(the_schema_is_the_golden_one) {
  TemporaryDirectory directory;
  Database index = must(open_for_writing(directory / "index.db", {directory / "secrets.db", 0640}));
  const std::string found = dump_schema(index, "main") + dump_schema(index, "secrets");
  // Made anew only when a migration is added: $HOLDFAST_WRITE_GOLDEN names the file to write.
  if (const char* path = std::getenv("HOLDFAST_WRITE_GOLDEN"); path != nullptr)
    std::ofstream(path) << found;
  BOOST_TEST(found == read_text("tests/index/schema_golden.sql"));
}

BOOST_AUTO_TEST_CASE(every_version_has_its_migration) {
  BOOST_TEST(index_migrations().size() == size_t{kIndexSchemaVersion});
  BOOST_TEST(secrets_migrations().size() == size_t{kSecretsSchemaVersion});
}

BOOST_AUTO_TEST_CASE(opening_again_changes_nothing) {
  TemporaryDirectory directory;
  const WriteOptions options{directory / "secrets.db", 0640};
  { must(open_for_writing(directory / "index.db", options)); }
  Database index = must(open_for_writing(directory / "index.db", options));
  BOOST_TEST(must(schema_stamp(index, "main")).version == kIndexSchemaVersion);
  struct stat found = {};
  BOOST_REQUIRE(::stat((directory / "index.db").c_str(), &found) == 0);
  BOOST_TEST((found.st_mode & 0777) == 0640U);
  BOOST_REQUIRE(::stat((directory / "index.db-shm").c_str(), &found) == 0);
  BOOST_TEST((found.st_mode & 0777) == 0640U);
  BOOST_REQUIRE(::stat((directory / "secrets.db").c_str(), &found) == 0);
  BOOST_TEST((found.st_mode & 0777) == 0600U);
}

BOOST_AUTO_TEST_CASE(a_newer_schema_is_refused) {
  TemporaryDirectory directory;
  const std::string path = directory / "index.db";
  {
    Database index = must(open_for_writing(path, {}));
    must(index.execute("PRAGMA user_version = " + std::to_string(kIndexSchemaVersion + 1)));
  }
  const auto writing = open_for_writing(path, {});
  BOOST_CHECK(code_of(writing) == Code::kInvalid);
  BOOST_TEST(writing.error().message.find("newer Holdfast") != std::string::npos);
  BOOST_CHECK(code_of(Database::open_read_only(path)) == Code::kInvalid);
}

BOOST_AUTO_TEST_CASE(a_foreign_file_is_refused_and_untouched) {
  TemporaryDirectory directory;
  const std::string path = directory / "foreign.db";
  std::ofstream(path) << "this is not a database, but a letter of some length";
  const std::string before = read_text(path);
  const auto text = open_for_writing(path, {});
  BOOST_CHECK(code_of(text) == Code::kInvalid);
  BOOST_TEST(text.error().message.find("not a Holdfast index") != std::string::npos);
  BOOST_TEST(read_text(path) == before);
  BOOST_CHECK(code_of(Database::open_read_only(path)) == Code::kInvalid);

  const std::string other = directory / "other.db";
  sqlite3* handle = nullptr;
  BOOST_REQUIRE(sqlite3_open(other.c_str(), &handle) == SQLITE_OK);
  sqlite3_exec(handle, "CREATE TABLE mine (a)", nullptr, nullptr, nullptr);
  sqlite3_close(handle);
  BOOST_CHECK(code_of(open_for_writing(other, {})) == Code::kInvalid);
  BOOST_CHECK(code_of(Database::open_read_only(other)) == Code::kInvalid);
}

BOOST_AUTO_TEST_CASE(an_absent_index_is_told) {
  TemporaryDirectory directory;
  BOOST_CHECK(code_of(Database::open_read_only(directory / "index.db")) == Code::kNotFound);
}

BOOST_AUTO_TEST_CASE(a_reader_cannot_write) {
  TemporaryDirectory directory;
  Database writing = must(open_for_writing(directory / "index.db", {}));
  Database reading = must(Database::open_read_only(directory / "index.db"));
  BOOST_TEST(!reading.execute("DELETE FROM setting").ok());
}

BOOST_AUTO_TEST_CASE(the_data_version_follows_commits) {
  TemporaryDirectory directory;
  Database writing = must(open_for_writing(directory / "index.db", {}));
  Database reading = must(Database::open_read_only(directory / "index.db"));
  const int64_t before = must(reading.data_version());
  BOOST_TEST(must(reading.data_version()) == before);
  must(writing.execute("INSERT INTO setting VALUES ('a', 'b')"));
  BOOST_TEST(must(reading.data_version()) != before);
}

BOOST_AUTO_TEST_CASE(values_come_back_as_they_went) {
  TemporaryDirectory directory;
  Database index = must(open_for_writing(directory / "index.db", {}));
  SeededRandom random;
  const auto id = random.id<RecordingId>();
  Statement statement = index.prepare("SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8");
  statement.bind(id, UnixMillis(kStart), Tier::kCold, std::optional<Bytes>(), "text",
                 std::string_view(), Bytes(5), true);
  BOOST_REQUIRE(must(statement.step()));
  BOOST_CHECK(statement.next<RecordingId>() == id);
  BOOST_CHECK(statement.next<UnixMillis>() == UnixMillis(kStart));
  BOOST_CHECK(statement.next<Tier>() == Tier::kCold);
  BOOST_CHECK(!statement.next<std::optional<Bytes>>().has_value());
  BOOST_TEST(statement.next<std::string>() == "text");
  BOOST_TEST(!statement.is_null(5));
  BOOST_TEST(statement.next<std::string>().empty());
  BOOST_CHECK(statement.next<std::optional<Bytes>>() == Bytes(5));
  BOOST_TEST(statement.next<int>() == 1);
}

// A statement in use is not handed out twice, and failures have their codes.
BOOST_AUTO_TEST_CASE(statements_are_cached_and_failures_mapped) {
  TemporaryDirectory directory;
  Database index = must(open_for_writing(directory / "index.db", {}));
  const std::string_view sql = "SELECT workspace_no FROM workspace";
  {
    Statement outer = index.prepare(sql);
    BOOST_REQUIRE(must(outer.step()));
    Statement inner = index.prepare(sql);
    BOOST_REQUIRE(must(inner.step()));
    BOOST_TEST(inner.raw() != outer.raw());
  }
  sqlite3_stmt* cached = index.prepare(sql).raw();
  BOOST_TEST(index.prepare(sql).raw() == cached);
  BOOST_CHECK(code_of(index.prepare("SELECT nothing FROM nowhere").step()) == Code::kIo);
  must(index.execute("INSERT INTO setting VALUES ('a', 'b')"));
  BOOST_CHECK(code_of(index.execute("INSERT INTO setting VALUES ('a', 'c')")) == Code::kConflict);
  must(index.execute("PRAGMA max_page_count = 100"));
  const Status full =
      index.prepare("INSERT INTO setting VALUES ('big', ?1)").bind(std::string(1 << 20, 'x')).run();
  BOOST_CHECK(code_of(full) == Code::kNoSpace);
}

BOOST_AUTO_TEST_CASE(a_savepoint_is_rolled_back_alone) {
  TemporaryDirectory directory;
  Database index = must(open_for_writing(directory / "index.db", {}));
  {
    Transaction transaction = must(Transaction::begin(index));
    must(index.execute("INSERT INTO setting VALUES ('kept', '1')"));
    {
      Savepoint savepoint = must(Savepoint::begin(index));
      must(index.execute("INSERT INTO setting VALUES ('lost', '1')"));
    }
    {
      Savepoint savepoint = must(Savepoint::begin(index));
      must(index.execute("INSERT INTO setting VALUES ('undone', '1')"));
      must(savepoint.undo());
      must(index.execute("INSERT INTO setting VALUES ('after', '1')"));
    }
    {
      Savepoint savepoint = must(Savepoint::begin(index));
      must(index.execute("INSERT INTO setting VALUES ('released', '1')"));
      must(savepoint.release());
    }
    must(transaction.commit());
  }
  {
    Transaction abandoned = must(Transaction::begin(index));
    must(index.execute("INSERT INTO setting VALUES ('abandoned', '1')"));
  }
  Statement statement = index.prepare(
      "SELECT group_concat(name) FROM (SELECT name FROM setting "
      "ORDER BY name)");
  BOOST_REQUIRE(must(statement.step()));
  BOOST_TEST(statement.next<std::string>() == "after,kept,released");
}

// As SQLite does by itself when it has no memory or no room.
BOOST_AUTO_TEST_CASE(after_a_transaction_that_was_rolled_back_amid_it_nothing_is_in_force) {
  TemporaryDirectory directory;
  Database index = must(open_for_writing(directory / "index.db", {}));
  must(index.execute("INSERT INTO setting VALUES ('kept', '1')"));
  {
    Transaction transaction = must(Transaction::begin(index));
    must(index.execute("INSERT INTO setting VALUES ('lost', '1')"));
    BOOST_TEST(!index.execute("INSERT OR ROLLBACK INTO setting VALUES ('kept', '2')").ok());
    const Status alone = index.execute("INSERT INTO setting VALUES ('alone', '1')");
    BOOST_CHECK(code_of(alone) == Code::kIo);
    BOOST_CHECK(code_of(Savepoint::begin(index)) == Code::kIo);
    BOOST_TEST(!transaction.commit().ok());
  }
  must(index.execute("INSERT INTO setting VALUES ('later', '1')"));
  Statement statement = index.prepare(
      "SELECT group_concat(name) FROM (SELECT name FROM setting "
      "ORDER BY name)");
  BOOST_REQUIRE(must(statement.step()));
  BOOST_TEST(statement.next<std::string>() == "kept,later");
}

// The mount's process: another user, with the right to read and no more, while the writer lives
// and after it has stopped (PERSIST_WAL keeps -wal and -shm).
BOOST_AUTO_TEST_CASE(another_user_reads) {
  if (::geteuid() != 0) {
    BOOST_TEST_MESSAGE("skipped: needs root to become another user");
    return;
  }
  TemporaryDirectory directory;
  ::chmod(directory.path().c_str(), 0755);
  const std::string path = directory / "index.db";
  WriteOptions options;
  options.mode = 0644;
  options.secrets_path = directory / "secrets.db";
  const auto reads_as_nobody = [&](bool with_secrets) {
    const pid_t child = ::fork();
    if (child == 0) {
      if (::setgroups(0, nullptr) != 0 || ::setgid(kNobody) != 0 || ::setuid(kNobody) != 0)
        ::_exit(9);
      ReadOnlyOptions read;
      if (with_secrets) read.secrets_path = options.secrets_path;
      auto index = Database::open_read_only(path, read);
      if (!index.ok()) ::_exit(1);
      Statement statement = index->prepare("SELECT value FROM setting WHERE name = 'a'");
      const auto found = statement.step();
      ::_exit(found.ok() && *found ? 0 : 2);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    return WEXITSTATUS(status);
  };
  {
    Database writing = must(open_for_writing(path, options));
    must(writing.execute("INSERT INTO setting VALUES ('a', 'b')"));
    BOOST_TEST(reads_as_nobody(false) == 0);
    BOOST_TEST(reads_as_nobody(true) == 1);  // secrets.db is not its business
  }
  BOOST_TEST(reads_as_nobody(false) == 0);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace holdfast
