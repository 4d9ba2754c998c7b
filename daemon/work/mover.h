// The mover: asks the policy what is due, and does it: packs are opened, sealed and given a move
// here, sources released, staged copies evicted, condemned recordings destroyed. The moves
// themselves are carried by one EdgeMover (edge_mover.h) for each edge, on threads of their own.
//
// Invariants
// - The one thread that removes: every copy that goes, goes through its Remover, which asks the
//   guard (P2).
// - A new pack that does not give its bytes back is abandoned: nothing was released for it, and its
//   members join another pack.
// - It does exactly the steps that plan_steps() gives for the rows of the index, as far as the gate
//   (gate.h) is open: a pack gathers and is sealed behind a closed gate, too, and waits there as a
//   planned move.
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

  // One turn: what is due now. True when something was done and another turn may find more. Thread
  // rule: one thread.
  Result<bool> run_once(Io& io);

  // Turns until nothing is due or stop() was asked. Errors are logged; the rows keep them.
  void run(Io& io);
  void request_stop() { stop_ = true; }

 private:
  void drop_closed_steps(std::vector<PlannedStep>& steps) const;
  void tell_space(const PolicyInput& input, int released);

  // --- policy steps
  Status execute(Io& io, const PlannedStep& step);
  Status assign(const DueRows& rows, const std::vector<PlannedStep>& steps);
  Status plan_pack_move(const PackId& pack, const MediumId& from, const MediumId& to);
  Status release_standard(Io& io, const PlannedStep& step);
  Status release_warm(Io& io, const PackId& pack);
  UnixMillis next_release_try(UnixMillis now) const;
  Status look_again_later(const DueRows& rows, const std::vector<PlannedStep>& steps);
  Status look_at_packs_later(const DueRows& rows, const std::vector<PlannedStep>& steps);

  // --- destruction
  Result<bool> destroy_what_lies_nowhere(Io& io, const DueRows& rows);

  // --- moves
  Status finish_moves_of(const PackId& pack);
  Status give_up_bad_packs(Io& io);
  Status give_up_pack(Io& io, const MoveRow& move);

  Archive archive_;
  Remover remover_;
  std::map<int, PackId> fresh_packs_;  // those that the present plan opens, by its numbers
  bool removal_failed_ = false;        // what is releasing is looked at again by the next turn
  std::atomic<bool> stop_{false};
};

}  // namespace holdfast
