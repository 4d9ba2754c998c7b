// Loaded into a process that valgrind watches, it takes away what valgrind 3.19 does not follow:
//
//   io_uring   memcheck does not see what the kernel writes into memory by a ring, and would take
//              it for bytes that nobody has set: the product goes by plain calls then, as where a
//              kernel forbids rings
//   openat2    valgrind answers ENOSYS: openat opens the same files. That paths stay beneath their
//              root is not kept here; tests/io says that it is kept elsewhere.
#include <dlfcn.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdarg.h>
#include <sys/syscall.h>

#include <cerrno>

struct io_uring;

namespace {

using SystemCall = long (*)(long, ...);

long pass(long number, const long (&given)[6]) {
  static const auto next = reinterpret_cast<SystemCall>(::dlsym(RTLD_NEXT, "syscall"));
  return next(number, given[0], given[1], given[2], given[3], given[4], given[5]);
}

}  // namespace

extern "C" {

int io_uring_queue_init(unsigned, struct io_uring*, unsigned);
int io_uring_queue_init(unsigned, struct io_uring*, unsigned) { return -ENOSYS; }

long watched_syscall(long, ...) asm("syscall");
long watched_syscall(long number, ...) {
  va_list list;
  va_start(list, number);
  long given[6];
  for (long& one : given) one = va_arg(list, long);
  va_end(list);
  if (number != SYS_openat2) return pass(number, given);
  const auto* how = reinterpret_cast<const struct open_how*>(given[2]);
  return ::openat(static_cast<int>(given[0]), reinterpret_cast<const char*>(given[1]),
                  static_cast<int>(how->flags), static_cast<mode_t>(how->mode));
}

}  // extern "C"
