// A library for LD_PRELOAD that writes down every fsync and fdatasync of a process, SQLite's too:
//
//   <pid> <device> <inode> <birth, ns> <file|directory> <errno, 0 when it went well> <path>
//
// a line each, in the order in which they ended, to the file that HOLDFAST_SYNC_LOG names. The
// process is killed at the one that HOLDFAST_DIE_AT_SYNC numbers, the first being 1: before it is
// made when the number is odd, after it when it is even.
//
// A sync that goes by io_uring is no call that could be seen: the ring is taken from the process,
// which syncs by plain calls then, as where a kernel forbids rings.
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace {

void write_down(int fd, int error_number) {
  const char* log = std::getenv("HOLDFAST_SYNC_LOG");
  if (log == nullptr) return;
  struct statx status = {};
  if (::statx(fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS | STATX_BTIME, &status) != 0) return;
  char link[64];
  char path[4096] = {};
  std::snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  if (::readlink(link, path, sizeof path - 1) < 0) return;
  char line[sizeof path + 200];
  const int length = std::snprintf(
      line, sizeof line, "%d %u:%u %llu %lld%09u %s %d %s\n", static_cast<int>(::getpid()),
      status.stx_dev_major, status.stx_dev_minor, static_cast<unsigned long long>(status.stx_ino),
      static_cast<long long>(status.stx_btime.tv_sec), status.stx_btime.tv_nsec,
      S_ISDIR(status.stx_mode) ? "directory" : "file", error_number, path);
  const int out = ::open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (out < 0) return;
  if (::write(out, line, static_cast<size_t>(length)) != length) ::abort();  // a lie otherwise
  ::close(out);
}

// 0: at none.
long number_to_die_at() {
  const char* given = std::getenv("HOLDFAST_DIE_AT_SYNC");
  return given == nullptr ? 0 : std::atol(given);
}

void die() { ::kill(::getpid(), SIGKILL); }

std::atomic<long> syncs{0};

int witnessed(long number, int fd) {
  const bool last = ++syncs == number_to_die_at();
  if (last && number_to_die_at() % 2 == 1) die();
  const long result = ::syscall(number, fd);
  const int error_number = errno;
  if (last) die();
  write_down(fd, result == 0 ? 0 : error_number);
  errno = error_number;
  return static_cast<int>(result);
}

}  // namespace

struct io_uring;

extern "C" {
int io_uring_queue_init(unsigned, struct io_uring*, unsigned);
__attribute__((visibility("default"))) int io_uring_queue_init(unsigned, struct io_uring*,
                                                               unsigned) {
  return -ENOSYS;
}
__attribute__((visibility("default"))) int fsync(int fd) { return witnessed(SYS_fsync, fd); }
__attribute__((visibility("default"))) int fdatasync(int fd) {
  return witnessed(SYS_fdatasync, fd);
}
}
