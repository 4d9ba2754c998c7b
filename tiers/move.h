// The life of one move, as a pure state machine. The row is the state; every
// step function is idempotent, and start-up runs the same ones.
//
//   planned ──begin──▶ copying ──durable──▶ copied ──proved──▶ verified
//      ▲                  │                   │                   │ switch
//    retry              fail             bad copy                 ▼
//      └──── failed ◀─────┴───────────────────┘      released ◀── switched
//                                                        remove
//
// A failure that loses nothing does not change the state: `copied` with a medium
// that cannot be read right now stays `copied`, `verified` waits for its commit,
// `switched` for its removal. All other failures before the switch lead to
// `failed`, which goes on from `planned`: what an interrupted copy left behind is
// replaced, a bad copy is quarantined and made anew.
//
// Invariants:
// - The source may be removed in `switched` only, and `switched` is reached from
//   `verified` only: a source outlives its successor's proof (P2).
// - `verified` needs a verification that avoided the page cache.
// - After the switch a move never goes back: the new copy counts.
// - `attempts` counts failures since the last step forward; `next_try_at` is set
//   while attempts > 0 and is absent when only a person can help.
#pragma once

#include <optional>
#include <string_view>

#include "base/result.h"
#include "base/rows.h"
#include "base/types.h"

namespace holdfast {

enum class MoveEvent : int8_t { kBegin, kDurable, kProved, kSwitch, kRemove, kRetry };
std::string_view word(MoveEvent event);

struct MoveProgress {
  MoveState state = MoveState::kPlanned;
  int attempts = 0;
  std::optional<UnixMillis> next_try_at;
  bool operator==(const MoveProgress&) const = default;
};

// The state after `event`; nothing where the table has no such transition.
std::optional<MoveState> next_state(MoveState state, MoveEvent event);

// `progress` after `event`; kConflict where the table has no such transition.
// A step forward clears the attempts; kRetry and kBegin keep them.
Result<MoveProgress> advance(const MoveProgress& progress, MoveEvent event);

// kProved: only a re-read past the page cache proves (P2). kInvalid for VerifyMode::kNone.
Result<MoveProgress> advance_proved(const MoveProgress& progress, VerifyMode mode);

// `progress` after its next step failed with `code` at `now`: one more attempt,
// to be tried again after backoff(attempts) when a retry may help or the copy was
// bad (kCorrupt). A released move has no next step (assert).
MoveProgress after_failure(const MoveProgress& progress, Code code, UnixMillis now);

// May the next step be tried at `now`?
bool may_try(const MoveProgress& progress, UnixMillis now);

// 2^attempts minutes, at most 2^limits::kMoveAttemptsBackoffCap. `attempts` is 1 or more.
Millis backoff(int attempts);

// May the source be removed in this state? Only once the new copy counts.
bool may_remove_source(MoveState state);

}  // namespace holdfast
