// The view, mounted for real: what people and their tools see of it.
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <functional>
#include <iostream>

#include "fuse/tree.h"
#include "io/digest.h"
#include "io/fd.h"
#include "tests/fuse/mounted_view.h"

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

}  // namespace

BOOST_AUTO_TEST_SUITE(the_mounted_view, *boost::unit_test::precondition(CanMount()))

BOOST_AUTO_TEST_CASE(what_stat_says) {
  Stage stage;
  const CallSpec call = stage.sample_call("CA1");
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
  const CallSpec live = stage.sample_call("CA-live", 3'000'000);
  CallSpec unplaced = stage.sample_call("CA-unplaced");
  unplaced.placed = false;
  const CallSpec staged = stage.sample_call("CA-staged");
  const CallSpec condemned = stage.sample_call("CA-condemned");
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
  const CallSpec call = stage.sample_call("CA1");
  const RecordingNo number = stage.archive.add_call(call);
  stage.archive.add_call(stage.sample_call("CA2"));
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
  const CallSpec call = stage.sample_call("CA1");
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
  const CallSpec call = stage.sample_call("CA1");
  const RecordingNo number = stage.archive.add_call(call);
  stage.archive.hold(number, "case 1");
  stage.archive.set_expiry(number, UnixMillis(2'000'000'000'000));
  const CallSpec old = stage.sample_call("CA2");
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
  // ls(1) asks no second time for what the file system does not have.
  for (const char* name : {"system.posix_acl_access", "security.selinux"})
    BOOST_TEST(xattr(file, name) == std::strerror(EOPNOTSUPP), name);
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
  const CallSpec call = stage.sample_call("CA1");
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
  const CallSpec call = stage.sample_call("CA1");
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
    calls.push_back(stage.sample_call(name));
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
  const CallSpec here = stage.sample_call("CA-here");
  const CallSpec gone = stage.sample_call("CA-gone");
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
  for (const char* name : {"CA1", "CA2", "CA3"}) stage.archive.add_call(stage.sample_call(name));
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

// One that was moved to another workspace is shown there; its files lie where they lay.
BOOST_AUTO_TEST_CASE(a_moved_call_is_shown_in_its_new_workspace) {
  Stage stage;
  const CallSpec call = stage.sample_call("CA1");
  CallSpec moved = call;
  moved.workspace = 2;
  const RecordingNo number = stage.archive.add_call(call);
  stage.archive.add_part(number, 2, {{"inbound.2.ulaw", "more"}});
  stage.archive.move(number, moved.workspace);
  const ViewProcess view(stage.archive);
  BOOST_TEST(open_error(stage.file_of(call, "inbound.ulaw")) == ENOENT);
  BOOST_TEST(
      (read_or_errno(stage.file_of(moved, "inbound.ulaw")) == call.files.at("inbound.ulaw")));
  BOOST_TEST(read_or_errno(stage.file_of(moved, "+2/inbound.2.ulaw")) == "more");
}

BOOST_AUTO_TEST_CASE(holds_are_reached_by_matter_and_not_listed) {
  Stage stage;
  const CallSpec call = stage.sample_call("CA1");
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

BOOST_AUTO_TEST_SUITE_END()
