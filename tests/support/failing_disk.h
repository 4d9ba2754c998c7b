// A file system whose disk refuses writes when told to: real EIO from below, so that writeback,
// fsync and the journal meet it as they would a dying disk's.
//
//   nbdkit --filter=error memory → nbdfuse → loop device → ext4 or xfs
//
// nbdkit and nbdfuse end with this process; the mounts are in its own namespace. Needs root, and
// Debian's nbdkit and libnbd-bin.
#pragma once

#include <fcntl.h>
#include <linux/loop.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iostream>
#include <string>

#include "tests/support/loop_disk.h"

namespace holdfast::testing {

class FailingDisk {
 public:
  // Mounted at `path`, of the kind that `options` tell (the image is ours); `scratch` is a
  // directory for what it needs. Of 100 writes that come while it fails, `percent` are refused.
  FailingDisk(const std::string& path, const std::string& scratch, int percent,
              LoopDiskOptions options)
      : scratch_(scratch) {
    if (std::system("command -v nbdkit nbdfuse >/dev/null") != 0) {
      std::cout << "skipped: no nbdkit or nbdfuse (packages nbdkit and libnbd-bin)\n";
      return;
    }
    if (!own_mounts()) return;
    std::filesystem::create_directories(scratch_ + "/fuse");
    if (!serve(percent)) {
      std::cout << "skipped: nbdfuse serves no disk here\n";
      return;
    }
    options.image = served();
    disk_ = std::make_unique<LoopDisk>(path, std::move(options));
  }
  ~FailingDisk() {
    fail(false);
    disk_.reset();
    if (server_ <= 0) return;
    ::umount2((scratch_ + "/fuse").c_str(), MNT_DETACH);
    ::kill(server_, SIGTERM);
    while (::waitpid(server_, nullptr, 0) < 0 && errno == EINTR) {
    }
  }
  FailingDisk(const FailingDisk&) = delete;
  FailingDisk& operator=(const FailingDisk&) = delete;

  // False, told once, where it cannot be made.
  bool is_mounted() const { return disk_ && disk_->is_mounted(); }

  // From now on writes are refused; or no longer. Any thread.
  void fail(bool on) const {
    if (on)
      std::ofstream(toggle()) << "on";
    else
      ::unlink(toggle().c_str());
  }
  // After whoever had files open has ended: nothing that the kernel remembered is left.
  bool remount() { return disk_->power_on(); }

 private:
  std::string served() const { return scratch_ + "/fuse/nbd"; }
  std::string toggle() const { return scratch_ + "/refuse"; }

  bool serve(int percent) {
    const std::string rate = "error-pwrite-rate=" + std::to_string(percent) + "%";
    const std::string file = "error-file=" + toggle();
    const std::string fuse = scratch_ + "/fuse";
    const std::string log = scratch_ + "/nbdkit.log";
    const pid_t parent = ::getpid();
    server_ = ::fork();
    if (server_ < 0) return false;
    if (server_ == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGTERM);
      const int out = ::open(log.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
      ::dup2(out, STDOUT_FILENO);
      ::dup2(out, STDERR_FILENO);
      if (::getppid() == parent)
        ::execlp("nbdfuse", "nbdfuse", fuse.c_str(), "[", "nbdkit", "--exit-with-parent",
                 "--filter=error", "memory", "512M", "error-pread-rate=0%", rate.c_str(),
                 file.c_str(), "]", nullptr);
      ::_exit(127);
    }
    constexpr int kTries = 2000;
    for (int left = kTries; left > 0; --left) {
      if (::access(served().c_str(), F_OK) == 0) return true;
      if (::waitpid(server_, nullptr, WNOHANG) == server_) break;
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    return false;
  }

  const std::string scratch_;
  pid_t server_ = -1;
  std::unique_ptr<LoopDisk> disk_;
};

}  // namespace holdfast::testing
