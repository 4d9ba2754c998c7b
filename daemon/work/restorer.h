// The restorer: brings archived recordings back to the fast tier, for a while.
//
//   queued → recalling (space reserved) → staged → expired
//                └─▶ queued again (medium away)   └─▶ failed (no good copy is left)
//
// A medium that does not answer is away: what lies nowhere else waits for it as long as it takes,
// visibly and without using up a try.
//
// Invariants
// - Space is reserved before reading: a restore in `recalling` counts with its
//   whole size against the staging limit. Waiting for it is no try.
// - A bad copy is quarantined and the next one is tried; only when none is left
//   does the restore fail.
// - Requests for the same recording are one recall (index/commands/restores.h).
#pragma once

#include <atomic>

#include "daemon/work/archive.h"
#include "daemon/work/recall_queue.h"

namespace holdfast {

class Restorer {
 public:
  // Serves the media of one tier, kWarm or kCold: each has a thread of its own, so that a slow
  // shelf never holds up a fast disk. `readers` threads read and decode, the lane's included.
  Restorer(const Archive& archive, Tier tier, int readers = 1)
      : archive_(archive), tier_(tier), readers_(readers), queue_(archive, tier) {}

  // As many as this machine has cores for: ingest needs some, too.
  static int readers_here();

  // The next batch in media order. True when something was done. Thread rule: one thread.
  Result<bool> run_once(Io& io);
  void run(Io& io);
  void request_stop() { stop_ = true; }

 private:
  Result<Bytes> room(Io& io);
  Result<bool> wait_for_room(const RestoreId& restore);

  Archive archive_;
  const Tier tier_;
  const int readers_;
  RecallQueue queue_;
  std::atomic<bool> stop_{false};
};

}  // namespace holdfast
