// A file system of its own on a loop device whose power can be cut: what was not synced is lost.
//
// Nothing outlives the test, whatever becomes of it: the image is memory (memfd), the loop device
// lets go of it with its last user, and the mount is in a namespace of this process and of those
// that it starts. Needs root.
#pragma once

#include <fcntl.h>
#include <linux/loop.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <iostream>
#include <memory>
#include <string>
#include <thread>

#include "io/fd.h"

namespace holdfast::testing {

struct LoopDiskOptions {
  std::string kind = "ext4";  // or "xfs"
  int64_t megabytes = 512;    // xfs takes 300 at least
  std::string mount_options;
  std::string image;           // a file to use; none: memory
  std::string format_options;  // of mkfs
};

// mkfs.xfs is another package's; that it is not here is told, once.
inline bool has_xfs() {
  static const bool kHas = [] {
    const bool has = std::system("command -v mkfs.xfs >/dev/null") == 0;
    if (!has) std::cout << "skipped: no mkfs.xfs (package xfsprogs), so ext4 alone\n";
    return has;
  }();
  return kHas;
}

// Mounts made from here on are seen by this process and those it starts, and end with the last of
// them. Once, before there are threads that mount. False, told, where that is not allowed.
inline bool own_mounts() {
  static const bool kOwn = [] {
    const bool own = ::unshare(CLONE_NEWNS) == 0 &&
                     ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0;
    if (!own) std::cout << "skipped: nothing can be mounted here: " << std::strerror(errno) << "\n";
    return own;
  }();
  return kOwn;
}

class LoopDisk {
 public:
  LoopDisk(std::string path, LoopDiskOptions options)
      : path_(std::move(path)), options_(std::move(options)) {
    std::filesystem::create_directories(path_);
    if (!own_mounts()) return;
    mounted_ = make_image() && attach() && make_file_system() && mount();
    loop_.reset();  // the mount has its own
    if (!mounted_) std::cout << "skipped: no " << options_.kind << " of our own: " << why_ << "\n";
  }
  ~LoopDisk() {
    if (mounted_) ::umount2(path_.c_str(), MNT_DETACH);
  }
  LoopDisk(const LoopDisk&) = delete;
  LoopDisk& operator=(const LoopDisk&) = delete;

  // False, told once, where nobody lets us mount one.
  bool is_mounted() const { return mounted_; }
  const std::string& path() const { return path_; }
  const std::string& kind() const { return options_.kind; }

  // From now on nothing reaches the disk: neither data nor what the journal holds in memory. False
  // when the file system cannot be shut down. Any thread.
  bool cut_power() const {
    const Fd root(::open(path_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    constexpr unsigned long kShutdown = 0x8004587d;  // FS_IOC_SHUTDOWN
    uint32_t without_flushing_the_log = 2;
    return ::ioctl(root.get(), kShutdown, &without_flushing_the_log) == 0;
  }

  // After whoever had files open has ended: all that the kernel remembers is dropped, and the disk
  // mounted as it was left. False when that cannot be done.
  bool power_on() {
    if (mounted_ && !unmount()) return false;
    mounted_ = false;
    mounted_ = attach() && mount();
    loop_.reset();
    if (!mounted_) std::cout << path_ << " does not come back: " << why_ << "\n";
    return mounted_;
  }

 private:
  bool fail(const std::string& what) {
    why_ = what + ": " + std::strerror(errno);
    return false;
  }

  bool make_image() {
    if (!options_.image.empty()) {
      image_ = Fd(::open(options_.image.c_str(), O_RDWR | O_CLOEXEC));
      return image_ || fail("open " + options_.image);
    }
    image_ = Fd(::memfd_create("holdfast-test-disk", MFD_CLOEXEC));
    if (!image_ || ::ftruncate(image_.get(), options_.megabytes << 20) != 0)
      return fail("make an image");
    return true;
  }

  // A loop device of its own each time: with the last user of the one before went what the kernel
  // had of its blocks.
  bool attach() {
    constexpr int kTries = 50;  // another test may take the free one first
    const Fd control(::open("/dev/loop-control", O_RDWR | O_CLOEXEC));
    if (!control) return fail("open /dev/loop-control");
    for (int left = kTries; left > 0; --left) {
      const int number = ::ioctl(control.get(), LOOP_CTL_GET_FREE);
      if (number < 0) return fail("find a free loop device");
      device_ = "/dev/loop" + std::to_string(number);
      loop_ = Fd(::open(device_.c_str(), O_RDWR | O_CLOEXEC));
      if (!loop_) return fail("open " + device_);
      struct loop_config config = {};
      config.fd = static_cast<uint32_t>(image_.get());
      config.info.lo_flags = LO_FLAGS_AUTOCLEAR;
      if (::ioctl(loop_.get(), LOOP_CONFIGURE, &config) == 0) return true;
      if (errno != EBUSY) break;
    }
    return fail("set up " + device_);
  }

  bool make_file_system() {
    const std::string force = options_.kind == "xfs" ? " -f " : " -F ";
    const std::string make = "mkfs." + options_.kind + " -q" + force + options_.format_options +
                             " " + device_ + " 2>/dev/null";
    return std::system(make.c_str()) == 0 || fail(make);
  }

  bool mount() {
    return ::mount(device_.c_str(), path_.c_str(), options_.kind.c_str(), MS_NOATIME,
                   options_.mount_options.c_str()) == 0 ||
           fail("mount " + device_ + " at " + path_);
  }

  // The rings of a killed process are let go a moment after it has ended.
  bool unmount() {
    constexpr int kTries = 2000;
    for (int left = kTries; left > 0; --left) {
      if (::umount(path_.c_str()) == 0) return true;
      if (errno != EBUSY) break;
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    std::cout << "umount " << path_ << ": " << std::strerror(errno) << "\n";
    return false;
  }

  const std::string path_;
  const LoopDiskOptions options_;
  Fd image_;
  Fd loop_;
  std::string device_;
  std::string why_;
  bool mounted_ = false;
};

}  // namespace holdfast::testing
