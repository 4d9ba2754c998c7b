#include "daemon/work/clock_keeper.h"

#include "base/limits.h"
#include "base/log.h"
#include "index/commands/clock.h"

namespace holdfast {

Result<bool> ClockKeeper::tick() {
  std::optional<ClockRow> row;
  {
    HOLDFAST_ASSIGN(index, archive_.index.take());
    HOLDFAST_ASSIGN(found, find_clock(*index));
    row = std::move(found);
  }
  if (!row) {
    clock_.reset();
    return false;
  }
  if (clock_ && epoch_ == row->epoch) {
    clock_->tick();
  } else {
    clock_.emplace(archive_.clock, row->state);
    epoch_ = row->epoch;
    noted_at_ = row->noted_at;
    kept_at_ = Millis(archive_.clock.monotonic().count - limits::kClockKeptMs);
    kept_stopped_ = row->state.stopped_at.has_value();
  }
  if (is_to_be_kept()) HOLDFAST_TRY(keep());
  return !clock_->state().stopped_at;
}

bool ClockKeeper::is_to_be_kept() const {
  return archive_.clock.monotonic().count - kept_at_.count >= limits::kClockKeptMs ||
         clock_->state().stopped_at.has_value() != kept_stopped_;
}

Status ClockKeeper::keep() {
  const ComplianceState& state = clock_->state();
  if (state.stopped_at && !kept_stopped_)
    log::error(
        "the compliance clock stands at {}: {}; nothing expires until somebody says "
        "holdfast clock accept",
        to_iso(state.now), state.why);
  HOLDFAST_ASSIGN(stands, archive_.writer.call(keep_clock(state, epoch_)));
  if (!stands) {  // set meanwhile: taken up by the next look
    clock_.reset();
    return Error{Code::kUnavailable, "the compliance clock was set just now"};
  }
  kept_at_ = archive_.clock.monotonic();
  kept_stopped_ = state.stopped_at.has_value();
  if (state.now - noted_at_ < Millis(limits::kClockNotedMs)) return {};
  HOLDFAST_TRY(archive_.writer.call(note_clock(state.now, epoch_, "system")));
  noted_at_ = state.now;
  return {};
}

}  // namespace holdfast
