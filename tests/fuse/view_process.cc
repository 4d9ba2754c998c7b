#include "tests/fuse/view_process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <stdexcept>

#include "io/fd.h"

namespace holdfast {

std::string mount_obstacle() {
  const Fd device(::open("/dev/fuse", O_RDWR | O_CLOEXEC));
  if (!device) return std::string("/dev/fuse: ") + std::strerror(errno);
  if (::geteuid() != 0 && ::access("/usr/bin/fusermount3", X_OK) != 0)
    return "there is no fusermount3";
  return "";
}

bool is_mounted(const std::string& path) {
  std::ifstream mounts("/proc/self/mountinfo");
  for (std::string line; std::getline(mounts, line);)
    if (line.find(" " + path + " ") != std::string::npos) return true;
  return false;
}

namespace {

// The socket on which a service says that it is ready (sd_notify(3)).
Fd notify_socket(const std::string& path) {
  ::unlink(path.c_str());
  Fd fd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
  if (::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
    throw std::runtime_error("cannot listen on " + path);
  ::chmod(path.c_str(), 0777);
  return fd;
}

// Waits for "READY=1" or the process's end, whichever comes first.
bool wait_until_ready(int socket, pid_t pid) {
  const Fd process(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  for (;;) {
    pollfd watched[2] = {{socket, POLLIN, 0}, {process.get(), POLLIN, 0}};
    if (::poll(watched, 2, -1) < 0) throw std::runtime_error("poll failed");
    if ((watched[0].revents & POLLIN) != 0) {
      char text[512];
      const ssize_t got = ::recv(socket, text, sizeof text, 0);
      const std::string message(text, got > 0 ? static_cast<size_t>(got) : 0);
      if (message.find("READY=1") != std::string::npos) return true;
    } else if (watched[1].revents != 0) {
      return false;
    }
  }
}

}  // namespace

ViewProcess::ViewProcess(const SmallArchive& archive, const std::vector<std::string>& program)
    : mount_point_(archive.mount_point()), log_path_(archive.path() + "/fuse.log") {
  const std::string notify_path = archive.path() + "/notify";
  const Fd notify = notify_socket(notify_path);
  std::vector<std::string> arguments = program;
  for (const std::string& argument :
       {mount_point_, std::string("--config"), archive.config_path(), std::string("--foreground")})
    arguments.push_back(argument);
  std::vector<char*> argv;
  for (std::string& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  const Fd log(::open(log_path_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644));
  ::setenv("NOTIFY_SOCKET", notify_path.c_str(), 1);
  pid_ = ::fork();
  if (pid_ < 0) throw std::runtime_error("fork failed");
  if (pid_ == 0) {
    ::dup2(log.get(), STDERR_FILENO);
    ::execvp(argv[0], argv.data());
    ::_exit(127);
  }
  ::unsetenv("NOTIFY_SOCKET");
  if (wait_until_ready(notify.get(), pid_)) return;
  stop(SIGKILL);
  throw std::runtime_error("holdfast-fuse did not start: " + this->log());
}

ViewProcess::~ViewProcess() {
  const int exit_code = stop(SIGTERM);
  BOOST_CHECK_MESSAGE(exit_code == 0, "holdfast-fuse ended with " << exit_code << ": " << log());
  if (is_mounted(mount_point_)) ::umount2(mount_point_.c_str(), MNT_DETACH);
}

void ViewProcess::send(int signal) { ::kill(pid_, signal); }

int ViewProcess::stop(int signal) {
  if (pid_ < 0) return 0;
  send(signal);
  int status = 0;
  ::waitpid(pid_, &status, 0);
  pid_ = -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

int64_t ViewProcess::memory_peak_kib() const {
  std::ifstream lines("/proc/" + std::to_string(pid_) + "/status");
  for (std::string line; std::getline(lines, line);)
    if (line.starts_with("VmHWM:")) return std::stoll(line.substr(6));
  throw std::runtime_error("no VmHWM of the view's process");
}

std::string ViewProcess::log() const { return read_file(log_path_); }

}  // namespace holdfast
