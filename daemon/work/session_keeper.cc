#include "daemon/work/session_keeper.h"

namespace holdfast {

Status SessionKeeper::use(Io& io, const std::function<Status(PackSession&)>& work,
                          Millis* attach_time) {
  ++waiting_;
  std::lock_guard lock(mutex_);
  --waiting_;
  if (attach_time != nullptr) *attach_time = Millis(0);
  if (!session_) {
    const Millis before = clock_.monotonic();
    HOLDFAST_ASSIGN(session, backend_.attach(io));
    session_ = std::move(session);
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
