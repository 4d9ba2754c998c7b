// The recorder: libc's file calls of this program, and of the libraries it uses, pass through here.
//
// One lock for all, so that the order recorded is the order in which things happened.
#include <dlfcn.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <mutex>
#include <optional>
#include <stdexcept>

#include "io/fd.h"
#include "tests/support/recorded_disk.h"

namespace holdfast::testing {
namespace {

using Kind = DiskOperation::Kind;
using SystemCall = long (*)(long, ...);

// libc's own. No static of a function: what guards one may come here itself.
std::atomic<SystemCall> next_system_call{nullptr};
SystemCall system_call() {
  if (next_system_call == nullptr)
    next_system_call = reinterpret_cast<SystemCall>(::dlsym(RTLD_NEXT, "syscall"));
  return next_system_call;
}

class Recorder {
 public:
  void start(const std::string& root, const std::vector<std::string>& without) {
    std::lock_guard lock(mutex);
    without_ = without;
    recording_ = Recording();
    nodes_.clear();
    last_ = -1;
    struct stat status = {};
    if (::stat(root.c_str(), &status) != 0) throw std::runtime_error("no directory " + root);
    device_ = status.st_dev;
    remember(root);
    is_recording = true;
  }
  Recording stop() {
    std::lock_guard lock(mutex);
    is_recording = false;
    return std::move(recording_);
  }
  void mark(int what) {
    std::lock_guard lock(mutex);
    recording_.marks[what] = recording_.operations.size();
  }

  // The number of what `path` is, if it is ours.
  std::optional<int> node_at(int dir_fd, const char* path) const {
    struct stat status = {};
    const bool there = *path == '\0' ? ::fstat(dir_fd, &status) == 0
                                     : ::fstatat(dir_fd, path, &status, AT_SYMLINK_NOFOLLOW) == 0;
    if (!there || status.st_dev != device_) return std::nullopt;
    const auto found = nodes_.find(status.st_ino);
    return found == nodes_.end() ? std::nullopt : std::optional<int>(found->second);
  }
  std::optional<int> node_of(int fd) const { return node_at(fd, ""); }

  // A new file or directory that has the name already.
  void created(Kind kind, int dir_fd, const std::string& path) {
    const SplitPath split = split_path(path);
    const auto parent = node_at(dir_fd, split.parent.c_str());
    struct stat status = {};
    if (!parent || is_left_out(split.name) ||
        ::fstatat(dir_fd, path.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0)
      return;
    DiskOperation operation;
    operation.kind = kind;
    operation.node = ++last_;
    operation.parent = *parent;
    operation.name = split.name;
    nodes_[status.st_ino] = operation.node;
    add(std::move(operation));
  }
  // A file without a name has an inode that may have been another's.
  void created_without_name(int fd) {
    struct stat status = {};
    if (::fstat(fd, &status) == 0) nodes_.erase(status.st_ino);
  }
  void add(DiskOperation operation) { recording_.operations.push_back(std::move(operation)); }

  std::mutex mutex;
  bool is_recording = false;

 private:
  bool is_left_out(const std::string& name) const {
    return std::any_of(without_.begin(), without_.end(),
                       [&](const std::string& ending) { return name.ends_with(ending); });
  }
  int remember(const std::string& path) {
    struct stat status = {};
    if (::lstat(path.c_str(), &status) != 0) throw std::runtime_error("cannot look at " + path);
    const int node = ++last_;
    nodes_[status.st_ino] = node;
    if (S_ISDIR(status.st_mode)) {
      recording_.before.directories[node];
      for (const auto& entry : std::filesystem::directory_iterator(path))
        if (entry.is_directory() ||
            (entry.is_regular_file() && !is_left_out(entry.path().filename())))
          recording_.before.directories[node][entry.path().filename()] = remember(entry.path());
    } else {
      std::ifstream file(path, std::ios::binary);
      recording_.before.files[node] = std::string(std::istreambuf_iterator<char>(file), {});
    }
    return node;
  }

  std::vector<std::string> without_;
  Recording recording_;
  std::map<ino_t, int> nodes_;
  int last_ = -1;
  dev_t device_ = 0;
};

Recorder& recorder() {
  static Recorder one;
  return one;
}

// Makes a call under the lock; when it went well and we record, `told` tells of it.
template <typename Call, typename Told>
auto recorded(Call call, Told told) {
  std::lock_guard lock(recorder().mutex);
  const auto result = call();
  const int error_number = errno;
  if (result >= 0 && recorder().is_recording) told(result);
  errno = error_number;
  return result;
}

long opened(int dir_fd, const char* path, uint64_t flags, const std::function<long()>& call) {
  std::lock_guard lock(recorder().mutex);
  struct stat status = {};
  const bool watch = recorder().is_recording && (flags & (O_CREAT | O_TMPFILE | O_TRUNC)) != 0;
  const bool was_there = watch && ::fstatat(dir_fd, path, &status, 0) == 0;
  const long fd = call();
  if (fd < 0 || !watch) return fd;
  if ((flags & O_TMPFILE) == O_TMPFILE) {
    recorder().created_without_name(static_cast<int>(fd));
  } else if (!was_there) {
    recorder().created(Kind::kCreate, dir_fd, path);
  } else if ((flags & O_TRUNC) != 0) {
    DiskOperation operation;
    operation.kind = Kind::kTruncate;
    const auto node = recorder().node_of(static_cast<int>(fd));
    operation.node = node.value_or(0);
    if (node) recorder().add(std::move(operation));
  }
  return fd;
}

std::atomic<bool> calls_are_unruly{false};
std::atomic<unsigned> unruly_calls{0};

// False, and errno, when the call is interrupted; it may also be shortened, to whole `unit`s.
bool is_let_through(size_t& length, size_t unit) {
  if (!calls_are_unruly) return true;
  const unsigned turn = unruly_calls++ % 4;
  if (turn == 3 && length >= 2 * unit) length = length / 2 / unit * unit;
  if (turn != 1) return true;
  errno = EINTR;
  return false;
}

long read_some(int fd, void* data, size_t length, off_t offset) {
  constexpr size_t kUnit = 4096;  // of O_DIRECT
  if (!is_let_through(length, kUnit)) return -1;
  return system_call()(SYS_pread64, fd, data, length, offset);
}

long written(int fd, const void* data, size_t length, off_t offset) {
  if (!is_let_through(length, 1)) return -1;
  return recorded([&] { return system_call()(SYS_pwrite64, fd, data, length, offset); },
                  [&](long count) {
                    const auto node = recorder().node_of(fd);
                    if (!node) return;
                    DiskOperation operation;
                    operation.kind = Kind::kWrite;
                    operation.node = *node;
                    operation.offset = offset;
                    operation.bytes.assign(static_cast<const char*>(data),
                                           static_cast<size_t>(count));
                    recorder().add(std::move(operation));
                  });
}

int truncated(int fd, off_t length) {
  return static_cast<int>(recorded([&] { return system_call()(SYS_ftruncate, fd, length); },
                                   [&](long) {
                                     const auto node = recorder().node_of(fd);
                                     if (!node) return;
                                     DiskOperation operation;
                                     operation.kind = Kind::kTruncate;
                                     operation.node = *node;
                                     operation.offset = length;
                                     recorder().add(std::move(operation));
                                   }));
}

int synced(long number, int fd) {
  return static_cast<int>(recorded([&] { return system_call()(number, fd); },
                                   [&](long) {
                                     const auto node = recorder().node_of(fd);
                                     if (!node) return;
                                     DiskOperation operation;
                                     operation.node = *node;
                                     recorder().add(std::move(operation));
                                   }));
}

int removed(int dir_fd, const char* path, int flags) {
  std::lock_guard lock(recorder().mutex);
  const bool record = recorder().is_recording;
  const auto node = record ? recorder().node_at(dir_fd, path) : std::nullopt;
  const SplitPath split = split_path(path);
  const auto parent = record ? recorder().node_at(dir_fd, split.parent.c_str()) : std::nullopt;
  const auto result = static_cast<int>(system_call()(SYS_unlinkat, dir_fd, path, flags));
  if (result != 0 || !node || !parent) return result;
  DiskOperation operation;
  operation.kind = Kind::kUnlink;
  operation.node = *node;
  operation.parent = *parent;
  operation.name = split.name;
  recorder().add(std::move(operation));
  return result;
}

int renamed(int from_dir, const char* from, int to_dir, const char* to, unsigned flags) {
  return static_cast<int>(
      recorded([&] { return system_call()(SYS_renameat2, from_dir, from, to_dir, to, flags); },
               [&](long) {
                 const SplitPath source = split_path(from);
                 const SplitPath target = split_path(to);
                 const auto node = recorder().node_at(to_dir, to);
                 const auto parent = recorder().node_at(from_dir, source.parent.c_str());
                 const auto to_parent = recorder().node_at(to_dir, target.parent.c_str());
                 if (!node || !parent || !to_parent) return;
                 DiskOperation operation;
                 operation.kind = Kind::kRename;
                 operation.node = *node;
                 operation.parent = *parent;
                 operation.name = source.name;
                 operation.to_parent = *to_parent;
                 operation.to_name = target.name;
                 recorder().add(std::move(operation));
               }));
}

}  // namespace

Recording record(const std::string& root, const std::vector<std::string>& without,
                 const std::function<void()>& work) {
  recorder().start(root, without);
  work();
  return recorder().stop();
}

void mark(int what) { recorder().mark(what); }

void make_calls_unruly(bool unruly) { calls_are_unruly = unruly; }

}  // namespace holdfast::testing

// The names of libc, under names of our own in C++.
namespace {
using namespace holdfast::testing;
}
extern "C" {

ssize_t recorded_pwrite(int, const void*, size_t, off_t) asm("pwrite");
ssize_t recorded_pwrite(int fd, const void* data, size_t length, off_t offset) {
  return written(fd, data, length, offset);
}
ssize_t recorded_pwrite64(int, const void*, size_t, off_t) asm("pwrite64");
ssize_t recorded_pwrite64(int fd, const void* data, size_t length, off_t offset) {
  return written(fd, data, length, offset);
}
ssize_t recorded_pread(int, void*, size_t, off_t) asm("pread");
ssize_t recorded_pread(int fd, void* data, size_t length, off_t offset) {
  return read_some(fd, data, length, offset);
}
ssize_t recorded_pread64(int, void*, size_t, off_t) asm("pread64");
ssize_t recorded_pread64(int fd, void* data, size_t length, off_t offset) {
  return read_some(fd, data, length, offset);
}
int recorded_ftruncate(int, off_t) asm("ftruncate");
int recorded_ftruncate(int fd, off_t length) { return truncated(fd, length); }
int recorded_ftruncate64(int, off_t) asm("ftruncate64");
int recorded_ftruncate64(int fd, off_t length) { return truncated(fd, length); }
int recorded_fsync(int) asm("fsync");
int recorded_fsync(int fd) { return synced(SYS_fsync, fd); }
int recorded_fdatasync(int) asm("fdatasync");
int recorded_fdatasync(int fd) { return synced(SYS_fdatasync, fd); }
int recorded_unlink(const char*) asm("unlink");
int recorded_unlink(const char* path) { return removed(AT_FDCWD, path, 0); }
int recorded_unlinkat(int, const char*, int) asm("unlinkat");
int recorded_unlinkat(int dir_fd, const char* path, int flags) {
  return removed(dir_fd, path, flags);
}
int recorded_renameat2(int, const char*, int, const char*, unsigned) asm("renameat2");
int recorded_renameat2(int from_dir, const char* from, int to_dir, const char* to, unsigned flags) {
  return renamed(from_dir, from, to_dir, to, flags);
}
int recorded_mkdirat(int, const char*, mode_t) asm("mkdirat");
int recorded_mkdirat(int dir_fd, const char* path, mode_t mode) {
  return static_cast<int>(
      recorded([&] { return system_call()(SYS_mkdirat, dir_fd, path, mode); },
               [&](long) { recorder().created(Kind::kMakeDirectory, dir_fd, path); }));
}
int recorded_mkdir(const char*, mode_t) asm("mkdir");
int recorded_mkdir(const char* path, mode_t mode) { return recorded_mkdirat(AT_FDCWD, path, mode); }

// How SQLite opens; the mode is there when O_CREAT is.
int recorded_open64(const char*, int, ...) asm("open64");
int recorded_open64(const char* path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  const auto mode = (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(arguments, mode_t) : mode_t{0};
  va_end(arguments);
  return static_cast<int>(opened(AT_FDCWD, path, static_cast<uint64_t>(flags), [&] {
    return system_call()(SYS_openat, AT_FDCWD, path, flags, mode);
  }));
}

// openat2, which libc does not name, comes this way; all others pass.
long recorded_syscall(long, ...) asm("syscall");
long recorded_syscall(long number, ...) {
  va_list list;
  va_start(list, number);
  long given[6];
  for (long& one : given) one = va_arg(list, long);
  va_end(list);
  const auto pass = [&] {
    return system_call()(number, given[0], given[1], given[2], given[3], given[4], given[5]);
  };
  if (number != SYS_openat2) return pass();
  const auto* how = reinterpret_cast<const struct open_how*>(given[2]);
  return opened(static_cast<int>(given[0]), reinterpret_cast<const char*>(given[1]), how->flags,
                pass);
}

}  // extern "C"
