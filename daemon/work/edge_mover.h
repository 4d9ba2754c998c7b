// Carries the moves of one edge through their states, on a thread of its own: what is slow on the
// way to cold does not hold up the way to warm.
//
//   standard → warm   an open pack is encoded from the plain files, written, sealed
//   warm → cold       the pack is copied unchanged
//
//   planned → copying → copied (durable) → verified (re-read) → switched
//
// The mover (mover.h) plans them before, and releases the sources after.
//
// Invariants
// - The row is the state: every step is idempotent, and a restart runs the same ones.
// - A failed step leaves its error in the row and is tried again later (base/move.h).
// - Nothing is removed here. A new pack that does not give its bytes back, kFirstVerifyTriesMax
//   times, is quarantined and left to the mover, which abandons it.
// - Nothing is begun while the gate (gate.h) of the edge is closed. A stop or a pause also ends
// what
//   is under way: its row stays, it has not failed, and it is begun anew.
// - A medium that is read from is held for a piece at a time, so that whoever else wants it waits
//   for that piece alone.
#pragma once

#include <atomic>
#include <vector>

#include "daemon/work/archive.h"
#include "tiers/pack/plan.h"

namespace holdfast {

class EdgeMover {
 public:
  EdgeMover(const Archive& archive, Edge edge) : archive_(archive), edge_(edge) {}

  Edge edge() const { return edge_; }

  // One turn: every move of the edge that may go on, a step further. True when something was done
  // and another turn may find more. Thread rule: one thread.
  Result<bool> run_once(Io& io);

  // Turns until nothing may go on or stop() was asked; true when something was done. Errors are
  // logged; the rows keep them.
  bool run(Io& io);
  void request_stop() { stop_ = true; }  // any thread

 private:
  // --- what may be done now
  void probe_suspended(Io& io);
  // Why what is under way must end now; nothing: it need not. Any thread.
  std::optional<Error> interruption() const;
  // Between two pieces of a copy: an error when it must stop, else after the pause that the rates
  // ask for; none while somebody waits for the medium that is held.
  Status between_pieces(const SessionKeeper* held);
  ByteSink paced(const SessionKeeper* held, const ByteSink& sink);

  // --- moves
  // Those in one state. True when there is reason for another turn at once.
  Result<bool> advance_moves(Io& io, MoveState state);
  // False when there is nothing to do for this thread.
  Result<bool> advance(Io& io, const MoveRow& move);
  Status write_pack(Io& io, const MoveRow& move);
  Status write_anew(const MoveRow& move, const std::vector<PackMemberRow>& written,
                    const Error& conflict);
  Result<pack::PackPlan> plan_of(Io& io, const MoveRow& move,
                                 const std::vector<PackMemberRow>& members);
  Status copy_pack(Io& io, const MoveRow& move);
  Status read_pack(Io& io, SessionKeeper& from, const PackRow& pack, const PackLocation& location,
                   const ByteSink& sink, Status& read);
  Result<bool> verify_pack(Io& io, const MoveRow& move);
  Status not_verified(const MoveRow& move, const Error& error);
  Status switch_source(const MoveRow& move);
  Status drop_bad_members(Io& io, const MoveRow& move, const std::vector<PackMemberRow>& members,
                          const Error& error);
  Result<std::vector<PackMemberRow>> members_of(const PackId& pack, const MediumId& medium);

  Archive archive_;
  const Edge edge_;
  bool interrupted_ = false;  // the step under way was stopped, and has not failed
  Pulse* pulse_ = nullptr;    // of the thread that runs it
  std::atomic<bool> stop_{false};
};

}  // namespace holdfast
