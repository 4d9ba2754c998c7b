// The restorer: brings archived recordings back to the fast tier, for a while.
//
//   queued → recalling (space reserved) → staged → expired
//                └─▶ queued again (medium away)   └─▶ failed (no good copy is left)
//
// A medium that does not answer is away: nobody asks it again for a minute, and what lies nowhere
// else waits for it as long as it takes, visibly and without using up a try.
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
    // The error is that a medium is away: until when.
    std::optional<UnixMillis> waits_until;
  };

  Status recall(Io& io, const QueuedRecall& recall);
  Status clear_the_way(Io& io, const Recording& recording);
  void count_staged(const RestoreRow& row);
  Status keep_samples(const Outcome& outcome);
  Status stage(Io& io, const RestoreId& restore, const Recording& recording, Outcome& outcome);
  std::optional<CopyRow> next_copy(const Recording& remaining, int part) const;
  Status stage_part(Io& io, const RestoreId& restore, const Recording& recording, int part,
                    Outcome& outcome);
  Status extract(Io& io, const RestoreId& restore, const Recording& recording, const CopyRow& copy,
                 Outcome& outcome);
  Result<Bytes> room(Io& io);
  Result<bool> wait_for_room(const RestoreId& restore);
  Status give_up_for_now(const RestoreRow& row, const Recording& recording, const Outcome& outcome,
                         const Error& error);
  // Keeps in mind that the medium is away, because of `error`, which it gives back.
  Error away(const MediumId& medium, const Error& error);
  void tell(const Recording& recording);

  Archive archive_;
  const Tier tier_;
  RecallQueue queue_;
  AwayMedia away_;  // as the board has them, looked up for each recall
  std::atomic<bool> stop_{false};
};

}  // namespace holdfast
