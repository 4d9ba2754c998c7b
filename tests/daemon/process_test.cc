// The real program as its service manager sees it: what it notifies, what SIGHUP and SIGTERM do,
// sockets that are passed to it, and its exit codes.
#include <fcntl.h>
#include <netinet/in.h>
#include <pwd.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>

#include "base/result.h"
#include "tests/support/daemon_process.h"
#include "tests/support/files.h"
#include "tests/support/temporary_directory.h"

using namespace holdfast;
using namespace holdfast::testing;

namespace {

// The service manager's end of sd_notify(3).
class NotifySocket {
 public:
  explicit NotifySocket(const std::string& path) {
    fd_ = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    BOOST_REQUIRE(path.size() < sizeof address.sun_path);
    std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
    BOOST_REQUIRE(::bind(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    ::setenv("NOTIFY_SOCKET", path.c_str(), 1);
  }
  ~NotifySocket() {
    ::unsetenv("NOTIFY_SOCKET");
    ::close(fd_);
  }
  // Waits until a message with `text` has come; all that came by then, and forgets it.
  std::string await(const std::string& text) {
    const bool came = eventually([&] {
      char buffer[4096];
      ssize_t got = 0;
      while ((got = ::recv(fd_, buffer, sizeof buffer, 0)) > 0)
        all_ += std::string(buffer, static_cast<size_t>(got)) + "\n";
      return all_.find(text) != std::string::npos;
    });
    BOOST_REQUIRE_MESSAGE(came, text << " never came, but:\n" << all_);
    return std::exchange(all_, "");
  }

 private:
  int fd_ = -1;
  std::string all_;
};

size_t count(const std::string& text, const std::string& word) {
  size_t found = 0;
  for (size_t at = text.find(word); at != text.npos; at = text.find(word, at + 1)) ++found;
  return found;
}

size_t decisions(const DaemonProcess& daemon, const std::string& kind) {
  size_t found = 0;
  for (const auto& entry :
       std::filesystem::directory_iterator(daemon.directory() + "/state/ledger/decisions"))
    found += count(read_all(entry.path()), "\"k\":\"" + kind + "\"");
  return found;
}

void append(const DaemonProcess& daemon, const std::string& text) {
  std::ofstream(daemon.directory() + "/holdfast.toml", std::ios::app) << text;
}

// Exit code of `holdfastd ARGUMENTS`, its words in `out`.
int run(const std::string& arguments, std::string* out = nullptr) {
  const TemporaryDirectory directory;
  const std::string file = directory / "out";
  const int status =
      std::system((std::string(HOLDFASTD) + " " + arguments + " >" + file + " 2>&1").c_str());
  if (out != nullptr) *out = read_all(file);
  return WEXITSTATUS(status);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(process)

BOOST_AUTO_TEST_CASE(a_reload_always_ends_ready) {
  const TemporaryDirectory directory;
  NotifySocket manager(directory / "notify");
  DaemonProcess daemon(HOLDFASTD, directory / "archive", {});
  daemon.start();
  BOOST_TEST(manager.await("READY=1").find("STATUS=serving on port ") != std::string::npos);
  BOOST_TEST(decisions(daemon, "config.applied") == 1u);

  append(daemon, "[links]\nlink_life = \"5min\"\n[restore]\nkeep_default = \"1h\"\n");
  ::kill(daemon.pid(), SIGHUP);
  std::string heard = manager.await("READY=1");
  BOOST_TEST(heard.find("RELOADING=1\nMONOTONIC_USEC=") != std::string::npos, heard);
  BOOST_TEST(heard.find("in force now: links.link_life, restore.keep_default") != std::string::npos,
             heard);
  BOOST_TEST(decisions(daemon, "config.applied") == 2u);

  // What waits is told by name.
  append(daemon, "[http]\npublic_url = \"https://a.example\"\nplaintext_beyond_loopback = true\n");
  ::kill(daemon.pid(), SIGHUP);
  // The section stands twice: not TOML.
  heard = manager.await("READY=1");
  BOOST_TEST(
      heard.find("stays as it was: " + daemon.directory() + "/holdfast.toml:") != std::string::npos,
      heard);
  BOOST_TEST(decisions(daemon, "config.applied") == 2u);

  // The same file again says the same.
  std::string text = read_all(daemon.directory() + "/holdfast.toml");
  text = text.substr(0, text.rfind("[http]"));
  std::ofstream(daemon.directory() + "/holdfast.toml") << text;
  ::kill(daemon.pid(), SIGHUP);
  BOOST_TEST(manager.await("READY=1").find("it says the same") != std::string::npos);

  text.insert(text.find("[http]\n") + 7,
              "public_url = \"https://a.example\"\nplaintext_beyond_loopback = true\n");
  std::ofstream(daemon.directory() + "/holdfast.toml") << text;
  ::kill(daemon.pid(), SIGHUP);
  heard = manager.await("READY=1");
  BOOST_TEST(heard.find("in force now: http.public_url; takes effect at the next start: "
                        "http.plaintext_beyond_loopback") != std::string::npos,
             heard);
  BOOST_TEST(decisions(daemon, "config.applied") == 3u);

  // A file that is gone.
  std::filesystem::remove(daemon.directory() + "/holdfast.toml");
  ::kill(daemon.pid(), SIGHUP);
  BOOST_TEST(manager.await("READY=1").find("No such file") != std::string::npos);
  BOOST_TEST(TestClient(by_socket(daemon.admin_socket())).get("/readyz").status == 200);

  BOOST_TEST(daemon.stop() == 0);
  BOOST_TEST(manager.await("STOPPING=1") != "");
}

BOOST_AUTO_TEST_CASE(signals_in_any_number_are_answered) {
  const TemporaryDirectory directory;
  NotifySocket manager(directory / "notify");
  DaemonProcess daemon(HOLDFASTD, directory / "archive", {});
  daemon.launch();
  for (int i = 0; i < 20; ++i) ::kill(daemon.pid(), SIGHUP);
  daemon.await_ready();
  for (int i = 0; i < 20; ++i) {
    append(daemon, "# " + std::to_string(i) + "\n");
    ::kill(daemon.pid(), SIGHUP);
  }
  append(daemon, "[links]\nlink_life = \"7min\"\n");
  ::kill(daemon.pid(), SIGHUP);
  manager.await("in force now: links.link_life");
  BOOST_TEST(daemon.stop() == 0);
}

BOOST_AUTO_TEST_CASE(a_watchdog_that_is_asked_for_is_answered) {
  const TemporaryDirectory directory;
  NotifySocket manager(directory / "notify");
  ::setenv("WATCHDOG_USEC", "300000", 1);
  DaemonProcess daemon(HOLDFASTD, directory / "archive", {});
  daemon.start();
  ::unsetenv("WATCHDOG_USEC");
  for (int i = 0; i < 3; ++i) manager.await("WATCHDOG=1");
  BOOST_TEST(daemon.stop() == 0);
}

BOOST_AUTO_TEST_CASE(a_socket_that_was_passed_is_listened_on) {
  const int listener = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  BOOST_REQUIRE(::bind(listener, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  BOOST_REQUIRE(::listen(listener, 8) == 0);
  socklen_t length = sizeof address;
  ::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &length);

  const TemporaryDirectory directory;
  const auto program = [&](const std::string& name) {
    const std::string path = directory / name;
    std::ofstream(path) << "#!/bin/sh\nexec 3<&" << listener
                        << "\nLISTEN_PID=$$ LISTEN_FDS=1 LISTEN_FDNAMES=" << name
                        << "\nexport LISTEN_PID LISTEN_FDS LISTEN_FDNAMES\nexec " << HOLDFASTD
                        << " \"$@\"\n";
    ::chmod(path.c_str(), 0755);
    return path;
  };
  {
    DaemonProcess daemon(program("http"), directory / "archive", {});
    daemon.start();
    BOOST_TEST(daemon.port() == ntohs(address.sin_port));
    BOOST_TEST(daemon.stop() == 0);
  }
  // Who passed it under another name expected something else.
  const std::string config = " --config " + (directory / "archive") + "/holdfast.toml";
  std::string out;
  BOOST_TEST(WEXITSTATUS(std::system(
                 (program("metrics") + config + " 2>" + (directory / "out")).c_str())) ==
             traits(Code::kInvalid).exit_code);
  BOOST_TEST(read_all(directory / "out").find("a socket named \"metrics\" was passed") !=
             std::string::npos);
  ::close(listener);
}

BOOST_AUTO_TEST_CASE(check_config_has_exit_codes_and_no_effect) {
  const TemporaryDirectory directory;
  const std::string file = directory / "holdfast.toml";
  const auto check = [&](const std::string& what, const std::string& text, std::string* out) {
    std::ofstream(file) << text;
    return run(what + " --config " + file, out);
  };
  const std::string right =
      "[archive]\nstate_dir = 'state'\nmirror_dir = 'mirror'\n[standard]\npath = 'standard'\n"
      "[warm]\npath = 'warm'\n";
  std::string out;
  BOOST_TEST(check("--check-config", right, &out) == 0);
  BOOST_TEST(out == file + " is right\n");
  const auto before = all_below(directory.path());
  BOOST_TEST(check("--check-config", right + "[cold]\n", &out) == traits(Code::kInvalid).exit_code);
  BOOST_TEST(out.find(file + ":8: cold.path: expected a directory in quotes, got nothing") !=
             std::string::npos);
  BOOST_TEST(run("--check-config --config " + file + ".absent") ==
             traits(Code::kNotFound).exit_code);
  BOOST_TEST(run("--check-config --config " + directory.path()) == traits(Code::kIo).exit_code);
  BOOST_TEST(run("--chek-config") == 2);
  // Directories that are not there are another question.
  BOOST_TEST(check("--check-places", right, &out) == traits(Code::kNotFound).exit_code);
  BOOST_TEST(out.find("absent") != std::string::npos);
  BOOST_TEST(check("--print-unit", right, &out) == 0);
  BOOST_TEST(out.find("ReadWritePaths=\"-" + directory.path() + "/warm\"") != std::string::npos);
  BOOST_TEST(all_below(directory.path()) == before, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(init_gives_the_archive_to_its_user) {
  const struct passwd* const nobody = ::getpwnam("nobody");
  if (::geteuid() != 0 || nobody == nullptr) {
    BOOST_TEST_MESSAGE("skipped: only root can give directories away");
    return;
  }
  const TemporaryDirectory directory;
  ::chmod(directory.path().c_str(), 0755);
  std::ofstream(directory / "holdfast.toml")
      << "[archive]\nstate_dir = 'state'\nmirror_dir = 'mirror'\nmirror_same_device = true\n"
         "[standard]\npath = 'deep/standard'\n[warm]\npath = 'warm'\n";
  ::chmod((directory / "holdfast.toml").c_str(), 0644);
  std::string out;
  const std::string config = " --config " + (directory / "holdfast.toml");
  // The program itself may lie where nobody may look: it runs already.
  BOOST_REQUIRE_MESSAGE(run("--init --user nobody" + config, &out) == 0, out);
  for (const char* name :
       {"state", "mirror", "deep/standard", "warm", "state/run", "state/spool"}) {
    struct stat status {};
    BOOST_REQUIRE(::stat((directory / name).c_str(), &status) == 0);
    BOOST_TEST(status.st_uid == nobody->pw_uid, name);
  }
  for (const auto& entry : std::filesystem::recursive_directory_iterator(directory / "warm")) {
    struct stat status {};
    ::stat(entry.path().c_str(), &status);
    BOOST_TEST(status.st_uid == nobody->pw_uid, entry.path());
  }
  BOOST_TEST(run("--check-places --user nobody" + config, &out) == 0, out);
  BOOST_TEST(run("--init --user no-such-user" + config) == traits(Code::kInvalid).exit_code);
}

BOOST_AUTO_TEST_SUITE_END()
