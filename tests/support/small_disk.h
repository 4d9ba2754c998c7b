// A small file system of its own, to be filled: a tmpfs that only root can mount.
#pragma once

#include <sys/mount.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <string>

namespace holdfast::testing {

class SmallDisk {
 public:
  SmallDisk(std::string path, int64_t megabytes, int64_t inodes = 100'000)
      : path_(std::move(path)) {
    std::filesystem::create_directories(path_);
    const std::string options =
        "mode=0755,size=" + std::to_string(megabytes) + "m,nr_inodes=" + std::to_string(inodes);
    mounted_ = ::mount("tmpfs", path_.c_str(), "tmpfs", 0, options.c_str()) == 0;
    if (!mounted_)
      std::cout << "skipped: no file system can be mounted here (" << std::strerror(errno) << ")\n";
  }
  ~SmallDisk() {
    if (mounted_) ::umount2(path_.c_str(), MNT_DETACH);
  }
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;

  // False, told once, where nobody lets us mount one.
  bool is_mounted() const { return mounted_; }
  const std::string& path() const { return path_; }

  // Somebody else's file takes all that is left, but for about `leave` bytes.
  void fill(int64_t leave = 0) const {
    const auto left = static_cast<int64_t>(std::filesystem::space(path_).available);
    const std::string block(64 * 1024, 'x');
    std::ofstream file(filler(), std::ios::binary | std::ios::app);
    for (int64_t written = 0; written + leave < left && file.good();
         written += static_cast<int64_t>(block.size()))
      file << block << std::flush;
  }
  void clear() const { std::filesystem::remove(filler()); }

 private:
  std::string filler() const { return path_ + "/somebody-elses"; }

  const std::string path_;
  bool mounted_ = false;
};

}  // namespace holdfast::testing
