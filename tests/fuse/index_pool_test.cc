// Reading the index from another process and user while its owner runs, has stopped, has been
// killed, comes back, or was given another index.
#include "fuse/index_pool.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <cstdio>
#include <filesystem>
#include <iostream>

#include "tests/fuse/small_archive.h"

using namespace holdfast;

namespace {

constexpr int kOtherUser = 65'534;
constexpr gid_t kReaders = 54'321;  // stands for the mount's group

Result<int64_t> count_recordings(IndexPool& pool) {
  return pool.read([](Database& index) -> Result<int64_t> {
    Statement statement = index.prepare("SELECT count(*) FROM recording");
    HOLDFAST_ASSIGN(row, statement.step());
    return row ? statement.next<int64_t>() : int64_t{-1};
  });
}

// A process of another user that counts recordings when it is asked.
class OtherReader {
 public:
  explicit OtherReader(const std::string& index_path) {
    int questions[2];
    int answers[2];
    BOOST_REQUIRE(::pipe2(questions, O_CLOEXEC) == 0);
    BOOST_REQUIRE(::pipe2(answers, O_CLOEXEC) == 0);
    pid_ = ::fork();
    BOOST_REQUIRE(pid_ >= 0);
    if (pid_ == 0) {
      ::dup2(questions[0], STDIN_FILENO);
      ::dup2(answers[1], STDOUT_FILENO);
      ::execl(INDEX_READER, INDEX_READER, index_path.c_str(), std::to_string(kOtherUser).c_str(),
              std::to_string(kReaders).c_str(), nullptr);
      ::_exit(127);
    }
    ::close(questions[0]);
    ::close(answers[1]);
    questions_ = ::fdopen(questions[1], "w");
    answers_ = ::fdopen(answers[0], "r");
  }
  ~OtherReader() {
    std::fclose(questions_);
    std::fclose(answers_);
    ::waitpid(pid_, nullptr, 0);
  }
  OtherReader(const OtherReader&) = delete;
  OtherReader& operator=(const OtherReader&) = delete;

  // The number it counts; negative when it could not read.
  int64_t count() {
    long answer = -2;
    std::fputs("count\n", questions_);
    std::fflush(questions_);
    BOOST_TEST(std::fscanf(answers_, "%ld", &answer) == 1);
    return answer;
  }

 private:
  FILE* questions_ = nullptr;
  FILE* answers_ = nullptr;
  pid_t pid_ = -1;
};

// What an installation grants: the group reads index.db and its -wal and -shm, no more.
void grant(const SmallArchive& archive) {
  BOOST_REQUIRE(::chown(archive.state_dir().c_str(), 0, kReaders) == 0);
  BOOST_REQUIRE(::chmod(archive.state_dir().c_str(), 02750) == 0);
  for (const char* suffix : {"", "-wal", "-shm"}) {
    const std::string path = archive.index_path() + suffix;
    BOOST_REQUIRE(::chown(path.c_str(), 0, kReaders) == 0);
    struct stat status {};
    BOOST_REQUIRE(::stat(path.c_str(), &status) == 0);
    BOOST_TEST((status.st_mode & 0777) == 0640u, path);
  }
}

bool can_become_another() {
  if (::geteuid() == 0) return true;
  std::cout << "skipped: only root can become another user\n";
  return false;
}

}  // namespace

BOOST_AUTO_TEST_CASE(another_user_reads_while_the_owner_runs_and_after_it_stopped) {
  if (!can_become_another()) return;
  SmallArchive archive;
  grant(archive);
  OtherReader reader(archive.index_path());
  archive.add_many(CalendarDay{2026, 11, 20}, 3);
  BOOST_TEST(reader.count() == 3);
  archive.add_many(CalendarDay{2026, 11, 20}, 2);
  BOOST_TEST(reader.count() == 5);
  archive.stop_writer();
  BOOST_TEST(reader.count() == 5);
  // One that opens while nobody keeps the index up.
  BOOST_TEST(OtherReader(archive.index_path()).count() == 5);
  archive.start_writer();
  archive.add_many(CalendarDay{2026, 11, 20}, 1);
  BOOST_TEST(reader.count() == 6);
}

BOOST_AUTO_TEST_CASE(another_user_reads_what_a_killed_owner_committed) {
  if (!can_become_another()) return;
  SmallArchive archive;
  grant(archive);
  archive.add_many(CalendarDay{2026, 11, 20}, 3);
  archive.stop_writer();
  OtherReader reader(archive.index_path());
  BOOST_TEST(reader.count() == 3);
  const pid_t pid = ::fork();
  BOOST_REQUIRE(pid >= 0);
  if (pid == 0) {  // commits, and ends without closing anything
    archive.start_writer();
    archive.add_many(CalendarDay{2026, 11, 20}, 4);
    ::_exit(0);
  }
  BOOST_REQUIRE(::waitpid(pid, nullptr, 0) == pid);
  BOOST_TEST(reader.count() == 7);
  BOOST_TEST(OtherReader(archive.index_path()).count() == 7);
  archive.start_writer();
  BOOST_TEST(reader.count() == 7);
}

BOOST_AUTO_TEST_CASE(a_rebuilt_index_is_taken_up) {
  SmallArchive archive;
  archive.add_many(CalendarDay{2026, 11, 20}, 3);
  IndexPool pool(archive.index_path());
  BOOST_TEST(*count_recordings(pool) == 3);
  archive.stop_writer();
  SmallArchive other;
  other.add_many(CalendarDay{2026, 11, 20}, 8);
  other.stop_writer();
  // The rebuilt file and its companions take the place of the old ones.
  for (const char* suffix : {"", "-wal", "-shm"}) {
    const std::string path = archive.index_path() + suffix;
    std::filesystem::remove(path);
    std::filesystem::rename(other.index_path() + suffix, path);
  }
  BOOST_TEST(*count_recordings(pool) == 8);
}

BOOST_AUTO_TEST_CASE(an_absent_index_is_an_error_and_no_end) {
  SmallArchive archive;
  archive.add_many(CalendarDay{2026, 11, 20}, 3);
  IndexPool pool(archive.index_path());
  BOOST_TEST(count_recordings(pool).ok());
  archive.stop_writer();
  const std::string aside = archive.index_path() + ".aside";
  std::filesystem::rename(archive.index_path(), aside);
  BOOST_TEST(!count_recordings(pool).ok());
  std::filesystem::rename(aside, archive.index_path());
  BOOST_TEST(*count_recordings(pool) == 3);
}
