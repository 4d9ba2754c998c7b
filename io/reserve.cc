#include "io/reserve.h"

#include <fcntl.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>

#include "base/log.h"
#include "io/tree.h"

namespace holdfast {

Result<std::unique_ptr<SpaceReserve>> SpaceReserve::open(const std::string& directory,
                                                         const Options& options) {
  HOLDFAST_ASSIGN(root, open_root(directory));
  Fd file(::openat(root.get(), "reserve", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!file) return system_error(errno, "open " + directory + "/reserve");
  std::unique_ptr<SpaceReserve> reserve(
      new SpaceReserve(std::move(root), std::move(file), directory + "/reserve", options));
  reserve->take();
  return reserve;
}

Result<Bytes> SpaceReserve::left() const {
  struct statvfs space {};
  if (::fstatvfs(directory_.get(), &space) != 0)
    return system_error(errno, "ask for the space around " + path_);
  return Bytes(static_cast<int64_t>(space.f_bavail) * static_cast<int64_t>(space.f_frsize));
}

void SpaceReserve::take() {
  if (!can_allocate_ || ::fallocate(file_.get(), 0, 0, options_.size.count) == 0) {
    whole_ = true;
    return;
  }
  if (errno == EOPNOTSUPP) {
    log::warning("{}: the file system cannot allocate; no space is kept back there", path_);
    can_allocate_ = false;
    whole_ = true;
    return;
  }
  log::warning("{}", system_error(errno, "keep space back in " + path_).message);
  give_up();  // what was allocated before the disk was full
}

void SpaceReserve::give_up() {
  whole_ = false;
  if (::ftruncate(file_.get(), 0) != 0)
    log::error("{}", system_error(errno, "give up the space of " + path_).message);
}

void SpaceReserve::keep() {
  const std::lock_guard lock(mutex_);
  const Result<Bytes> now = left();
  if (!now.ok()) return log::error("{}", now.error().message);
  if (whole_ && *now < options_.low) {
    log::error("{} bytes are left around {}: the space kept back is used now, ingest is refused",
               now->count, path_);
    give_up();
  } else if (!whole_ && now->count >= 2 * options_.size.count + options_.low.count) {
    take();
    if (whole_) log::info("{}: there is room again", path_);
  }
}

Status SpaceReserve::room(Bytes wanted) {
  if (!whole_) keep();  // there may be room again, and nobody else who asks
  HOLDFAST_ASSIGN(now, left());
  if (whole_ && now.count - wanted.count >= options_.size.count) return {};
  return Error{Code::kNoSpace, "the disk of " + path_ + " has " + std::to_string(now.count) +
                                   " bytes left; the last of them are kept for decisions"};
}

}  // namespace holdfast
