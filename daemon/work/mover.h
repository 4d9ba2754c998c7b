// The mover: asks the policy what is due, and carries moves through their states.
//
//   standard → warm   an open pack is encoded from the plain files, written, sealed
//   warm → cold       the pack is copied unchanged
//
//   planned → copying → copied (durable) → verified (re-read) → switched → released
//
// Invariants
// - The row is the state: every step is idempotent, and a restart runs the same ones.
// - A failed step leaves its error in the row and is tried again later (base/move.h).
// - A source goes only through Remover, which asks the guard (P2).
// - A new pack that does not give its bytes back, limits::kFirstVerifyTriesMax times, is abandoned:
//   nothing was released for it, and its members join another pack.
// - The mover does exactly the steps that plan_steps() gives for the rows of the index, as far as
// the
//   gate (daemon/work/gate.h) is open: a pack gathers and is sealed behind a closed gate, too, and
//   waits there as a planned move.
// - A copy that a stop or a pause interrupts has not failed: its row stays, and it is begun anew.
#pragma once

#include <atomic>
#include <map>
#include <set>

#include "daemon/work/archive.h"
#include "daemon/work/policy_input.h"
#include "daemon/work/remover.h"

namespace holdfast {

class Mover {
 public:
  explicit Mover(const Archive& archive) : archive_(archive), remover_(archive) {}

  // One turn: what is due now, then every move that may go on. True when something was done and
  // another turn may find more. Thread rule: one thread.
  Result<bool> run_once(Io& io);

  // Turns until nothing is due or stop() was asked. Errors are logged; the rows keep them.
  void run(Io& io);
  void request_stop() { stop_ = true; }

 private:
  // --- what may be done now
  void probe_suspended(Io& io);
  void drop_closed_steps(std::vector<PlannedStep>& steps) const;
  void tell_space(const PolicyInput& input, int released);
  // Between two pieces of a copy along the edge: an error when it must stop, else after the pause
  // that the rates ask for; none while somebody waits for one of the media.
  Status between_pieces(Edge edge, const std::vector<const SessionKeeper*>& media);
  ByteSink paced(Edge edge, const std::vector<const SessionKeeper*>& media, const ByteSink& sink);

  // --- policy steps
  Status execute(Io& io, const PlannedStep& step);
  Status assign(const DueRows& rows, const std::vector<PlannedStep>& steps);
  Status plan_pack_move(const PackId& pack, const MediumId& from, const MediumId& to);
  Status release_standard(Io& io, const PlannedStep& step);
  Status release_warm(Io& io, const PackId& pack);
  UnixMillis next_release_try(UnixMillis now) const;
  Status look_again_later(const DueRows& rows, const std::vector<PlannedStep>& steps);
  Status look_at_packs_later(const DueRows& rows, const std::vector<PlannedStep>& steps);

  // --- moves
  Result<bool> advance_moves(Io& io);
  // Those of one edge in one state. True when there is reason for another turn at once.
  Result<bool> advance_moves(Io& io, Edge edge, MoveState state);
  Status advance(Io& io, const MoveRow& move);
  Status write_pack(Io& io, const MoveRow& move);
  Status copy_pack(Io& io, const MoveRow& move);
  Status verify_pack(Io& io, const MoveRow& move);
  // Whether the move makes the pack's first copy, out of plain files.
  bool is_new_pack(const MoveRow& move) const;
  Status not_verified(Io& io, const MoveRow& move, const Error& error);
  Status give_up_pack(Io& io, const MoveRow& move);
  Status switch_source(const MoveRow& move);
  Status finish_moves_of(const PackId& pack);
  Status drop_bad_members(Io& io, const MoveRow& move, const std::vector<PackMemberRow>& members,
                          const Error& error);
  Result<std::vector<PackMemberRow>> members_of(const PackId& pack, const MediumId& medium);

  Archive archive_;
  Remover remover_;
  std::map<int, PackId> fresh_packs_;  // those that the present plan opens, by its numbers
  bool removal_failed_ = false;        // what is releasing is looked at again by the next turn
  bool interrupted_ = false;           // the step under way was stopped, and has not failed
  Pulse* pulse_ = nullptr;             // of the thread that runs it
  std::atomic<bool> stop_{false};
};

}  // namespace holdfast
