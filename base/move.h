// The life of one move, as a pure state machine: what may follow what is said here and nowhere
// else. The row is the state, index/commands/moves.h puts each step into it, the mover
// (daemon/work) does the work; every step is idempotent, and start-up runs the same ones.
//
//   planned ──begin──▶ copying ──durable──▶ copied ──proved──▶ verified
//      ▲                  │                   │                   │ switch
//    retry              fail             bad copy                 ▼
//      └──── failed ◀─────┴───────────────────┘      released ◀── switched
//                                                        remove
//   any before switched ──the pack is given up──▶ the row goes, as its pack does
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
// - `verified` needs a verification that avoided the page cache (pack_verified refuses another).
// - After the switch a move never goes back: the new copy counts.
// - `attempts` counts failures since the last proof: a copy that is durable and
//   differs when it is re-read has been no progress. `next_try_at` is set while
//   attempts > 0 and is absent when only a person can help.
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

// `progress` after `event`: what it was when the event has brought it there already, kConflict
// where the table has no such transition. kProved and what follows it clear the attempts.
Result<MoveProgress> advance(const MoveProgress& progress, MoveEvent event);

// `progress` after its next step failed with `code` at `now`: one more attempt,
// to be tried again after backoff(attempts) when a retry may help or the copy was
// bad (kCorrupt). A released move has no next step (assert).
MoveProgress after_failure(const MoveProgress& progress, Code code, UnixMillis now);

// 2^attempts minutes, at most 2^limits::kMoveAttemptsBackoffCap. `attempts` is 1 or more.
Millis backoff(int attempts);

}  // namespace holdfast
