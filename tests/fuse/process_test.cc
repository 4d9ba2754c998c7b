// The life of the view's process: how it starts, under whom, and how it ends.
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <iostream>

#include "io/digest.h"
#include "tests/fuse/mounted_view.h"

using namespace holdfast;
namespace fs = std::filesystem;

BOOST_AUTO_TEST_SUITE(the_views_process, *boost::unit_test::precondition(CanMount()))

BOOST_AUTO_TEST_CASE(it_unmounts_on_a_signal_and_from_outside) {
  Stage stage;
  stage.archive.add_call(stage.sample_call("CA1"));
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
  stage.archive.add_call(stage.sample_call("CA1"));
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
  const CallSpec call = stage.sample_call("CA1");
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
