#include "io/fd.h"

#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

namespace holdfast {

void Fd::reset(int fd) {
  if (fd_ >= 0) ::close(fd_);
  fd_ = fd;
}

Result<Fd> Fd::duplicate() const {
  const int fd = ::fcntl(fd_, F_DUPFD_CLOEXEC, 0);
  if (fd < 0) return system_error(errno, "duplicate a file descriptor");
  return Fd(fd);
}

Result<Fd> open_root(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return system_error(errno, "open directory " + path);
  return Fd(fd);
}

Result<Fd> open_beneath(int dir_fd, std::string_view relative, int flags, mode_t mode) {
  const std::string path(relative);
  struct open_how how = {};
  how.flags = static_cast<uint64_t>(flags | O_CLOEXEC);
  how.mode = (flags & (O_CREAT | __O_TMPFILE)) != 0 ? mode : 0;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS;
  long fd;
  do {
    fd = ::syscall(SYS_openat2, dir_fd, path.c_str(), &how, sizeof how);
    // EAGAIN: a rename elsewhere raced with the walk; the kernel asks to try again.
  } while (fd < 0 && (errno == EINTR || errno == EAGAIN));
  if (fd >= 0) return Fd(static_cast<int>(fd));
  const int error_number = errno;
  Error error = system_error(error_number, "open " + path);
  if (error_number == EXDEV || error_number == ELOOP) error.code = Code::kForbidden;
  if (error_number == EEXIST) error.code = Code::kConflict;
  return error;
}

Result<struct stat> status_of(int fd, std::string_view object) {
  struct stat status = {};
  if (::fstat(fd, &status) != 0) return system_error(errno, "stat " + std::string(object));
  return status;
}

SplitPath split_path(std::string_view relative) {
  const size_t slash = relative.rfind('/');
  if (slash == std::string_view::npos) return {".", std::string(relative)};
  return {std::string(relative.substr(0, slash)), std::string(relative.substr(slash + 1))};
}

}  // namespace holdfast
