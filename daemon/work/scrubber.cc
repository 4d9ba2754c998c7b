#include "daemon/work/scrubber.h"

#include <algorithm>

#include "base/limits.h"
#include "base/log.h"
#include "daemon/work/copy_check.h"
#include "daemon/work/interruption.h"
#include "index/read/repairs.h"
#include "index/read/work.h"

namespace holdfast {
namespace {

constexpr Millis kAskedAgainAfter = minutes(10);  // a medium that could not answer

}  // namespace

void Scrubber::run(Io& io) {
  const Interruptible stops(io, at_stop(stop_));
  while (!stop_) {
    Result<bool> more = verifications_.run_once(io);
    if (more.ok() && !*more) more = run_once(io);
    if (!more.ok()) {
      log::error("scrub: {}", more.error().message);
      return;
    }
    if (!*more) return;
  }
}

std::vector<Scrubber::Place> Scrubber::places() const {
  std::vector<Place> all = {{archive_.standard_medium(), Tier::kStandard, true}};
  for (SessionKeeper* keeper : {archive_.warm, archive_.mirror, archive_.cold})
    if (keeper != nullptr)
      all.push_back({keeper->backend().medium(), keeper->backend().tier(), false});
  return all;
}

Result<bool> Scrubber::run_once(Io& io) {
  bool worked = false;
  for (const Place& place : places()) {
    if (stop_ || verifications_.is_asked()) return true;
    HOLDFAST_ASSIGN(read, scrub_one(io, place));
    worked |= read;
  }
  return worked;
}

Result<bool> Scrubber::scrub_one(Io& io, const Place& place) {
  if (const auto why = archive_.gate.stopped(place.tier)) {
    set_problem(place, *why);
    return false;
  }
  const auto later = not_before_.find(place.medium);
  if (later != not_before_.end() && archive_.clock.now() < later->second) return false;
  const Interruptible pauses(io, at_pause(archive_.gate, place.tier));
  HOLDFAST_ASSIGN(check, check_next(io, place));
  if (!check) {
    set_problem(place, "");
    return false;
  }
  if (check->verdict == Verdict::kUnproven && io.interruption()) {
    set_problem(place, check->why);  // it is due as it was
    return false;
  }
  if (check->verdict == Verdict::kUnproven) {
    set_problem(place, check->why);
    not_before_[place.medium] = archive_.clock.now() + kAskedAgainAfter;
  } else {
    note(place, *check);
  }
  pay(io, check->bytes);
  return check->verdict != Verdict::kUnproven;
}

// The copy whose turn is the longest ago; nothing when none is due.
Result<std::optional<CopyCheck>> Scrubber::check_next(Io& io, const Place& place) {
  const UnixMillis before = archive_.clock.now() - archive_.config().scrub.every;
  if (place.is_plain) {
    std::vector<PlainCopyKey> due;
    {
      HOLDFAST_ASSIGN(index, archive_.index.take());
      HOLDFAST_ASSIGN(found, plain_copies_to_scrub(*index, place.medium, before, 1));
      due = std::move(found);
    }
    if (due.empty()) return std::optional<CopyCheck>();
    HOLDFAST_ASSIGN(check, check_plain_copy(io, archive_, due.front()));
    return std::optional<CopyCheck>(std::move(check));
  }
  std::vector<PackCopyRow> due;
  {
    HOLDFAST_ASSIGN(index, archive_.index.take());
    HOLDFAST_ASSIGN(found, packs_to_scrub(*index, place.medium, before, 1));
    due = std::move(found);
  }
  if (due.empty()) return std::optional<CopyCheck>();
  HOLDFAST_ASSIGN(check, check_pack_copy(io, archive_, due.front().pack, place.medium));
  return std::optional<CopyCheck>(std::move(check));
}

void Scrubber::pay(Io& io, Bytes bytes) {
  const Bytes rate = archive_.config().scrub.rate_max;
  if (rate != rate_) bucket_ = TokenBucket(rate);
  rate_ = rate;
  bucket_.take(bytes, archive_.clock.monotonic());
  while (!stop_ && !verifications_.is_asked()) {
    const Millis wait = bucket_.wait(archive_.clock.monotonic());
    if (wait.count <= 0) return;
    archive_.gate.sleep(std::min(wait, seconds(1)));
    io.pulse().beat();  // it waits on purpose
  }
}

void Scrubber::note(const Place& place, const CopyCheck& check) {
  std::lock_guard lock(mutex_);
  ScrubStanding& standing = standing_[place.medium];
  standing.tier = place.tier;
  standing.problem.clear();
  if (check.verdict == Verdict::kGone) return;
  ++standing.copies;
  standing.bytes += check.bytes;
  standing.bad += check.verdict == Verdict::kBad;
}

void Scrubber::set_problem(const Place& place, const std::string& problem) {
  std::lock_guard lock(mutex_);
  ScrubStanding& standing = standing_[place.medium];
  standing.tier = place.tier;
  if (!problem.empty() && problem != standing.problem)
    log::warning("scrub of the {} medium {}: {}", word(place.tier), place.medium.text(), problem);
  standing.problem = problem;
}

std::map<MediumId, ScrubStanding> Scrubber::standing() const {
  std::lock_guard lock(mutex_);
  return standing_;
}

}  // namespace holdfast
