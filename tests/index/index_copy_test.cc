// Copies of the index: whole and of one moment while others write, refused where they cannot be.
#include "index/index_copy.h"

#include <sys/stat.h>

#include <filesystem>

#include "tests/index/archive.h"
#include "tests/support/small_disk.h"

namespace holdfast {
namespace {

constexpr int kAllPages = -1;

void fill(Database& database, int rows) {
  for (int i = 0; i < rows; ++i)
    must(database.prepare("INSERT INTO setting VALUES (?1, ?2)")
             .bind("row." + std::to_string(i), std::string(3'000, 'x'))
             .run());
}
int64_t count(Database& database, const std::string& sql) {
  Statement statement = database.prepare(sql);
  BOOST_REQUIRE(must(statement.step()));
  return statement.next<int64_t>();
}

BOOST_AUTO_TEST_SUITE(index_copies)

BOOST_AUTO_TEST_CASE(a_copy_has_what_was_written_while_it_was_made) {
  Archive archive;
  archive.furnish();
  archive.ingest("CA1");
  const std::string path = archive.directory / "copy.db";
  std::optional<IndexCopy> copy;
  must(archive.writer->use_index([&](Database& index) -> Status {
    HOLDFAST_ASSIGN(begun, IndexCopy::begin(index, "main", path));
    copy.emplace(std::move(begun));
    return {};
  }));
  bool done = false;
  int steps = 0;
  while (!done) {
    must(archive.writer->use_index([&](Database& index) -> Status {
      HOLDFAST_ASSIGN(whole, copy->step(index, 4));
      done = whole;
      if (done) copy.reset();
      return {};
    }));
    if (++steps == 3) archive.ingest("CA2");
  }
  BOOST_TEST(steps > 3);
  struct stat status = {};
  BOOST_REQUIRE(::stat(path.c_str(), &status) == 0);
  BOOST_TEST((status.st_mode & 0777) == 0600u);
  Database opened = must(open_for_writing(path, {}));
  BOOST_TEST(count(opened, "SELECT count(*) FROM recording") == 2);
  Statement check = opened.prepare("PRAGMA integrity_check");
  BOOST_REQUIRE(must(check.step()));
  BOOST_TEST(check.next<std::string>() == "ok");
}

BOOST_AUTO_TEST_CASE(a_connection_that_was_opened_anew_ends_the_copy) {
  TemporaryDirectory directory;
  Database first = must(open_for_writing(directory / "a.db", {}));
  Database other = must(open_for_writing(directory / "b.db", {}));
  IndexCopy copy = must(IndexCopy::begin(first, "main", directory / "copy.db"));
  BOOST_TEST(!must(copy.step(first, 1)));
  BOOST_TEST((code_of(copy.step(other, 1)) == Code::kUnavailable));
}

BOOST_AUTO_TEST_CASE(a_copy_goes_only_where_a_file_can_be_made) {
  TemporaryDirectory directory;
  Database index = must(open_for_writing(directory / "index.db", {}));
  BOOST_TEST(!IndexCopy::begin(index, "main", directory / "no/such/copy.db").ok());
  // Another hand's link is not followed.
  std::filesystem::create_symlink(directory / "elsewhere", directory / "link.db");
  BOOST_TEST(!IndexCopy::begin(index, "main", directory / "link.db").ok());
  BOOST_TEST(!std::filesystem::exists(directory / "elsewhere"));
  BOOST_TEST(!IndexCopy::begin(index, "nothing", directory / "copy.db").ok());
}

BOOST_AUTO_TEST_CASE(a_copy_onto_a_full_disk_says_so) {
  TemporaryDirectory directory;
  const testing::SmallDisk disk(directory / "disk", 1);
  if (!disk.is_mounted()) return;
  Database index = must(open_for_writing(directory / "index.db", {}));
  fill(index, 1'000);
  IndexCopy copy = must(IndexCopy::begin(index, "main", disk.path() + "/copy.db"));
  const Result<bool> copied = copy.step(index, kAllPages);
  BOOST_REQUIRE(!copied.ok());
  BOOST_TEST((copied.error().code == Code::kNoSpace), copied.error().message);
  BOOST_TEST(copied.error().message.find("full") != std::string::npos, copied.error().message);
}

BOOST_AUTO_TEST_CASE(an_index_settles_into_one_file_when_nobody_has_it_open) {
  TemporaryDirectory directory;
  const std::string path = directory / "index.db";
  {
    Database index = must(open_for_writing(path, {}));
    fill(index, 10);
    BOOST_TEST((code_of(settle_into_one_file(path)) == Code::kUnavailable));
    BOOST_TEST(count(index, "SELECT count(*) FROM setting WHERE name LIKE 'row.%'") == 10);
  }
  BOOST_TEST(std::filesystem::exists(path + "-wal"));
  must(settle_into_one_file(path));
  BOOST_TEST(!std::filesystem::exists(path + "-wal"));
  BOOST_TEST(!std::filesystem::exists(path + "-shm"));
  Database again = must(open_for_writing(path, {}));
  BOOST_TEST(count(again, "SELECT count(*) FROM setting WHERE name LIKE 'row.%'") == 10);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace holdfast
