// The restorer: brings archived recordings back to the fast tier, for a while.
//
//   queued → recalling (space reserved) → staged → expired
//                └─▶ queued again (medium away)   └─▶ failed (no good copy is left)
//
// Invariants
// - Space is reserved before reading: a restore in `recalling` counts with its
//   whole size against the staging limit. Waiting for it is no try.
// - A staged copy is published only when every file had the right digest (P5).
// - A bad copy is quarantined and the next one is tried; only when none is left
//   does the restore fail.
// - Requests for the same recording are one recall (index/commands/restores.h).
#pragma once

#include <atomic>
#include <map>
#include <vector>

#include "daemon/work/archive.h"
#include "daemon/work/recall_queue.h"
#include "tiers/estimate.h"

namespace holdfast {

class Restorer {
 public:
  // Serves the media of one tier, kWarm or kCold: each has a thread of its own, so that a slow
  // shelf never holds up a fast disk.
  Restorer(const Archive& archive, Tier tier)
      : archive_(archive), tier_(tier), queue_(archive, tier) {}

  // The next batch in media order. True when something was done. Thread rule: one thread.
  Result<bool> run_once(Io& io);
  void run(Io& io);
  void request_stop() { stop_ = true; }

 private:
  // What staging did: the parts it published, and what each medium took.
  struct Outcome {
    std::vector<int> parts;
    std::map<MediumId, RecallSampleRow> samples;
  };

  Status recall(Io& io, const QueuedRecall& recall);
  Status clear_the_way(Io& io, const Recording& recording);
  Status keep_samples(const Outcome& outcome);
  Status stage(Io& io, const Recording& recording, Outcome& outcome);
  std::optional<CopyRow> next_copy(const Recording& remaining, int part) const;
  Status stage_part(Io& io, const Recording& recording, int part, Outcome& outcome);
  Status extract(Io& io, const Recording& recording, const CopyRow& copy, Outcome& outcome);
  Result<Bytes> room(Io& io);
  Result<bool> wait_for_room(const RestoreId& restore);

  Archive archive_;
  const Tier tier_;
  RecallQueue queue_;
  std::atomic<bool> stop_{false};
};

// How long a restore will take from now, by the measured history of its medium and its queue.
// Reads only. A restore that is staged answers zeros.
Result<RestoreEstimate> estimate_of(const Archive& archive, Database& index,
                                    const RestoreRow& restore);
// The same for a recording that nobody has asked back yet: as if it were asked now.
Result<RestoreEstimate> estimate_if_asked(const Archive& archive, Database& index,
                                          const Recording& recording);

}  // namespace holdfast
