// A small ext4 of its own, to be filled: with bytes, or with names until it has no inode left.
// Needs root and loop devices.
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <string>

#include "tests/support/loop_disk.h"

namespace holdfast::testing {

enum class Shortage { kBytes, kInodes };
constexpr const char* word(Shortage shortage) {
  return shortage == Shortage::kBytes ? "bytes" : "inodes";
}

class FilledDisk {
 public:
  struct Size {
    int megabytes = 192;
    int inodes = 2048;
  };

  FilledDisk(const std::string& path, const Size& size) : disk_(path, options_of(size)) {
    if (is_mounted()) std::filesystem::remove(path + "/lost+found");
  }

  // False, told once, where nobody lets us mount one.
  bool is_mounted() const { return disk_.is_mounted(); }
  const std::string& path() const { return disk_.path(); }

  // Somebody else takes all that is left; false when that could not be done.
  bool fill(Shortage shortage) const {
    std::filesystem::create_directory(theirs());
    return shortage == Shortage::kBytes ? fill_with_bytes() : fill_with_names();
  }
  void clear() const { std::filesystem::remove_all(theirs()); }

 private:
  static LoopDiskOptions options_of(const Size& size) {
    LoopDiskOptions options;
    options.megabytes = size.megabytes;
    options.format_options = "-m 0 -J size=4 -N " + std::to_string(size.inodes);
    return options;
  }
  std::string theirs() const { return path() + "/somebody-elses"; }

  bool fill_with_bytes() const {
    const int fd = ::open((theirs() + "/file").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0) return false;
    off_t at = 0;
    for (off_t step = off_t{64} << 20; step >= 1024;) {
      if (::fallocate(fd, 0, at, step) == 0)
        at += step;
      else
        step /= 2;
    }
    ::close(fd);
    return errno == ENOSPC;
  }
  bool fill_with_names() const {
    for (int n = 0;; ++n) {
      const std::string name = theirs() + "/" + std::to_string(n);
      const int fd = ::open(name.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
      if (fd < 0) return errno == ENOSPC;
      ::close(fd);
    }
  }

  LoopDisk disk_;
};

}  // namespace holdfast::testing
