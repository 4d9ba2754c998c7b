// Commands of moves. A move's row is its state; a later run can make it again,
// so none of these has a line (the media events they go with do).
#pragma once

#include "index/writer.h"

namespace holdfast {

struct PlanMove {
  PackId pack;
  MediumId from;
  MediumId to;
};
// Idempotent: the unfinished move of that pack to that medium is returned.
Command<MoveRow> plan_move(PlanMove request);
// To a later state; attempts start anew. kConflict when the state would go backwards, except to
// kPlanned (the work is begun again). Moving to the state it has changes nothing.
Command<void> move_progress(int64_t move_no, MoveState state);
// A try failed: attempts + 1, the error kept, not before `not_before`. The state stays.
Command<void> move_failed(int64_t move_no, std::string error, UnixMillis not_before);
// The move will not be tried again: kFailed, visible.
Command<void> move_given_up(int64_t move_no, std::string error);

// verified → switched: each member's recording is due again at max(now, its end + release_after),
// or, when the pack comes from a pack medium, the pack is (of its youngest member).
Command<void> switch_move(int64_t move_no, Millis release_after);
// switched → released, when nothing of the pack is left on the medium it came from; kConflict
// otherwise.
Command<void> finish_move(int64_t move_no);

}  // namespace holdfast
