#include "base/move.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <string>

#include "base/limits.h"

namespace holdfast {
namespace {

struct Transition {
  MoveState from;
  MoveEvent event;
  MoveState to;
};

// The whole table; what is not here does not happen.
constexpr std::array<Transition, 6> kTransitions = {{
    {MoveState::kPlanned, MoveEvent::kBegin, MoveState::kCopying},
    {MoveState::kCopying, MoveEvent::kDurable, MoveState::kCopied},
    {MoveState::kCopied, MoveEvent::kProved, MoveState::kVerified},
    {MoveState::kVerified, MoveEvent::kSwitch, MoveState::kSwitched},
    {MoveState::kSwitched, MoveEvent::kRemove, MoveState::kReleased},
    {MoveState::kFailed, MoveEvent::kRetry, MoveState::kPlanned},
}};

// Where a failure of the step that follows `state` leaves the move.
MoveState state_after_failure(MoveState state, Code code) {
  switch (state) {
    case MoveState::kPlanned:
    case MoveState::kCopying:
    case MoveState::kFailed:
      return MoveState::kFailed;
    case MoveState::kCopied:
      // The bytes are durable. Unless they are the wrong ones, only the proof is to be repeated.
      return traits(code).retryable ? MoveState::kCopied : MoveState::kFailed;
    case MoveState::kVerified:
    case MoveState::kSwitched:
      return state;
    case MoveState::kReleased:
      break;
  }
  assert(false && "a released move has no next step");
  return state;
}

}  // namespace

std::string_view word(MoveEvent event) {
  static constexpr std::array<std::string_view, 6> kWords = {"begin",  "durable", "proved",
                                                             "switch", "remove",  "retry"};
  return kWords[static_cast<size_t>(event)];
}

std::optional<MoveState> next_state(MoveState state, MoveEvent event) {
  for (const Transition& transition : kTransitions)
    if (transition.from == state && transition.event == event) return transition.to;
  return std::nullopt;
}

Result<MoveProgress> advance(const MoveProgress& progress, MoveEvent event) {
  for (const Transition& transition : kTransitions)
    if (transition.event == event && transition.to == progress.state) return progress;
  const std::optional<MoveState> to = next_state(progress.state, event);
  if (!to)
    return Error{Code::kConflict, "a move that is " + std::string(word(progress.state)) +
                                      " knows no " + std::string(word(event))};
  const bool is_proof =
      event != MoveEvent::kRetry && event != MoveEvent::kBegin && event != MoveEvent::kDurable;
  if (is_proof) return MoveProgress{*to, 0, std::nullopt};
  return MoveProgress{*to, progress.attempts, progress.next_try_at};
}

MoveProgress after_failure(const MoveProgress& progress, Code code, UnixMillis now) {
  assert(progress.state != MoveState::kReleased);
  MoveProgress failed;
  failed.state = state_after_failure(progress.state, code);
  failed.attempts = progress.attempts + 1;
  if (traits(code).retryable || code == Code::kCorrupt)
    failed.next_try_at = now + backoff(failed.attempts);
  return failed;
}

Millis backoff(int attempts) {
  assert(attempts >= 1);
  const int exponent = std::min(attempts, limits::kMoveAttemptsBackoffCap);
  return minutes(int64_t{1} << exponent);
}

}  // namespace holdfast
