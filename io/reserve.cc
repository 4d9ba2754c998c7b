#include "io/reserve.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>

#include "base/log.h"
#include "io/tree.h"

namespace holdfast {
namespace {

constexpr const char* kInodesDirectory = "reserve.inodes";

std::string inode_name(int number) {
  return std::string(kInodesDirectory) + "/" + std::to_string(number);
}

}  // namespace

Result<std::unique_ptr<SpaceReserve>> SpaceReserve::open(const std::string& directory,
                                                         const Options& options) {
  HOLDFAST_ASSIGN(root, open_root(directory));
  struct stat status {};
  if (::fstat(root.get(), &status) != 0) return system_error(errno, "look at " + directory);
  Fd file(::openat(root.get(), "reserve", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!file) return system_error(errno, "open " + directory + "/reserve");
  std::unique_ptr<SpaceReserve> reserve(new SpaceReserve(
      std::move(root), status.st_dev, std::move(file), directory + "/reserve", options));
  reserve->take_bytes();
  reserve->take_inodes();
  // What is kept since the last start is of no use to a start that finds the disk full.
  reserve->keep();
  return reserve;
}

Result<SpaceReserve::Left> SpaceReserve::left() const {
  struct statvfs space {};
  if (::fstatvfs(directory_.get(), &space) != 0)
    return system_error(errno, "ask for the space around " + path_);
  Left now;
  now.bytes = static_cast<int64_t>(space.f_bavail) * static_cast<int64_t>(space.f_frsize);
  now.inodes = space.f_files == 0 ? INT64_MAX : static_cast<int64_t>(space.f_favail);
  return now;
}

void SpaceReserve::take_bytes() {
  if (!can_allocate_ || ::fallocate(file_.get(), 0, 0, options_.size.count) == 0) {
    bytes_kept_ = true;
    return;
  }
  if (errno == EOPNOTSUPP) {
    log::warning("{}: the file system cannot allocate; no space is kept back there", path_);
    can_allocate_ = false;
    bytes_kept_ = true;
    return;
  }
  log::warning("{}", system_error(errno, "keep space back in " + path_).message);
  give_up_bytes();  // what was allocated before the disk was full
}

void SpaceReserve::give_up_bytes() {
  bytes_kept_ = false;
  if (::ftruncate(file_.get(), 0) != 0)
    log::error("{}", system_error(errno, "give up the space of " + path_).message);
}

void SpaceReserve::take_inodes() {
  const Result<Left> now = left();
  const bool are_counted = now.ok() && now->inodes != INT64_MAX;
  const Status made = are_counted ? make_inodes() : Status();
  inodes_kept_ = made.ok();
  if (made.ok()) return;
  log::warning("{}", made.error().message);
  give_up_inodes();
}

Status SpaceReserve::make_inodes() {
  const auto failed = [&] {
    return system_error(errno, "keep inodes back in " + path_ + ".inodes");
  };
  if (::mkdirat(directory_.get(), kInodesDirectory, 0700) != 0 && errno != EEXIST) return failed();
  for (int number = 0; number < options_.inodes; ++number) {
    const Fd made(::openat(directory_.get(), inode_name(number).c_str(),
                           O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!made) return failed();
  }
  return {};
}

void SpaceReserve::give_up_inodes() {
  inodes_kept_ = false;
  for (int number = 0; number < options_.inodes; ++number) {
    if (::unlinkat(directory_.get(), inode_name(number).c_str(), 0) == 0 || errno == ENOENT)
      continue;
    log::error("{}", system_error(errno, "give up the inodes of " + path_ + ".inodes").message);
    return;
  }
}

void SpaceReserve::keep() {
  const std::lock_guard lock(mutex_);
  const Result<Left> now = left();
  if (!now.ok()) return log::error("{}", now.error().message);
  keep_bytes(*now);
  keep_inodes(*now);
}

void SpaceReserve::keep_bytes(const Left& now) {
  if (bytes_kept_ && now.bytes < options_.low.count) {
    log::error("{} bytes are left around {}: the space kept back is used now, ingest is refused",
               now.bytes, path_);
    give_up_bytes();
  } else if (!bytes_kept_ && now.bytes >= 2 * options_.size.count + options_.low.count) {
    take_bytes();
    if (bytes_kept_) log::info("{}: there is room again", path_);
  }
}

void SpaceReserve::keep_inodes(const Left& now) {
  if (inodes_kept_ && now.inodes < options_.inodes_low) {
    log::error("{} inodes are left around {}: those kept back are used now, ingest is refused",
               now.inodes, path_);
    give_up_inodes();
  } else if (!inodes_kept_ && now.inodes >= 2 * options_.inodes + options_.inodes_low) {
    take_inodes();
    if (inodes_kept_) log::info("{}: there are inodes again", path_);
  }
}

Result<Bytes> SpaceReserve::spare() {
  if (!is_whole()) keep();
  HOLDFAST_ASSIGN(now, left());
  if (!bytes_kept_ || !has_inodes_for_others(now)) return Bytes(0);
  return Bytes(std::max<int64_t>(0, now.bytes - options_.size.count));
}

Status SpaceReserve::room(Bytes wanted) {
  if (!is_whole()) keep();  // there may be room again, and nobody else who asks
  HOLDFAST_ASSIGN(now, left());
  const auto short_of = [&](int64_t count, const char* what) {
    return Error{Code::kNoSpace, "the disk of " + path_ + " has " + std::to_string(count) + " " +
                                     what + " left; the last of them are kept for decisions"};
  };
  if (!bytes_kept_ || now.bytes - wanted.count < options_.size.count)
    return short_of(now.bytes, "bytes");
  if (!has_inodes_for_others(now)) return short_of(now.inodes, "inodes");
  return {};
}

}  // namespace holdfast
