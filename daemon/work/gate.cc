#include "daemon/work/gate.h"

#include <algorithm>

#include "base/time_text.h"

namespace holdfast {
namespace {

std::string why_paused(const PauseRow& pause) {
  std::string why =
      pause.tier ? std::string(word(*pause.tier)) + " is paused" : "everything is paused";
  why += " by " + pause.who + " since " + to_iso(pause.since);
  if (!pause.reason.empty()) why += ": " + pause.reason;
  return why;
}

}  // namespace

Gate::Gate(const Config& config, const Clock& clock, Sleeper& sleeper)
    : clock_(clock),
      sleeper_(sleeper),
      warm_(clock, config.warm.rate_max, config.warm.window),
      cold_(clock, config.cold ? config.cold->rate_max : Bytes(0),
            config.cold ? config.cold->window : TimeWindow()) {}

const Gate::BackEnd* Gate::back_end(Tier tier) const {
  if (tier == Tier::kStandard) return nullptr;  // its disk is everybody's
  return tier == Tier::kWarm ? &warm_ : &cold_;
}
Gate::BackEnd* Gate::back_end(Tier tier) {
  return const_cast<BackEnd*>(std::as_const(*this).back_end(tier));
}

std::optional<Closed> Gate::paused(Edge edge) const {
  const EdgeEnds ends = ends_of(edge);
  std::lock_guard lock(mutex_);
  for (const PauseRow& pause : pauses_)
    if (!pause.tier || *pause.tier == ends.from || *pause.tier == ends.to)
      return Closed{why_paused(pause), std::nullopt};
  return std::nullopt;
}

std::optional<Closed> Gate::closed(Edge edge, UnixMillis at) const {
  if (auto pause = paused(edge)) return pause;
  const EdgeEnds ends = ends_of(edge);
  for (Tier tier : {ends.from, ends.to}) {
    const BackEnd* end = back_end(tier);
    if (end == nullptr) continue;
    if (const auto suspension = end->health.suspension())
      return Closed{std::string(word(tier)) + " is suspended since " + to_iso(suspension->since) +
                        ": " + suspension->error,
                    std::nullopt};
  }
  std::lock_guard lock(mutex_);
  for (Tier tier : {ends.from, ends.to}) {
    const BackEnd* end = back_end(tier);
    if (end == nullptr || end->window.is_open(at)) continue;
    const UnixMillis opens = end->window.opens_at(at);
    return Closed{"waits for its window: " + std::string(word(tier)) + " opens at " + to_iso(opens),
                  opens};
  }
  return std::nullopt;
}

std::optional<std::string> Gate::stopped(Tier tier) const {
  if (const BackEnd* end = back_end(tier); end != nullptr)
    if (const auto suspension = end->health.suspension())
      return std::string(word(tier)) + " is suspended since " + to_iso(suspension->since) + ": " +
             suspension->error;
  return paused(tier);
}

std::optional<std::string> Gate::paused(Tier tier) const {
  std::lock_guard lock(mutex_);
  for (const PauseRow& pause : pauses_)
    if (!pause.tier || *pause.tier == tier) return why_paused(pause);
  return std::nullopt;
}

void Gate::apply(const Config& config) {
  const auto set = [this](BackEnd& end, Bytes rate, const TimeWindow& window) {
    std::lock_guard lock(mutex_);
    if (end.rate != rate) end.bucket = TokenBucket(rate);
    end.rate = rate;
    end.window = window;
  };
  set(warm_, config.warm.rate_max, config.warm.window);
  if (config.cold) set(cold_, config.cold->rate_max, config.cold->window);
}

void Gate::set_pauses(std::vector<PauseRow> pauses) {
  std::lock_guard lock(mutex_);
  pauses_ = std::move(pauses);
}

std::vector<PauseRow> Gate::pauses() const {
  std::lock_guard lock(mutex_);
  return pauses_;
}

bool Gate::is_paced(Edge edge) const {
  const EdgeEnds ends = ends_of(edge);
  std::lock_guard lock(mutex_);
  for (Tier tier : {ends.from, ends.to})
    if (const BackEnd* end = back_end(tier); end != nullptr && end->bucket.is_limited())
      return true;
  return false;
}

void Gate::take(Edge edge, Bytes bytes) {
  const EdgeEnds ends = ends_of(edge);
  for (Tier tier : {ends.from, ends.to}) take(tier, bytes);
}

void Gate::take(Tier tier, Bytes bytes) {
  std::lock_guard lock(mutex_);
  if (BackEnd* end = back_end(tier); end != nullptr) end->bucket.take(bytes, clock_.monotonic());
}

Millis Gate::wait(Edge edge) const {
  const EdgeEnds ends = ends_of(edge);
  const Millis now = clock_.monotonic();
  std::lock_guard lock(mutex_);
  Millis longest{0};
  for (Tier tier : {ends.from, ends.to})
    if (const BackEnd* end = back_end(tier); end != nullptr)
      longest = std::max(longest, end->bucket.wait(now));
  return longest;
}

void Gate::set_nothing_leaves(bool nothing) {
  std::lock_guard lock(mutex_);
  nothing_leaves_ = nothing;
}

bool Gate::nothing_leaves() const {
  std::lock_guard lock(mutex_);
  return nothing_leaves_;
}

}  // namespace holdfast
