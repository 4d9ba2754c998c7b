// The mover and those of the edges, by turns on one thread.
#pragma once

#include "daemon/work/edge_mover.h"
#include "daemon/work/mover.h"

namespace holdfast {

class Movers {
 public:
  explicit Movers(const Archive& archive)
      : policy_(archive),
        to_warm_(archive, Edge::kStandardToWarm),
        to_cold_(archive, Edge::kWarmToCold) {}

  // A turn of each. True when one of them may find more.
  Result<bool> run_once(Io& io) {
    HOLDFAST_ASSIGN(planned, policy_.run_once(io));
    HOLDFAST_ASSIGN(to_warm, to_warm_.run_once(io));
    HOLDFAST_ASSIGN(to_cold, to_cold_.run_once(io));
    return planned || to_warm || to_cold;
  }

  Mover& policy() { return policy_; }
  EdgeMover& to_warm() { return to_warm_; }
  EdgeMover& to_cold() { return to_cold_; }
  void request_stop() {
    policy_.request_stop();
    to_warm_.request_stop();
    to_cold_.request_stop();
  }

 private:
  Mover policy_;
  EdgeMover to_warm_;
  EdgeMover to_cold_;
};

}  // namespace holdfast
