// The view, mounted for real: what people and their tools see of it.
#include <fcntl.h>
#include <fmt/format.h>
#include <grp.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <functional>
#include <iostream>
#include <sstream>

#include "base/json.h"
#include "fuse/tree.h"
#include "io/digest.h"
#include "io/fd.h"
#include "tests/fuse/small_archive.h"
#include "tests/fuse/view_process.h"
#include "tests/support/fake_daemon/fake_daemon.h"
#include "tests/support/fake_daemon/run_program.h"

using namespace holdfast;
namespace fs = std::filesystem;

namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kSanitized = true;
#elif defined(__has_feature)
constexpr bool kSanitized = __has_feature(address_sanitizer) || __has_feature(thread_sanitizer);
#else
constexpr bool kSanitized = false;
#endif

const std::string kQuiet = R"({"seq":1,"reset":false,"changes":[]})";

// An archive, its daemon's sockets and paths in the mounted view.
struct Stage {
  Stage() { attach_daemon(); }

  void attach_daemon() {
    daemon.emplace();
    daemon->on("POST /mount/opens", "{}");
    daemon->on("GET /mount/changes",
               {{200, kQuiet, "application/json", {}, std::string::npos, false},
                {200, kQuiet, "application/json", {}, std::string::npos, true}});
    fs::remove(archive.mount_socket());
    fs::create_symlink(daemon->socket_path(), archive.mount_socket());
  }
  std::string in_view(const std::string& path) const { return archive.mount_point() + "/" + path; }
  std::string file_of(const CallSpec& call, const std::string& name) const {
    return in_view(archive.call_path(call) + "/" + name);
  }
  // The bodies of what was asked with POST /mount/opens.
  std::vector<json::object> opens() const {
    std::vector<json::object> bodies;
    for (const FakeRequest& request : daemon->asked())
      if (request.path == "/mount/opens") bodies.push_back(parse_json(request.body)->as_object());
    return bodies;
  }

  SmallArchive archive;
  std::optional<FakeDaemon> daemon;
};

struct CanMount {
  boost::test_tools::assertion_result operator()(boost::unit_test::test_unit_id) const {
    const std::string obstacle = mount_obstacle();
    if (obstacle.empty()) return true;
    std::cout << "skipped: " << obstacle << "\n";
    return false;
  }
};

// A tool of the system, found as a shell finds it.
ProgramRun run_tool(std::vector<std::string> command) {
  command.insert(command.begin(), "/usr/bin/env");
  return run_program(command);
}

// errno of an open for reading; 0: it opened.
int open_error(const std::string& path) {
  const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  return fd ? 0 : errno;
}

// The whole file, or errno as a negative number in front of what came.
std::string read_or_errno(const std::string& path) {
  const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return "open: " + std::string(std::strerror(errno));
  std::string bytes;
  char block[10'000];
  for (;;) {
    const ssize_t got = ::read(fd.get(), block, sizeof block);
    if (got < 0) return "read: " + std::string(std::strerror(errno));
    if (got == 0) return bytes;
    bytes.append(block, static_cast<size_t>(got));
  }
}

struct stat status_at(const std::string& path) {
  struct stat status {};
  BOOST_REQUIRE_MESSAGE(::lstat(path.c_str(), &status) == 0, path);
  return status;
}

std::string xattr(const std::string& path, const std::string& name) {
  char value[512];
  const ssize_t got = ::getxattr(path.c_str(), name.c_str(), value, sizeof value);
  if (got < 0) return errno == ENODATA ? "absent" : std::strerror(errno);
  return std::string(value, static_cast<size_t>(got));
}

std::vector<std::string> names_in(const std::string& directory) {
  std::vector<std::string> names;
  for (const fs::directory_entry& entry : fs::directory_iterator(directory))
    names.push_back(entry.path().filename());
  std::sort(names.begin(), names.end());
  return names;
}

size_t count_of(const std::string& text, const std::string& what) {
  size_t count = 0;
  for (size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + 1)) ++count;
  return count;
}

CallSpec sample_call(Stage& stage, const std::string& call_sid, size_t bytes = 300'001) {
  return CallSpec{.call_sid = call_sid,
                  .files = {{"inbound.ulaw", stage.archive.random().bytes(bytes)},
                            {"outbound.pcm", stage.archive.random().bytes(2 * bytes)},
                            {"metadata.json", "{\"call_sid\":\"" + call_sid + "\"}"}}};
}

}  // namespace

BOOST_AUTO_TEST_SUITE(the_mounted_view, *boost::unit_test::precondition(CanMount()))

BOOST_AUTO_TEST_CASE(what_stat_says) {
  Stage stage;
  const CallSpec call = sample_call(stage, "CA1");
  const RecordingNo number = stage.archive.add_call(call);
  stage.archive.add_part(number, 2, {{"inbound.2.ulaw", "more"}});
  const ViewProcess view(stage.archive);

  const struct stat file = status_at(stage.file_of(call, "inbound.ulaw"));
  BOOST_TEST(file.st_mode == (S_IFREG | 0440u));
  BOOST_TEST(file.st_size == 300'001);
  BOOST_TEST(file.st_blocks == (300'001 + 511) / 512);
  BOOST_TEST(file.st_ino == ((static_cast<uint64_t>(number.value) << 17) | (1u << 7) | 1u));
  // Noon of the day and 90.5 s: the call's end.
  BOOST_TEST(file.st_mtim.tv_sec % 86'400 == 12 * 3600 + 90);
  BOOST_TEST(file.st_mtim.tv_nsec == 500'000'000);
  const struct stat directory = status_at(stage.in_view(stage.archive.call_path(call)));
  BOOST_TEST(directory.st_mode == (S_IFDIR | 0550u));
  BOOST_TEST(directory.st_mtim.tv_sec == file.st_mtim.tv_sec);
  BOOST_TEST(names_in(stage.in_view(stage.archive.call_path(call))) ==
                 (std::vector<std::string>{"+2", "inbound.ulaw", "metadata.json", "outbound.pcm"}),
             boost::test_tools::per_element());
  BOOST_TEST(read_or_errno(stage.file_of(call, "+2/inbound.2.ulaw")) == "more");
  BOOST_TEST(open_error(stage.file_of(call, "recording.json")) == ENOENT);
  BOOST_TEST(open_error(stage.file_of(call, "nothing")) == ENOENT);
}

BOOST_AUTO_TEST_CASE(every_byte_of_every_state_that_can_be_read) {
  Stage stage;
  const CallSpec live = sample_call(stage, "CA-live", 3'000'000);
  CallSpec unplaced = sample_call(stage, "CA-unplaced");
  unplaced.placed = false;
  const CallSpec staged = sample_call(stage, "CA-staged");
  const CallSpec condemned = sample_call(stage, "CA-condemned");
  const CallSpec empty{.call_sid = "CA-empty", .files = {{"inbound.ulaw", ""}}};
  stage.archive.add_call(live);
  stage.archive.add_call(unplaced);
  stage.archive.add_call(empty);
  const RecordingNo restored = stage.archive.add_call(staged);
  stage.archive.archive(restored);
  stage.archive.stage(restored);
  stage.archive.condemn(stage.archive.add_call(condemned));
  const ViewProcess view(stage.archive);
  for (const CallSpec& call : {live, unplaced, staged, condemned, empty})
    for (const auto& [name, bytes] : call.files)
      BOOST_TEST((read_or_errno(stage.file_of(call, name)) == bytes), call.call_sid + "/" + name);
  // Out of the middle, and over the end.
  const Fd fd(::open(stage.file_of(live, "inbound.ulaw").c_str(), O_RDONLY | O_CLOEXEC));
  char block[4096];
  BOOST_TEST(::pread(fd.get(), block, 100, 2'999'950) == 50);
  BOOST_TEST(std::memcmp(block, live.files.at("inbound.ulaw").data() + 2'999'950, 50) == 0);
  BOOST_TEST(::pread(fd.get(), block, 100, 3'000'000) == 0);
}

BOOST_AUTO_TEST_CASE(what_is_being_destroyed_is_not_there) {
  Stage stage;
  const CallSpec call = sample_call(stage, "CA1");
  const RecordingNo number = stage.archive.add_call(call);
  stage.archive.add_call(sample_call(stage, "CA2"));
  stage.archive.condemn(number);
  stage.archive.begin_destroying(number);
  const ViewProcess view(stage.archive);
  BOOST_TEST(
      names_in(stage.in_view(stage.archive.day_path(call))) == std::vector<std::string>{"CA2"},
      boost::test_tools::per_element());
  BOOST_TEST(open_error(stage.file_of(call, "inbound.ulaw")) == ENOENT);
  BOOST_TEST(open_error(stage.file_of(call, "metadata.json")) == ENOENT);
}

BOOST_AUTO_TEST_CASE(everything_about_writing_is_EROFS) {
  Stage stage;
  const CallSpec call = sample_call(stage, "CA1");
  stage.archive.add_call(call);
  const ViewProcess view(stage.archive);
  const std::string file = stage.file_of(call, "inbound.ulaw");
  const std::string fresh = stage.file_of(call, "new");
  const std::string directory = stage.in_view(stage.archive.call_path(call));
  const char* const f = file.c_str();
  const char* const n = fresh.c_str();
  const std::vector<std::pair<std::string, std::function<int()>>> attempts = {
      {"open for writing", [&] { return ::open(f, O_WRONLY); }},
      {"open for both", [&] { return ::open(f, O_RDWR); }},
      {"open and truncate", [&] { return ::open(f, O_WRONLY | O_TRUNC); }},
      {"create", [&] { return ::open(n, O_WRONLY | O_CREAT, 0600); }},
      {"create anew", [&] { return ::open(n, O_WRONLY | O_CREAT | O_EXCL, 0600); }},
      {"mkdir", [&] { return ::mkdir(n, 0700); }},
      {"mknod", [&] { return ::mknod(n, S_IFREG | 0600, 0); }},
      {"mkfifo", [&] { return ::mkfifo(n, 0600); }},
      {"symlink", [&] { return ::symlink("x", n); }},
      {"link", [&] { return ::link(f, n); }},
      {"unlink", [&] { return ::unlink(f); }},
      {"rmdir", [&] { return ::rmdir(directory.c_str()); }},
      {"rename", [&] { return ::rename(f, n); }},
      {"truncate", [&] { return ::truncate(f, 0); }},
      {"chmod", [&] { return ::chmod(f, 0600); }},
      {"chown", [&] { return ::chown(f, 1, 1); }},
      {"utimes", [&] { return ::utimensat(AT_FDCWD, f, nullptr, 0); }},
      {"setxattr", [&] { return ::setxattr(f, "user.holdfast.tier", "x", 1, 0); }},
      {"removexattr", [&] { return ::removexattr(f, "user.holdfast.tier"); }},
      {"access for writing", [&] { return ::access(f, W_OK); }},
  };
  for (const auto& [name, attempt] : attempts) {
    errno = 0;
    BOOST_TEST(attempt() == -1, name);
    BOOST_TEST(errno == EROFS, name + ": " + std::strerror(errno));
  }
  BOOST_TEST(stage.opens().empty());
  BOOST_TEST((read_or_errno(file) == call.files.at("inbound.ulaw")));
}

BOOST_AUTO_TEST_CASE(extended_attributes) {
  Stage stage;
  const CallSpec call = sample_call(stage, "CA1");
  const RecordingNo number = stage.archive.add_call(call);
  stage.archive.hold(number, "case 1");
  stage.archive.set_expiry(number, UnixMillis(2'000'000'000'000));
  const CallSpec old = sample_call(stage, "CA2");
  const RecordingNo archived = stage.archive.add_call(old);
  stage.archive.archive(archived);
  stage.archive.stage(archived);
  const ViewProcess view(stage.archive);
  const std::string file = stage.file_of(call, "inbound.ulaw");
  BOOST_TEST(xattr(file, "user.holdfast.tier") == "standard");
  BOOST_TEST(xattr(file, "user.holdfast.state") == "live");
  BOOST_TEST(xattr(file, "user.holdfast.holds") == "1");
  BOOST_TEST(xattr(file, "user.holdfast.sha256") == sha256(call.files.at("inbound.ulaw")).hex());
  BOOST_TEST(xattr(file, "user.holdfast.retain_until") == "2033-05-18T03:33:20.000Z");
  BOOST_TEST(xattr(file, "user.holdfast.restore_eta") == "absent");
  BOOST_TEST(xattr(file, "user.other") == "absent");
  BOOST_TEST(xattr(file, "security.capability") == "absent");
  const std::string directory = stage.in_view(stage.archive.call_path(old));
  BOOST_TEST(xattr(directory, "user.holdfast.tier") == "warm");
  BOOST_TEST(xattr(directory, "user.holdfast.sha256") == "absent");
  BOOST_TEST(xattr(directory, "user.holdfast.holds") == "0");
  BOOST_TEST(xattr(directory, "user.holdfast.restore_eta") == "1970-01-01T00:01:01.000Z");
  char names[1024];
  const ssize_t length = ::listxattr(file.c_str(), names, sizeof names);
  BOOST_REQUIRE(length > 0);
  BOOST_TEST(std::count(names, names + length, '\0') == 5);
  BOOST_TEST(::listxattr(file.c_str(), names, 3) == -1);
  BOOST_TEST(errno == ERANGE);
}

// P4: no audit, no data.
BOOST_AUTO_TEST_CASE(P4_an_open_waits_for_its_access_line) {
  Stage stage;
  const CallSpec call = sample_call(stage, "CA1");
  const RecordingNo number = stage.archive.add_call(call);
  const ViewProcess view(stage.archive);
  const std::string file = stage.file_of(call, "inbound.ulaw");
  BOOST_TEST(open_error(file) == 0);
  BOOST_TEST(open_error(stage.file_of(call, "metadata.json")) == 0);
  const std::vector<json::object> opens = stage.opens();
  BOOST_REQUIRE(opens.size() == 2u);
  BOOST_TEST(opens[0].at("recording_no").as_int64() == number.value);
  BOOST_TEST(opens[0].at("part").as_int64() == 1);
  BOOST_TEST(opens[0].at("file").as_string() == "inbound.ulaw");
  BOOST_TEST(opens[0].at("uid").as_int64() == ::getuid());
  BOOST_TEST(opens[0].at("pid").as_int64() == ::getpid());
  BOOST_TEST(opens[1].at("file").as_string() == "metadata.json");

  stage.daemon->on("POST /mount/opens",
                   {fake_problem(503, "unavailable", "the ledger is down"),
                    fake_problem(403, "forbidden", "no"),
                    {202, "{}", "application/json", {}, std::string::npos, false}});
  BOOST_TEST(open_error(file) == EAGAIN);
  BOOST_TEST(open_error(file) == EACCES);
  BOOST_TEST(open_error(file) == EAGAIN);  // 202 promises nothing
}

BOOST_AUTO_TEST_CASE(P4_without_the_daemon_the_view_lists_and_refuses_opens) {
  Stage stage;
  const CallSpec call = sample_call(stage, "CA1");
  stage.archive.add_call(call);
  ViewProcess view(stage.archive);
  const std::string file = stage.file_of(call, "inbound.ulaw");
  BOOST_TEST(open_error(file) == 0);
  stage.daemon.reset();
  stage.archive.stop_writer();
  const ProgramRun find = run_tool({"find", stage.archive.mount_point(), "-type", "f"});
  BOOST_TEST(find.exit_code == 0);
  BOOST_TEST(count_of(find.out, "\n") == 3u);
  BOOST_TEST(status_at(file).st_size == 300'001);
  BOOST_TEST(xattr(file, "user.holdfast.tier") == "standard");
  BOOST_TEST(open_error(file) == EAGAIN);
  BOOST_TEST(open_error(stage.file_of(call, "metadata.json")) == EAGAIN);

  stage.attach_daemon();
  stage.archive.start_writer();
  BOOST_TEST((read_or_errno(file) == call.files.at("inbound.ulaw")));
  BOOST_TEST(view.stop(SIGTERM) == 0);
  // A view may also be started while nobody is there, and goes on when the daemon comes.
  stage.daemon.reset();
  stage.archive.stop_writer();
  const ViewProcess again(stage.archive);
  BOOST_TEST(status_at(file).st_size == 300'001);
  BOOST_TEST(open_error(file) == EAGAIN);
  stage.attach_daemon();
  BOOST_TEST(open_error(file) == 0);
}

// P5: never wrong bytes.
BOOST_AUTO_TEST_CASE(P5_a_file_that_is_not_what_was_ingested_gives_no_byte) {
  Stage stage;
  std::vector<CallSpec> calls;
  for (const char* name : {"CA-flipped", "CA-short", "CA-gone", "CA-later", "CA-cut"}) {
    calls.push_back(sample_call(stage, name));
    stage.archive.add_call(calls.back());
  }
  const auto plain = [&](size_t i) { return stage.archive.plain_path(calls[i], "inbound.ulaw"); };
  std::string wrong = calls[0].files.at("inbound.ulaw");
  wrong[150'000] = static_cast<char>(wrong[150'000] ^ 1);
  write_file(plain(0), wrong);
  fs::resize_file(plain(1), 1000);
  fs::remove(plain(2));
  const ViewProcess view(stage.archive);
  for (const size_t i : {size_t{0}, size_t{1}, size_t{2}})
    BOOST_TEST(open_error(stage.file_of(calls[i], "inbound.ulaw")) == EIO, calls[i].call_sid);

  // Found good once, and changed afterwards: while it is open, and before the next open.
  for (const size_t i : {size_t{3}, size_t{4}}) {
    const std::string path = stage.file_of(calls[i], "inbound.ulaw");
    const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    BOOST_REQUIRE(fd);
    char block[1000];
    BOOST_TEST(::pread(fd.get(), block, sizeof block, 0) == 1000);
    if (i == 3) {
      std::string later = calls[i].files.at("inbound.ulaw");
      later[299'000] = static_cast<char>(later[299'000] ^ 1);
      write_file(plain(i), later);
    } else {
      fs::resize_file(plain(i), 200'000);
    }
    errno = 0;
    BOOST_TEST(::pread(fd.get(), block, sizeof block, 298'500) == -1);
    BOOST_TEST(errno == EIO);
    BOOST_TEST(open_error(path) == EIO);
  }
  // Its neighbours are not touched, and the log names the file.
  BOOST_TEST((read_or_errno(stage.file_of(calls[0], "outbound.pcm")) ==
              calls[0].files.at("outbound.pcm")));
  BOOST_TEST(count_of(view.log(), "inbound.ulaw is refused") >= 5u);
}

// P8: looking recalls nothing.
BOOST_AUTO_TEST_CASE(P8_standard_tools_over_archived_calls_recall_nothing) {
  Stage stage;
  const CallSpec here = sample_call(stage, "CA-here");
  const CallSpec gone = sample_call(stage, "CA-gone");
  stage.archive.add_call(here);
  stage.archive.archive(stage.archive.add_call(gone));
  const ViewProcess view(stage.archive);
  BOOST_TEST(open_error(stage.file_of(gone, "inbound.ulaw")) == EREMOTEIO);
  BOOST_TEST(open_error(stage.file_of(gone, "outbound.pcm")) == EREMOTEIO);
  BOOST_TEST(stage.opens().empty());  // nobody was asked, for nothing was disclosed
  // Its metadata is in the index, and its size is known.
  BOOST_TEST(read_or_errno(stage.file_of(gone, "metadata.json")) == gone.files.at("metadata.json"));
  BOOST_TEST(status_at(stage.file_of(gone, "outbound.pcm")).st_size == 600'002);

  const std::string root = stage.archive.mount_point();
  const std::string day = stage.in_view(stage.archive.day_path(here));
  const ProgramRun find = run_tool({"find", root, "-type", "f"});
  BOOST_TEST(find.exit_code == 0);
  BOOST_TEST(count_of(find.out, "\n") == 6u);

  const auto is_complete = [&](const std::string& copied) {
    for (const auto& [name, bytes] : here.files)
      BOOST_TEST((read_file(copied + "/CA-here/" + name) == bytes), name);
    BOOST_TEST(read_file(copied + "/CA-gone/metadata.json") == gone.files.at("metadata.json"));
  };
  const std::string target = stage.archive.path() + "/out";
  const ProgramRun copy = run_tool({"cp", "-a", day, target});
  BOOST_TEST(copy.exit_code == 1);
  BOOST_TEST(count_of(copy.err, "Remote I/O error") == 2u, copy.err);
  is_complete(target);

  const std::string archive = stage.archive.path() + "/day.tar";
  const ProgramRun tar = run_tool({"tar", "-c", "-C", day, "-f", archive, "."});
  BOOST_TEST(tar.exit_code == 2);
  BOOST_TEST(count_of(tar.err, "Remote I/O error") == 2u, tar.err);
  fs::create_directory(stage.archive.path() + "/untarred");
  BOOST_TEST(
      run_tool({"tar", "-x", "-C", stage.archive.path() + "/untarred", "-f", archive}).exit_code ==
      0);
  is_complete(stage.archive.path() + "/untarred");

  if (fs::exists("/usr/bin/rsync")) {
    const std::string synced = stage.archive.path() + "/synced";
    const ProgramRun rsync = run_tool({"rsync", "-a", day + "/", synced});
    BOOST_TEST(rsync.exit_code == 23);
    BOOST_TEST(count_of(rsync.err, "Remote I/O error") == 2u, rsync.err);
    is_complete(synced);
  } else {
    std::cout << "skipped: there is no rsync\n";
  }
  const ProgramRun sums = run_tool({"find", root, "-type", "f", "-exec", "sha256sum", "{}", "+"});
  BOOST_TEST(sums.exit_code == 1);
  BOOST_TEST(count_of(sums.err, "Remote I/O error") == 2u, sums.err);
  BOOST_TEST(count_of(sums.out, "\n") == 4u);
  BOOST_TEST(count_of(sums.out, sha256(here.files.at("outbound.pcm")).hex()) == 1u);
  for (const FakeRequest& request : stage.daemon->asked())
    BOOST_TEST((request.path == "/mount/opens" || request.path == "/mount/changes"));
  // Only what was given is in the audit: one line per file that opened.
  for (const json::object& open : stage.opens())
    BOOST_TEST((open.at("recording_no").as_int64() == 1 ||
                open.at("file").as_string() == "metadata.json"));
}

BOOST_AUTO_TEST_CASE(inodes_are_the_same_after_a_remount) {
  Stage stage;
  for (const char* name : {"CA1", "CA2", "CA3"}) stage.archive.add_call(sample_call(stage, name));
  const auto listing = [&] {
    const ViewProcess view(stage.archive);
    return run_tool({"find", stage.archive.mount_point(), "-printf", "%i %y %P %s %b %T@\n"}).out;
  };
  const std::string first = listing();
  BOOST_TEST(count_of(first, "\n") == 18u);  // root, 2 workspaces, 3 levels, 3 calls, 9 files
  BOOST_TEST(listing() == first);
}

BOOST_AUTO_TEST_CASE(a_large_directory_is_listed_whole_in_little_memory) {
  Stage stage;
  CallSpec call;  // for its day alone
  stage.archive.add_many(call.day, 1000);
  const std::string small = stage.in_view(stage.archive.day_path(call));
  call.day = CalendarDay{2026, 11, 21};
  stage.archive.add_many(call.day, 100'000);
  const std::string large = stage.in_view(stage.archive.day_path(call));
  const ViewProcess view(stage.archive);
  BOOST_TEST(names_in(small).size() == 1000u);
  const int64_t before_kib = view.memory_peak_kib();
  for (const char* attempt : {"cold", "from the kernel's cache"}) {
    const std::vector<std::string> names = names_in(large);
    BOOST_TEST(names.size() == 100'000u, attempt);
    BOOST_TEST((std::adjacent_find(names.begin(), names.end()) == names.end()), attempt);
  }
  const int64_t after_kib = view.memory_peak_kib();
  BOOST_TEST_MESSAGE("peak memory: " << before_kib << " KiB, then " << after_kib << " KiB");
  // A sanitizer keeps what was freed, so its figure says nothing. The names alone are 1,100 KiB;
  // SQLite's page cache may fill up to 2 MiB per connection.
  if (!kSanitized) BOOST_TEST(after_kib - before_kib < 8 * 1024);
}

BOOST_AUTO_TEST_CASE(changes_reach_what_the_kernel_has_cached) {
  Stage stage;
  const CallSpec first = sample_call(stage, "CA1");
  const RecordingNo number = stage.archive.add_call(first);
  stage.daemon->on("GET /mount/changes", kQuiet);
  const ViewProcess view(stage.archive);
  const std::string day = stage.in_view(stage.archive.day_path(first));
  const std::string year = stage.in_view(stage.archive.workspace(1).text() + "/2027");
  BOOST_TEST(names_in(day).size() == 1u);
  BOOST_TEST(names_in(day).size() == 1u);
  BOOST_TEST(!fs::exists(year));

  // Returns when the view has asked for what follows batch `seq`: then the batch is applied.
  const auto tell = [&](int64_t seq, const CallSpec& call, int64_t no, const std::string& kind) {
    const json::object change{{"recording_no", no},
                              {"workspace", stage.archive.workspace(call.workspace).text()},
                              {"day", call.day.path()},
                              {"call_sid", call.call_sid},
                              {"kind", kind}};
    const std::string quiet = fmt::format(R"({{"seq":{},"reset":false,"changes":[]}})", seq);
    const std::string batch =
        canonical(json::object{{"seq", seq}, {"reset", false}, {"changes", {change}}});
    stage.daemon->on("GET /mount/changes",
                     {{200, batch, "application/json", {}, std::string::npos, false},
                      {200, quiet, "application/json", {}, std::string::npos, false}});
    const std::string next = fmt::format("since={}&", seq);
    for (size_t asked = stage.daemon->asked().size();; ++asked) {
      stage.daemon->wait_until_asked(asked + 1);
      if (stage.daemon->asked().back().query.starts_with(next)) return;
    }
  };
  const CallSpec second = sample_call(stage, "CA2");
  tell(2, second, stage.archive.add_call(second).value, "added");
  BOOST_TEST(names_in(day).size() == 2u);
  CallSpec later = sample_call(stage, "CA3");
  later.day = CalendarDay{2027, 1, 2};
  tell(3, later, stage.archive.add_call(later).value, "added");
  BOOST_TEST(fs::exists(stage.file_of(later, "inbound.ulaw")));
  BOOST_TEST(names_in(stage.in_view(stage.archive.workspace(1).text())).size() == 2u);

  BOOST_TEST(names_in(stage.in_view(stage.archive.call_path(first))).size() == 3u);
  stage.archive.add_part(number, 2, {{"inbound.2.ulaw", "more"}});
  tell(4, first, number.value, "changed");
  BOOST_TEST(names_in(stage.in_view(stage.archive.call_path(first))).size() == 4u);

  BOOST_TEST(fs::exists(stage.file_of(first, "inbound.ulaw")));
  stage.archive.condemn(number);
  stage.archive.begin_destroying(number);
  tell(5, first, number.value, "removed");
  BOOST_TEST(!fs::exists(stage.file_of(first, "inbound.ulaw")));
  BOOST_TEST(names_in(day) == std::vector<std::string>{"CA2"}, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(holds_are_reached_by_matter_and_not_listed) {
  Stage stage;
  const CallSpec call = sample_call(stage, "CA1");
  const MatterId matter = stage.archive.hold(stage.archive.add_call(call), "case 1");
  const ViewProcess view(stage.archive);
  for (const std::string& name : names_in(stage.archive.mount_point()))
    BOOST_TEST(name != ".holds");
  const std::string directory = stage.in_view(".holds/" + matter.text());
  BOOST_TEST(names_in(stage.in_view(".holds")) == std::vector<std::string>{matter.text()},
             boost::test_tools::per_element());
  BOOST_TEST(status_at(directory).st_mode == (S_IFDIR | 0550u));
  const std::string link = directory + "/" + held_name(stage.archive.workspace(1), "CA1");
  BOOST_TEST(S_ISLNK(status_at(link).st_mode));
  BOOST_TEST((read_or_errno(link + "/inbound.ulaw") == call.files.at("inbound.ulaw")));
  const struct group* compliance = ::getgrnam("holdfast-compliance");
  BOOST_TEST(status_at(directory).st_gid ==
             (compliance != nullptr ? compliance->gr_gid : ::getegid()));
}

BOOST_AUTO_TEST_CASE(it_unmounts_on_a_signal_and_from_outside) {
  Stage stage;
  stage.archive.add_call(sample_call(stage, "CA1"));
  for (const int signal : {SIGTERM, SIGINT, SIGHUP}) {
    ViewProcess view(stage.archive);
    BOOST_TEST(is_mounted(stage.archive.mount_point()));
    BOOST_TEST(names_in(stage.archive.mount_point()).size() == 2u);
    BOOST_TEST(view.stop(signal) == 0);
    BOOST_TEST(!is_mounted(stage.archive.mount_point()));
  }
  ViewProcess view(stage.archive);
  BOOST_TEST(run_tool({"fusermount3", "-u", stage.archive.mount_point()}).exit_code == 0);
  BOOST_TEST(view.stop(0) == 0);  // it ends by itself
}

BOOST_AUTO_TEST_CASE(a_stale_or_second_mount_is_told_with_its_remedy) {
  Stage stage;
  stage.archive.add_call(sample_call(stage, "CA1"));
  const auto start = [&] {
    return run_program({FUSE_PROGRAM, stage.archive.mount_point(), "--config",
                        stage.archive.config_path(), "--foreground"});
  };
  ViewProcess view(stage.archive);
  const ProgramRun second = start();
  BOOST_TEST(second.exit_code == 7);
  BOOST_TEST(count_of(second.err, "mounted there already") == 1u, second.err);
  view.stop(SIGKILL);
  const ProgramRun stale = start();
  BOOST_TEST(stale.exit_code == 13);
  BOOST_TEST(count_of(stale.err, "fusermount3 -u " + stage.archive.mount_point()) == 1u, stale.err);
  BOOST_TEST(run_tool({"fusermount3", "-u", stage.archive.mount_point()}).exit_code == 0);
  const ViewProcess again(stage.archive);
  BOOST_TEST(names_in(stage.archive.mount_point()).size() == 2u);
}

BOOST_AUTO_TEST_CASE(wrong_usage_is_told) {
  BOOST_TEST(run_program({FUSE_PROGRAM}).exit_code == 2);
  BOOST_TEST(run_program({FUSE_PROGRAM, "/mnt"}).exit_code == 2);
  BOOST_TEST(run_program({FUSE_PROGRAM, "/mnt", "--config", "/nonexistent"}).exit_code > 2);
  const ProgramRun help = run_program({FUSE_PROGRAM, "--help"});
  BOOST_TEST(help.exit_code == 0);
  BOOST_TEST(count_of(help.out, "--config FILE") == 2u);
}

// The view in a process that may do nothing but read the index and the standard tier.
BOOST_AUTO_TEST_CASE(it_runs_as_another_user) {
  if (::geteuid() != 0) {
    std::cout << "skipped: only root can drop to another user\n";
    return;
  }
  struct stat device {};
  if (::stat("/dev/fuse", &device) != 0 || (device.st_mode & 0006) != 0006) {
    std::cout << "skipped: /dev/fuse is not open to every user here\n";
    return;
  }
  Stage stage;
  const CallSpec call = sample_call(stage, "CA1");
  stage.archive.add_call(call);
  const fs::path socket = stage.daemon->socket_path();
  ::chmod(socket.parent_path().c_str(), 0755);
  ::chmod(socket.c_str(), 0666);
  BOOST_REQUIRE(::chown(stage.archive.mount_point().c_str(), 65'534, 65'534) == 0);
  for (const char* suffix : {"", "-wal", "-shm"})
    BOOST_REQUIRE(::chown((stage.archive.index_path() + suffix).c_str(), 0, 65'534) == 0);
  // The user's own view: root is let in only where fuse.conf says user_allow_other.
  const std::vector<std::string> other = {"setpriv", "--reuid=65534", "--regid=65534",
                                          "--clear-groups"};
  // Where that user can reach it: the build directory may be a closed one.
  const std::string program = stage.archive.path() + "/holdfast-fuse";
  fs::copy_file(FUSE_PROGRAM, program);
  std::vector<std::string> as_that_user = other;
  as_that_user.push_back(program);
  const ViewProcess view(stage.archive, as_that_user);
  const auto as_other = [&](std::vector<std::string> command) {
    command.insert(command.begin(), other.begin(), other.end());
    return run_tool(command);
  };
  const std::string file = stage.file_of(call, "inbound.ulaw");
  const ProgramRun sum = as_other({"sha256sum", file});
  BOOST_TEST(sum.exit_code == 0, sum.err);
  BOOST_TEST(sum.out.starts_with(sha256(call.files.at("inbound.ulaw")).hex()));
  stage.archive.stop_writer();
  stage.daemon.reset();
  const ProgramRun find = as_other({"find", stage.archive.mount_point(), "-type", "f"});
  BOOST_TEST(find.exit_code == 0, find.err);
  BOOST_TEST(count_of(find.out, "\n") == 3u);
  BOOST_TEST(as_other({"cat", file}).exit_code == 1);
}

BOOST_AUTO_TEST_SUITE_END()
