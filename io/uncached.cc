#include "io/uncached.h"

#include <fcntl.h>
#include <linux/stat.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <string>
#include <vector>

namespace holdfast {
namespace {

constexpr long kTmpfsMagic = 0x01021994;
constexpr long kRamfsMagic = static_cast<long>(0x858458f6);
constexpr size_t kPage = 4096;
// Alignment of direct reads where the file system does not tell its own: that of
// disks with 4 KiB sectors.
constexpr size_t kDirectAlignment = 4096;
// Pages asked about by one mincore(2): 1 GiB of file.
constexpr size_t kMincorePages = 262'144;

// Whether a page of `fd` is in the page cache, by mincore(2). Not by cachestat(2),
// which on overlay looks at the wrong inode and always finds nothing. Where we may
// not know (neither owner nor writer), the kernel answers that all pages are.
Result<bool> is_cached(int fd, int64_t size) {
  std::vector<unsigned char> resident;
  const int64_t step = static_cast<int64_t>(kMincorePages * kPage);
  for (int64_t at = 0; at < size; at += step) {
    const auto length = static_cast<size_t>(std::min(size - at, step));
    // Mapped only to be asked about: never touched, so a truncation cannot hurt.
    void* memory = ::mmap(nullptr, length, PROT_NONE, MAP_SHARED, fd, at);
    if (memory == MAP_FAILED) return system_error(errno, "map a file to look for cached pages");
    resident.assign((length + kPage - 1) / kPage, 0);
    const int status = ::mincore(memory, length, resident.data());
    const int error_number = errno;
    ::munmap(memory, length);
    if (status != 0) return system_error(error_number, "look for cached pages");
    if (std::any_of(resident.begin(), resident.end(), [](unsigned char r) { return (r & 1) != 0; }))
      return true;
  }
  return false;
}

// The alignment that the file system states for direct reads of this very file
// (Linux 6.1): 0 when it would fall back to the page cache; nothing when it does not say.
std::optional<size_t> stated_alignment(int fd) {
  struct statx status = {};
  if (::syscall(SYS_statx, fd, "", AT_EMPTY_PATH, STATX_DIOALIGN, &status) != 0)
    return std::nullopt;
  if ((status.stx_mask & STATX_DIOALIGN) == 0) return std::nullopt;
  return status.stx_dio_offset_align;
}

bool is_power_of_two(size_t value) { return value != 0 && (value & (value - 1)) == 0; }

Result<Fd> open_of_size(Io& io, int dir_fd, std::string_view relative, int flags, Bytes size) {
  HOLDFAST_ASSIGN(fd, io.open(dir_fd, relative, flags));
  HOLDFAST_ASSIGN(status, status_of(fd.get(), relative));
  if (!S_ISREG(status.st_mode))
    return Error{Code::kInvalid, "verify " + std::string(relative) + ": not a file"};
  if (status.st_size != size.count)
    return Error{Code::kCorrupt, "verify " + std::string(relative) + ": " +
                                     std::to_string(status.st_size) + " bytes, " +
                                     std::to_string(size.count) + " expected"};
  return fd;
}

// Whether there is a medium behind the page cache at all.
Result<bool> has_medium(int fd, std::string_view relative) {
  struct statfs status = {};
  if (::fstatfs(fd, &status) != 0)
    return system_error(errno, "ask for the file system of " + std::string(relative));
  const auto type = static_cast<long>(status.f_type);
  return type != kTmpfsMagic && type != kRamfsMagic;
}

// Empties the page cache of the file. False when pages stay.
Result<bool> drop_cache(Io& io, int fd, std::string_view relative, int64_t size) {
  HOLDFAST_TRY(io.sync_data(fd, relative));  // dirty pages cannot be dropped
  if (const int error_number = ::posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED); error_number != 0)
    return system_error(error_number, "drop cached pages of " + std::string(relative));
  HOLDFAST_ASSIGN(cached, is_cached(fd, size));
  return !cached;
}

struct DirectFile {
  Fd fd;
  size_t alignment = kDirectAlignment;
};

// The file opened with O_DIRECT; nothing where reads would go through the page cache.
Result<std::optional<DirectFile>> open_direct(Io& io, int dir_fd, std::string_view relative,
                                              int buffered, int64_t size) {
  const std::optional<size_t> stated = stated_alignment(buffered);
  if (stated && (!is_power_of_two(*stated) || io.block() % *stated != 0))
    return std::optional<DirectFile>();
  Result<Fd> fd = open_of_size(io, dir_fd, relative, O_RDONLY | O_DIRECT, Bytes(size));
  if (!fd.ok() && fd.error().system_errno == EINVAL) return std::optional<DirectFile>();
  if (!fd.ok()) return fd.error();
  DirectFile file;
  file.fd = std::move(fd).value();
  file.alignment = std::max(kDirectAlignment, stated.value_or(0));
  if (stated) return std::optional(std::move(file));
  // It accepts O_DIRECT but does not say whether it means it. Emptied first, the
  // cache shows after a probe whether direct reads go past it.
  HOLDFAST_ASSIGN(empty, drop_cache(io, buffered, relative, size));
  if (!empty) return std::optional<DirectFile>();
  const int64_t probe = std::min<int64_t>(size, kDirectAlignment);
  const Status read = read_through_aligned(io, file.fd.get(), Bytes(0), Bytes(probe),
                                           file.alignment, [](ByteSpan) { return Status(); });
  if (!read.ok()) return std::optional<DirectFile>();
  HOLDFAST_ASSIGN(cached, is_cached(buffered, size));
  if (cached) return std::optional<DirectFile>();
  return std::optional(std::move(file));
}

Result<VerifyMode> deliver(Io& io, int dir_fd, std::string_view relative, Bytes size,
                           const ByteSink& sink) {
  HOLDFAST_ASSIGN(fd, open_of_size(io, dir_fd, relative, O_RDONLY, size));
  HOLDFAST_ASSIGN(medium, has_medium(fd.get(), relative));
  if (medium) {
    HOLDFAST_ASSIGN(direct, open_direct(io, dir_fd, relative, fd.get(), size.count));
    if (direct) {
      HOLDFAST_TRY(
          read_through_aligned(io, direct->fd.get(), Bytes(0), size, direct->alignment, sink));
      return VerifyMode::kDirect;
    }
  }
  bool dropped = false;
  if (medium) {
    HOLDFAST_ASSIGN(empty, drop_cache(io, fd.get(), relative, size.count));
    dropped = empty;
  }
  HOLDFAST_TRY(read_through(io, fd.get(), Bytes(0), size, sink));
  return dropped ? VerifyMode::kDropped : VerifyMode::kNone;
}

}  // namespace

Result<VerifyMode> read_uncached(Io& io, int dir_fd, std::string_view relative, Bytes size,
                                 const ByteSink& sink) {
  Result<VerifyMode> mode = deliver(io, dir_fd, relative, size, sink);
  if (!mode.ok()) return mode.error().within("re-read " + std::string(relative));
  return mode;
}

Result<UncachedDigest> digest_uncached(Io& io, int dir_fd, std::string_view relative, Bytes size) {
  Sha256 hash;
  HOLDFAST_ASSIGN(mode, read_uncached(io, dir_fd, relative, size, [&](ByteSpan bytes) -> Status {
                    hash.update(bytes);
                    return {};
                  }));
  return UncachedDigest{hash.finish(), mode};
}

}  // namespace holdfast
