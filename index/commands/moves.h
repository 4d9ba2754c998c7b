// Commands of moves. A move's row is its state; a later run can make it again,
// so none of these has a line (the media events they go with do).
#pragma once

#include "base/move.h"
#include "index/writer.h"

namespace holdfast {

struct PlanMove {
  PackId pack;
  MediumId from;
  MediumId to;
  bool was_due = false;  // the move is what the sealed pack was due for: it is due no more
};
// Idempotent: the unfinished move of that pack to that medium is returned.
Command<MoveRow> plan_move(PlanMove request);
// One step of base/move.h. Nothing changes when the move is there already; kConflict when its state
// knows no such step.
Command<void> advance_move(int64_t move_no, MoveEvent event);
// The try of the next step failed: after_failure() of base/move.h says what becomes of the move.
Command<void> fail_move(int64_t move_no, Error error);
// A person asks for the next try now, as if none had failed. kConflict unless one has.
Command<MoveRow> retry_move(int64_t move_no);
// The same for all whose last try failed; gives how many.
Command<int64_t> retry_failed_moves();

// verified → switched: each member's recording is due again at max(now, its end + release_after),
// or, when the pack comes from a pack medium, the pack is (of its youngest member).
Command<void> switch_move(int64_t move_no, Millis release_after);
// switched → released, when nothing of the pack is left on the medium it came from; kConflict
// otherwise.
Command<void> finish_move(int64_t move_no);

}  // namespace holdfast
