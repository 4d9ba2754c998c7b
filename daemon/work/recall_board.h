// What the lanes are at right now: the batch under way in the order in which it is read, how far
// each recall has come, and which media did not answer lately (one lane's finding is every lane's:
// else two would send a restore to and fro). In memory alone: a restart begins anew, and so does
// this.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/rows.h"
#include "base/types.h"

namespace holdfast {

// Media that did not answer lately, until when nobody asks them again, and what they said.
struct AwayMedium {
  UnixMillis until;
  std::string why;
};
using AwayMedia = std::map<MediumId, AwayMedium>;

// Thread rule: any thread. Bounded by the lanes: two batches, and one group of recalls of each at a
// time.
class RecallBoard {
 public:
  struct Lane {
    std::vector<RestoreId> batch;  // in the order in which they are read; empty between batches
    uint64_t next_turn = 0;        // of the batch after it (tiers/recall_order.h)
  };
  void begin_batch(Tier tier, std::vector<RestoreId> order, uint64_t next_turn);
  void end_batch(Tier tier);
  Lane lane(Tier tier) const;

  // Bytes as they lie on the medium, encoded; `total` is an expectation: another copy of a part,
  // tried because the first one was bad, may have another length.
  struct Progress {
    Bytes done;
    Bytes total;
  };
  void begin(const RestoreId& restore, Bytes total);
  // May be negative: what was read of a copy that turned out to be bad counts no more.
  void add(const RestoreId& restore, Bytes bytes);
  void end(const RestoreId& restore);
  // Nothing while nobody reads for it.
  std::optional<Progress> progress(const RestoreId& restore) const;

  void set_away(const MediumId& medium, AwayMedium away);
  // Those that are still away at `now`.
  AwayMedia away(UnixMillis now) const;

 private:
  mutable std::mutex mutex_;
  std::array<Lane, 3> lanes_;  // by tier
  std::map<RestoreId, Progress> reading_;
  AwayMedia away_;
};

}  // namespace holdfast
