// One open file descriptor, owned; and opening below a directory that we hold.
//
// Every path of the product is relative to a root that was opened once. What
// lies below is opened by openat2(2) with RESOLVE_BENEATH|RESOLVE_NO_SYMLINKS:
// no "..", no absolute path and no symbolic link leads out of the root.
#pragma once

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.h"
#include "base/types.h"

namespace holdfast {

// Move-only. Closed by the destructor; an error of close(2) is not looked at,
// since whoever needs the bytes durable has synced them before.
class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    if (this != &other) reset(std::exchange(other.fd_, -1));
    return *this;
  }
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;
  ~Fd() { reset(); }

  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }
  int release() { return std::exchange(fd_, -1); }
  void reset(int fd = -1);
  // A second descriptor of the same open file (F_DUPFD_CLOEXEC).
  Result<Fd> duplicate() const;

 private:
  int fd_ = -1;
};

struct CloseDirectory {
  void operator()(DIR* stream) const { ::closedir(stream); }
};
// The entries of a directory, in no order: readdir(3).
using DirectoryStream = std::unique_ptr<DIR, CloseDirectory>;

// Opens a root directory by its path, following links: the operator names it.
// kNotFound when it is absent, kIo when it is not a directory. For those who have
// no Io; who has one uses Io::open_root.
Result<Fd> open_root(const std::string& path);

// Opens `relative` below `dir_fd`; O_CLOEXEC is added. "." is `dir_fd` itself.
// kNotFound when absent; kConflict when O_EXCL finds a file (errno EEXIST);
// kForbidden when the path would leave the root or cross a link (EXDEV, ELOOP);
// kIo otherwise. For readers that have no Io; those who have one use Io::open.
// Thread rule: any thread.
Result<Fd> open_beneath(int dir_fd, std::string_view relative, int flags, mode_t mode = 0);

// fstat(2). `object` is what an error names.
Result<struct stat> status_of(int fd, std::string_view object);

// "a/b/c" → {"a/b", "c"}; "c" → {".", "c"}.
struct SplitPath {
  std::string parent;
  std::string name;
};
SplitPath split_path(std::string_view relative);

}  // namespace holdfast
