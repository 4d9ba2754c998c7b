#include "index/commands/moves.h"

#include <algorithm>

#include "base/limits.h"
#include "index/read/status.h"
#include "index/read/work.h"
#include "index/rows.h"

namespace holdfast {
namespace {

using rows::run;

Result<MoveRow> need_move(Database& index, int64_t move_no) {
  HOLDFAST_ASSIGN(row, find_move(index, move_no));
  if (!row) return Error{Code::kNotFound, "there is no move " + std::to_string(move_no)};
  return *std::move(row);
}

// The row after a step or a failure. The error of the last try stands until there is a proof.
Status store(WriteTxn& txn, int64_t move_no, const MoveProgress& progress,
             const std::string& error) {
  const std::optional<UnixMillis> not_before =
      progress.attempts > 0 ? progress.next_try_at : txn.now();
  return run(txn.index(),
             "UPDATE move SET state = ?2, attempts = ?3, not_before = ?4, error = ?5, "
             "updated_at = ?6 WHERE move_no = ?1",
             move_no, progress.state, progress.attempts, not_before,
             progress.attempts > 0 ? error.substr(0, limits::kErrorBytesMax) : std::string(),
             txn.now());
}

MoveProgress progress_of(const MoveRow& move) {
  return {move.state, move.attempts, move.attempts > 0 ? move.not_before : std::nullopt};
}

Status step(WriteTxn& txn, const MoveRow& move, MoveEvent event) {
  auto next = advance(progress_of(move), event);
  if (!next.ok()) return next.error().within("move " + std::to_string(move.move_no));
  if (next->state == move.state) return Status();
  return store(txn, move.move_no, *next, move.error);
}

Status try_again(WriteTxn& txn, const MoveRow& move) {
  const MoveState state = next_state(move.state, MoveEvent::kRetry).value_or(move.state);
  return store(txn, move.move_no, {state, 0, std::nullopt}, "");
}

// Not to where it is still to take another's place, whatever move it has from that one.
Status refuse_where_the_old_one_lies(Database& index, const PlanMove& request) {
  Statement statement = index.prepare(
      "SELECT 1 FROM rewrite w CROSS JOIN pack_copy o ON o.pack_no = w.pack_no "
      "WHERE w.new_pack_id = ?1 "
      "AND o.medium_no = (SELECT medium_no FROM medium WHERE medium_id = ?2)");
  statement.bind(request.pack, request.to);
  HOLDFAST_ASSIGN(lies, statement.step());
  if (!lies) return Status();
  return Error{Code::kConflict, "move pack " + request.pack.text() + " to medium " +
                                    request.to.text() + ": it is to take another's place there"};
}

// A pack is copied from a copy that was re-read, and not while it is written anew.
Status check_source(Database& index, const PlanMove& request) {
  HOLDFAST_ASSIGN(from, find_medium(index, request.from));
  if (!from || from->tier == Tier::kStandard) return Status();
  Statement statement = index.prepare(
      "SELECT 1 FROM pack p CROSS JOIN pack_copy c ON c.pack_no = p.pack_no "
      "WHERE p.pack_id = ?1 AND c.state = 2 "
      "AND c.medium_no = (SELECT medium_no FROM medium WHERE medium_id = ?2) "
      "AND NOT EXISTS (SELECT 1 FROM rewrite w WHERE w.pack_no = p.pack_no)");
  statement.bind(request.pack, request.from);
  HOLDFAST_ASSIGN(stands, statement.step());
  if (stands) return Status();
  return Error{Code::kConflict, "move pack " + request.pack.text() + " from medium " +
                                    request.from.text() +
                                    ": it has no verified copy there, or is being rewritten"};
}

// It has switched, and what it brought is gone again (a bad copy that was let go).
Result<bool> is_over(Database& index, const MoveRow& move) {
  if (move.state != MoveState::kSwitched) return false;
  HOLDFAST_ASSIGN(copies, pack_copies(index, move.pack));
  return std::none_of(copies.begin(), copies.end(),
                      [&](const PackCopyRow& copy) { return copy.medium == move.to; });
}

Result<MoveRow> plan(WriteTxn& txn, const PlanMove& request) {
  Database& index = txn.index();
  HOLDFAST_TRY(refuse_where_the_old_one_lies(index, request));
  HOLDFAST_ASSIGN(moves, moves_of_pack(index, request.pack));
  for (const MoveRow& move : moves) {
    if (move.to != request.to || move.state == MoveState::kReleased) continue;
    HOLDFAST_ASSIGN(over, is_over(index, move));
    if (!over) return move;
    HOLDFAST_TRY(run(index, "DELETE FROM move WHERE move_no = ?1", move.move_no));
  }
  HOLDFAST_TRY(check_source(index, request));
  HOLDFAST_ASSIGN(pack_no, rows::need_pack_no(index, request.pack));
  HOLDFAST_ASSIGN(from_no, rows::need_medium_no(index, request.from));
  HOLDFAST_ASSIGN(to_no, rows::need_medium_no(index, request.to));
  HOLDFAST_TRY(run(index,
                   "INSERT INTO move (pack_no, from_no, to_no, state, not_before, created_at, "
                   "updated_at) VALUES (?1, ?2, ?3, 0, ?4, ?4, ?4)",
                   pack_no, from_no, to_no, txn.now()));
  const int64_t move_no = index.last_row();
  if (request.was_due)
    HOLDFAST_TRY(run(index, "UPDATE pack SET next_action_at = NULL WHERE pack_no = ?1", pack_no));
  return need_move(index, move_no);
}

Status switched(WriteTxn& txn, int64_t move_no, Millis release_after) {
  Database& index = txn.index();
  HOLDFAST_ASSIGN(move, need_move(index, move_no));
  if (move.state == MoveState::kSwitched) return Status();
  HOLDFAST_TRY(step(txn, move, MoveEvent::kSwitch));
  HOLDFAST_ASSIGN(pack_no, rows::need_pack_no(index, move.pack));
  HOLDFAST_ASSIGN(medium_no, rows::need_medium_no(index, move.to));
  HOLDFAST_ASSIGN(from, find_medium(index, move.from));
  if (from && from->tier == Tier::kStandard)
    return run(index,
               "UPDATE recording SET next_action_at = max(?4, ended_at + ?3) "
               "WHERE recording_no IN (SELECT recording_no FROM copy "
               "WHERE pack_no = ?1 AND medium_no = ?2) AND state <> 3",
               pack_no, medium_no, release_after, txn.now());
  return run(index,
             "UPDATE pack SET next_action_at = max(?4, ?3 + coalesce((SELECT "
             "max(r.ended_at) FROM copy c CROSS JOIN recording r "
             "ON r.recording_no = c.recording_no WHERE c.pack_no = ?1 "
             "AND c.medium_no = ?2), 0)) WHERE pack_no = ?1",
             pack_no, medium_no, release_after, txn.now());
}

// Whether anything of the pack is left where the move came from: its pack copy, or, when it came
// from plain files, a plain copy of a member.
Result<bool> is_left(Database& index, const MoveRow& move) {
  Statement statement = index.prepare(
      "SELECT EXISTS (SELECT 1 FROM pack_copy k WHERE k.pack_no = p.pack_no "
      "AND k.medium_no = f.medium_no) "
      "OR EXISTS (SELECT 1 FROM copy c INDEXED BY copy_pack CROSS JOIN copy o "
      "ON o.recording_no = c.recording_no AND o.part = c.part AND o.medium_no = f.medium_no "
      "WHERE c.pack_no = p.pack_no AND c.medium_no = t.medium_no AND o.pack_no IS NULL "
      "AND o.state <> 4) "
      "FROM pack p, medium f, medium t "
      "WHERE p.pack_id = ?1 AND f.medium_id = ?2 AND t.medium_id = ?3");
  statement.bind(move.pack, move.from, move.to);
  HOLDFAST_ASSIGN(found, statement.step());
  return found && statement.next<int>() != 0;
}

}  // namespace

Command<MoveRow> plan_move(PlanMove request) {
  return {"plan a move", [request](WriteTxn& txn) { return plan(txn, request); }};
}

Command<void> advance_move(int64_t move_no, MoveEvent event) {
  const auto apply = [=](WriteTxn& txn) -> Status {
    HOLDFAST_ASSIGN(move, need_move(txn.index(), move_no));
    return step(txn, move, event);
  };
  return {"move on", apply};
}

Command<void> fail_move(int64_t move_no, Error error) {
  const auto apply = [move_no, error = std::move(error)](WriteTxn& txn) -> Status {
    HOLDFAST_ASSIGN(move, need_move(txn.index(), move_no));
    if (move.state == MoveState::kReleased) return Status();
    return store(txn, move_no, after_failure(progress_of(move), error.code, txn.now()),
                 error.message);
  };
  return {"note a failed try of a move", apply};
}

Command<MoveRow> retry_move(int64_t move_no) {
  const auto apply = [=](WriteTxn& txn) -> Result<MoveRow> {
    HOLDFAST_ASSIGN(move, need_move(txn.index(), move_no));
    if (move.attempts == 0)
      return Error{Code::kConflict, "move " + std::to_string(move_no) + " is " +
                                        std::string(word(move.state)) +
                                        ": no try of it has failed"};
    HOLDFAST_TRY(try_again(txn, move));
    return need_move(txn.index(), move_no);
  };
  return {"try a move again", apply};
}

Command<int64_t> retry_failed_moves() {
  const auto apply = [](WriteTxn& txn) -> Result<int64_t> {
    constexpr int kPage = 1000;
    int64_t count = 0;
    std::optional<int64_t> after;
    for (;;) {
      HOLDFAST_ASSIGN(moves, list_moves(txn.index(), std::nullopt, after, kPage, true));
      for (const MoveRow& move : moves) HOLDFAST_TRY(try_again(txn, move));
      count += static_cast<int64_t>(moves.size());
      if (moves.size() < static_cast<size_t>(kPage)) return count;
      after = moves.back().move_no;
    }
  };
  return {"try failed moves again", apply};
}

Command<void> switch_move(int64_t move_no, Millis release_after) {
  return {"switch a move", [=](WriteTxn& txn) { return switched(txn, move_no, release_after); }};
}

Command<void> finish_move(int64_t move_no) {
  const auto apply = [=](WriteTxn& txn) -> Status {
    HOLDFAST_ASSIGN(move, need_move(txn.index(), move_no));
    if (move.state == MoveState::kReleased) return Status();
    HOLDFAST_ASSIGN(left, is_left(txn.index(), move));
    if (left)
      return Error{Code::kConflict,
                   "move " + std::to_string(move_no) + ": its source is not released yet"};
    return step(txn, move, MoveEvent::kRemove);
  };
  return {"finish a move", apply};
}

}  // namespace holdfast
