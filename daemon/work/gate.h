// What may move now: the mover asks here before each step, and `status` and `plan` tell its
// answers.
//
// An edge (standard → warm, warm → cold) is closed while
//   paused     an operator stopped everything, or the tier at one of its ends
//   suspended  the back-end at one of its ends fails again and again (tiers/health.h)
//   waiting    a back-end at one of its ends has a time window, and it is not now
// and what goes along an open edge is paced by the rates of the back-ends at its ends.
//
// Invariants
// - A closed edge begins no copy, re-read, switch or release. A pause also stops what is under way,
//   at its next piece; the others let the running step end.
// - Restores, evictions, destruction, and removals that are decided already, pass no gate.
// - Nothing is decided here: pauses come from the index, windows and rates from the configuration.
#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/config.h"
#include "base/token_bucket.h"
#include "index/read/pauses.h"
#include "tiers/health.h"
#include "tiers/policy.h"
#include "tiers/vault/sleeper.h"

namespace holdfast {

// Why an edge is closed.
struct Closed {
  std::string why;                  // for people: "paused by uid:0 since …"
  std::optional<UnixMillis> until;  // of a window: when it opens
};

// Thread rule: any thread.
class Gate {
 public:
  // All outlive it. `sleeper` is waited with for rates.
  Gate(const Config& config, const Clock& clock, Sleeper& sleeper);

  // Nothing: the edge is open at `at`, as far as is known now.
  std::optional<Closed> closed(Edge edge, UnixMillis at) const;
  // The pause of the edge alone: it stops what is under way, too.
  std::optional<Closed> paused(Edge edge) const;

  // The pause of one tier alone, in the same way.
  std::optional<std::string> paused(Tier tier) const;

  // Why nothing but restores should ask the tier's medium now: paused, or suspended. Nothing: it
  // may be asked.
  std::optional<std::string> stopped(Tier tier) const;

  // Those of the index, whenever one has come or gone.
  void set_pauses(std::vector<PauseRow> pauses);
  std::vector<PauseRow> pauses() const;

  // Of kWarm or kCold.
  BackendHealth& health(Tier tier) { return tier == Tier::kWarm ? warm_.health : cold_.health; }
  const BackendHealth& health(Tier tier) const {
    return tier == Tier::kWarm ? warm_.health : cold_.health;
  }

  bool is_paced(Edge edge) const;
  // Bytes that went along the edge: its back-ends' rates are charged.
  void take(Edge edge, Bytes bytes);
  // Bytes that a move read from a back-end of this tier.
  void take(Tier tier, Bytes bytes);
  // How long the edge's next bytes must wait; 0: they may go.
  Millis wait(Edge edge) const;
  // Rates and windows of a configuration that was reloaded.
  void apply(const Config& config);

  void sleep(Millis length) { sleeper_.sleep(length); }

  // Whether the mover found, over the full mark, nothing that may leave the standard tier: then
  // ingest asks how full it is.
  void set_nothing_leaves(bool nothing);
  bool nothing_leaves() const;

 private:
  struct BackEnd {
    BackEnd(const Clock& clock, Bytes rate, const TimeWindow& times)
        : health(clock), rate(rate), bucket(rate), window(times) {}
    BackendHealth health;
    Bytes rate;
    TokenBucket bucket;
    TimeWindow window;
  };

  const BackEnd* back_end(Tier tier) const;
  BackEnd* back_end(Tier tier);

  const Clock& clock_;
  Sleeper& sleeper_;
  BackEnd warm_;
  BackEnd cold_;
  mutable std::mutex mutex_;
  std::vector<PauseRow> pauses_;
  bool nothing_leaves_ = false;
};

}  // namespace holdfast
