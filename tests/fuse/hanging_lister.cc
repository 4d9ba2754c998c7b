#include "tests/fuse/hanging_lister.h"

#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <stdexcept>

namespace holdfast {

namespace {

constexpr size_t kPageBytes = 4096;

Fd open_faults() {
  Fd faults(static_cast<int>(::syscall(SYS_userfaultfd, O_CLOEXEC)));
  struct uffdio_api api {};
  api.api = UFFD_API;
  if (faults && ::ioctl(faults.get(), UFFDIO_API, &api) != 0) return Fd();
  return faults;
}

}  // namespace

std::string HangingLister::obstacle() {
  return open_faults() ? "" : std::string("userfaultfd: ") + std::strerror(errno);
}

HangingLister::HangingLister(const std::string& directory)
    : faults_(open_faults()),
      directory_(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)),
      page_(
          ::mmap(nullptr, kPageBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)) {
  struct uffdio_register whole {};
  whole.range = {reinterpret_cast<uint64_t>(page_), kPageBytes};
  whole.mode = UFFDIO_REGISTER_MODE_MISSING;
  if (!faults_ || !directory_ || ::ioctl(faults_.get(), UFFDIO_REGISTER, &whole) != 0)
    throw std::runtime_error("cannot hang in a listing of " + directory);
  lister_ = std::thread([this] {
    // An end of the mount meanwhile is its end, too.
    (void)::syscall(SYS_getdents64, directory_.get(), page_, kPageBytes);
  });
  struct uffd_msg fault {};
  if (::read(faults_.get(), &fault, sizeof fault) != sizeof fault)
    throw std::runtime_error("no fault in a listing of " + directory);
}

void HangingLister::let_go() {
  if (!lister_.joinable()) return;
  struct uffdio_zeropage zeros {};
  zeros.range = {reinterpret_cast<uint64_t>(page_), kPageBytes};
  if (::ioctl(faults_.get(), UFFDIO_ZEROPAGE, &zeros) != 0) std::terminate();
  lister_.join();
  ::munmap(page_, kPageBytes);
}

}  // namespace holdfast
