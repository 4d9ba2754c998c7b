// The scrub: reads every copy back from its medium at least once in `scrub.every`, at most
// `scrub.rate_max` a second, the copies whose turn is the longest ago first.
//
// Invariants
// - The rows are the state: what is due is a query over verified_at, so a restart goes on.
// - A tier that is paused or suspended is not read, nor a medium that could not answer a moment
// ago. A pause or a stop also ends the reading that is under way, however large the copy is.
// - Bytes are paid for after they were read, so a copy of any size costs its time.
// - What a person asked for (verifications.h) goes first, and is not slowed.
#pragma once

#include <atomic>
#include <map>
#include <mutex>

#include "base/token_bucket.h"
#include "daemon/work/archive.h"
#include "daemon/work/verifications.h"

namespace holdfast {

// What the scrub did on one medium since the start.
struct ScrubStanding {
  Tier tier = Tier::kStandard;
  int64_t copies = 0;
  Bytes bytes;
  int64_t bad = 0;
  std::string problem;  // why it does not get on; empty: it does
};

class Scrubber {
 public:
  Scrubber(const Archive& archive, Verifications& verifications)
      : archive_(archive), verifications_(verifications), bucket_(Bytes(0)) {}

  // One copy of each medium that has one due. True when something was read and more may be due.
  // Thread rule: one thread.
  Result<bool> run_once(Io& io);
  void run(Io& io);
  void request_stop() { stop_ = true; }

  std::map<MediumId, ScrubStanding> standing() const;  // any thread

 private:
  struct Place {
    MediumId medium;
    Tier tier = Tier::kStandard;
    bool is_plain = false;
  };
  std::vector<Place> places() const;
  Result<bool> scrub_one(Io& io, const Place& place);
  Result<std::optional<CopyCheck>> check_next(Io& io, const Place& place);
  void pay(Io& io, Bytes bytes);
  void note(const Place& place, const CopyCheck& check);
  void set_problem(const Place& place, const std::string& problem);

  Archive archive_;
  Verifications& verifications_;
  Bytes rate_;  // that the bucket was made for
  TokenBucket bucket_;
  std::map<MediumId, UnixMillis> not_before_;  // of media that could not answer
  mutable std::mutex mutex_;
  std::map<MediumId, ScrubStanding> standing_;
  std::atomic<bool> stop_{false};
};

}  // namespace holdfast
