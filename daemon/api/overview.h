// One look at the archive as a whole, for `status`, /metrics and whoever asks what needs a person.
// Its cost is bounded: counters of the index, the labels of the media, a place in the ledger, at
// most kRejectedSeenMax names of the spool, kExpiryCountMax recordings whose retention has ended,
// kScrubBacklogMax copies on each medium that are to be re-read.
#pragma once

#include <map>
#include <optional>
#include <vector>

#include "daemon/api/expiry.h"
#include "daemon/work/archive.h"
#include "daemon/work/medium_sight.h"
#include "index/commands/recovery.h"
#include "index/read/status.h"

namespace holdfast::api {

constexpr int64_t kRejectedSeenMax = 1000;

// How the scrub stands, on each medium of ours.
struct SeenScrub {
  std::map<MediumId, std::optional<UnixMillis>> oldest;  // of the copy whose turn is longest ago
  std::map<MediumId, int64_t> backlog;  // copies whose turn has come, kScrubBacklogMax at most
  int64_t unrepaired = 0;               // bad copies that a repair was tried of, and did not help
};

struct Overview {
  StatusSummary summary;
  std::vector<SeenMedium> media;
  LedgerState ledger = LedgerState::kReady;
  int64_t decisions_last = 0;  // number of the last durable line
  int64_t access_last = 0;
  RecoveryState recovery;
  ExpiryStanding expiry;
  SeenScrub scrub;
  int64_t rejected = 0;  // entries in spool/rejected, kRejectedSeenMax at most
  LeftParts::Parts left_incoming;
  LeftParts::Parts left_in_trash;
  bool state_disk_is_full = false;
};

// Waits for disks and the writer: on a worker.
Result<Overview> look_around(Io& io, const Archive& archive);

std::string_view word(LedgerState state);

}  // namespace holdfast::api
