#include "daemon/work/session_keeper.h"

namespace holdfast {

Status SessionKeeper::use(Io& io, const std::function<Status(PackSession&)>& work,
                          Millis* attach_time) {
  const uint64_t failures_before = failures_;
  ++waiting_;
  std::lock_guard lock(mutex_);
  --waiting_;
  if (attach_time != nullptr) *attach_time = Millis(0);
  if (!session_) {
    if (failures_ != failures_before && failures_ != failures_answered_) return last_failure_;
    const Millis before = clock_.monotonic();
    auto attached = backend_.attach(io);
    if (!attached.ok()) {
      last_failure_ = attached.error();
      ++failures_;
      return last_failure_;
    }
    failures_answered_ = failures_;
    session_ = std::move(attached).value();
    if (attach_time != nullptr) *attach_time = Millis(clock_.monotonic().count - before.count);
  }
  Status done = work(*session_);
  last_use_ = clock_.monotonic();
  if (!done.ok() && (done.error().code == Code::kUnavailable || done.error().code == Code::kIo))
    session_.reset();
  return done;
}

void SessionKeeper::close_if_idle() {
  std::unique_lock lock(mutex_, std::try_to_lock);
  if (!lock.owns_lock() || !session_) return;
  if (clock_.monotonic().count - last_use_.count >= linger_ms_) session_.reset();
}

void SessionKeeper::close() {
  std::lock_guard lock(mutex_);
  session_.reset();
}

}  // namespace holdfast
