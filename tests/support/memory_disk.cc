// Makes a disk of a file system in memory, for a program that links this: tmpfs says that it is
// ext4, and that nothing of it is in a page cache, so that it can be "re-read past the cache" and
// packs are released. What is written there survives the process as a disk's bytes do, and a sync
// costs nothing. What real disks do with an unsynced byte is the matter of tests/support/
// recorded_disk.h and of loop_disk.h.
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace {

constexpr size_t kPage = 4096;

int look_at(int fd, void* out) {
  const long result = ::syscall(SYS_fstatfs, fd, out);
  auto* status = static_cast<struct statfs*>(out);
  if (result == 0 && status->f_type == TMPFS_MAGIC) status->f_type = EXT4_SUPER_MAGIC;
  return static_cast<int>(result);
}

}  // namespace

// The names of libc, under names of our own in C++. Both structs are the same with 64 bits.
extern "C" {

int memory_fstatfs(int, void*) asm("fstatfs");
int memory_fstatfs(int fd, void* out) { return look_at(fd, out); }
int memory_fstatfs64(int, void*) asm("fstatfs64");
int memory_fstatfs64(int fd, void* out) { return look_at(fd, out); }

int memory_fadvise(int, off_t, off_t, int) asm("posix_fadvise");
int memory_fadvise(int, off_t, off_t, int) { return 0; }
int memory_fadvise64(int, off_t, off_t, int) asm("posix_fadvise64");
int memory_fadvise64(int, off_t, off_t, int) { return 0; }

int memory_mincore(void*, size_t, unsigned char*) asm("mincore");
int memory_mincore(void*, size_t length, unsigned char* resident) {
  std::memset(resident, 0, (length + kPage - 1) / kPage);
  return 0;
}

}  // extern "C"
