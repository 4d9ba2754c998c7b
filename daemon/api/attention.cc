#include "daemon/api/attention.h"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>

#include "base/limits.h"
#include "base/time_text.h"

namespace holdfast::api {
namespace {

constexpr Millis kMountSilent = minutes(2);   // it asks every half minute
constexpr Millis kDestroyingLong = days(32);  // a pack is rewritten within 30 d by default
constexpr int64_t kLowPercent = 5;            // of a medium that nothing leaves by itself

using enum Severity;

constexpr AttentionCode kCodes[] = {
    {"ledger-forked", kCritical, "Ledger and mirror hold different decisions: read-only.",
     "decide which of the two is right: docs/ledger.md"},
    {"ledger-unknown", kCritical, "The writer could not learn whether a batch was decided.",
     "look at the disk of archive.state_dir; then systemctl restart holdfastd"},
    {"state-disk-full", kCritical, "The disk of the index is full: ingest is refused.",
     "make room on the disk of archive.state_dir"},
    {"standard-full", kCritical,
     "The standard tier is over full_at and nothing may leave it: ingest is refused.",
     "see why nothing leaves: holdfast moves --failed; or add room"},
    {"medium-offline", kCritical, "A medium of the configuration is not where it belongs.",
     "mount its disk; or say where it is: holdfast medium place"},
    {"backend-suspended", kCritical, "A back-end failed again and again and is let alone.",
     "look at its disk; then holdfast moves --resume"},
    {"copies-quarantined", kCritical, "Copies whose bytes are not what they should be.",
     "look at the disk they lie on; holdfast show CALL tells where the other copies are"},
    {"repair-failed", kCritical, "Bad copies that could not be made anew from another one.",
     "holdfast verify --quarantined tells which, and why"},
    {"incoming-left", kCritical,
     "Entries of .incoming that are damaged and may have been acknowledged, or find no place.",
     "docs/media.md, \"Standard\", tells what they are; the log tells why, of each"},
    {"trash-left", kCritical,
     "Entries of .trash that no decision speaks of, and that cannot be put back.",
     "docs/media.md, \"Standard\", tells what they are; the log tells why, of each"},
    {"decisions-lost", kCritical,
     "Decisions are missing: everything is held until a person looked.",
     "bring the ledger back, or holdfast release --matter recovery"},
    {"certificate-early", kCritical, "The certificate of TLS is not in force yet.",
     "is the clock right? Else install one that is in force; then systemctl reload holdfastd"},
    {"certificate-expired", kCritical, "The certificate of TLS is no longer good.",
     "renew http.tls_certificate; then systemctl reload holdfastd"},
    {"mirror-behind", kWarning,
     "The mirror lacks decisions: releases and destructions are refused.",
     "look at the disk of archive.mirror_dir"},
    {"medium-low", kWarning, "A medium is nearly full.", "add room, or another medium"},
    {"certificate-expires", kWarning, "The certificate of TLS ends within 21 days.",
     "renew http.tls_certificate; then systemctl reload holdfastd"},
    {"scrub-late", kWarning, "Copies that nobody has read back for longer than scrub.every.",
     "raise scrub.rate_max, or see why the medium is slow: holdfast status"},
    {"moves-failed", kWarning, "Moves whose last try failed.", "holdfast moves --failed"},
    {"backup-failed", kWarning, "The last backup of the index failed.", "holdfast backup"},
    {"backup-old", kWarning, "There is no backup of the index as young as it should be.",
     "holdfast backup"},
    {"spool-rejected", kWarning, "Entries of the spool that could not be taken.",
     "read reason.txt beside each in spool/rejected, put it right, move it back"},
    {"spool-stale", kWarning, "Entries of the spool that have waited an hour for metadata.json.",
     "see that the recorder finishes them"},
    {"callbacks-parked", kWarning, "Callbacks that were given up after three days.",
     "holdfast callbacks --parked"},
    {"mount-silent", kWarning, "The read-only mount no longer asks for news.",
     "systemctl restart holdfast-mount"},
    {"clock-stopped", kWarning, "The compliance clock stands: no retention ends.",
     "see that the system clock is right; then holdfast clock accept"},
    {"expiry-stopped", kWarning, "More was due to expire than a day may take: expiry stopped.",
     "holdfast expire --dry-run; let them go with holdfast expire --accept"},
    {"clock-behind", kNotice, "The compliance clock is behind, and catches up slowly.",
     "see that the system clock is right; then holdfast clock accept"},
    {"expiry-off", kNotice, "Retention has ended, and automatic expiry is off.",
     "holdfast expire --dry-run; then set expiry.enabled, or leave it so"},
    {"destroying-long", kNotice, "Destructions that are not over after a month.",
     "their packs wait to be rewritten; holdfast status tells how many"},
    {"moves-paused", kNotice, "Somebody stopped moves.", "holdfast moves --resume"},
};

std::string some(int64_t count, std::string_view what) {
  return fmt::format("{} {}{}", count, what, count == 1 ? "" : "s");
}

class List {
 public:
  explicit List(const Overview& seen, const Surroundings& around) : seen_(seen), around_(around) {}

  std::vector<Attention> take() {
    look_at_ledger();
    look_at_media();
    look_at_scrub();
    look_at_moves();
    look_at_backup();
    look_at_certificate();
    look_at_arrivals();
    look_at_mount();
    look_at_expiry();
    look_at_destructions();
    std::stable_sort(list_.begin(), list_.end(),
                     [](const Attention& a, const Attention& b) { return a.code < b.code; });
    if (list_.size() > static_cast<size_t>(limits::kAttentionKept))
      list_.resize(limits::kAttentionKept);
    return std::move(list_);
  }

 private:
  void say(std::string_view code, std::string text, std::optional<UnixMillis> since = std::nullopt,
           std::string subject = "") {
    const auto found = std::find_if(std::begin(kCodes), std::end(kCodes),
                                    [&](const AttentionCode& one) { return one.code == code; });
    assert(found != std::end(kCodes));
    list_.push_back({&*found, std::move(subject), std::move(text), since});
  }

  // A gap is told with the matter that holds everything because of it.
  void look_at_ledger() {
    if (seen_.ledger == LedgerState::kForked)
      say("ledger-forked", "the ledger and its mirror hold different decisions");
    if (seen_.ledger == LedgerState::kUnknown)
      say("ledger-unknown", "the outcome of the last changes is not known");
    if (seen_.ledger == LedgerState::kBehind)
      say("mirror-behind",
          "the mirror of the ledger is behind: releases and destructions are refused");
    if (seen_.recovery.in_force)
      say("decisions-lost", "decisions were lost: " + some(seen_.recovery.holds, "recording") +
                                " held under the matter recovery");
    if (seen_.state_disk_is_full)
      say("state-disk-full", "the disk of the index is full: ingest is refused");
  }

  void look_at_media() {
    if (around_.gate.nothing_leaves())
      say("standard-full",
          "the standard tier is full and nothing on it may leave: ingest is refused");
    for (const SeenMedium& medium : seen_.media) {
      if (!medium.is_own) continue;
      const std::string tier(holdfast::word(medium.row.tier));
      if (medium.state() != MediumState::kOnline) {
        say("medium-offline",
            "the " + tier + " medium at " + medium.path + " is " +
                std::string(holdfast::word(medium.state())) +
                (medium.sight.is_online() ? "" : ": " + medium.sight.problem),
            std::nullopt, tier);
      } else if (medium.row.tier != Tier::kStandard && medium.sight.total_bytes.count > 0 &&
                 medium.sight.free_bytes.count <
                     medium.sight.total_bytes.count / 100 * kLowPercent) {
        say("medium-low", "the " + tier + " medium at " + medium.path + " is nearly full",
            std::nullopt, tier);
      }
    }
    for (Tier tier : {Tier::kWarm, Tier::kCold})
      if (const auto suspension = around_.gate.health(tier).suspension())
        say("backend-suspended",
            "the " + std::string(holdfast::word(tier)) +
                " medium is suspended: " + suspension->error,
            suspension->since, std::string(holdfast::word(tier)));
    if (seen_.summary.quarantined > 0)
      say("copies-quarantined",
          seen_.summary.quarantined == 1
              ? "1 copy is quarantined"
              : fmt::format("{} copies are quarantined", seen_.summary.quarantined));
  }

  void look_at_scrub() {
    if (seen_.scrub.unrepaired > 0)
      say("repair-failed", fmt::format("{} bad cop{} could not be repaired", seen_.scrub.unrepaired,
                                       seen_.scrub.unrepaired == 1 ? "y" : "ies"));
    // A day beyond its period: it does not keep up.
    const UnixMillis late = around_.now - around_.config.scrub.every - days(1);
    for (const SeenMedium& medium : seen_.media) {
      const auto at = seen_.scrub.oldest.find(medium.row.medium);
      if (at == seen_.scrub.oldest.end() || !at->second || *at->second >= late) continue;
      say("scrub-late",
          "the " + std::string(holdfast::word(medium.row.tier)) + " medium at " + medium.path +
              " has copies that nobody has read back since " + to_iso(*at->second),
          std::nullopt, medium.row.medium.text());
    }
  }

  void look_at_moves() {
    if (seen_.summary.failed_moves > 0)
      say("moves-failed", some(seen_.summary.failed_moves, "move") + " failed");
    for (Edge edge : kEdges)
      if (const auto pause = around_.gate.paused(edge))
        return say("moves-paused", "moves are stopped: " + pause->why);
  }

  void look_at_backup() {
    const BackupStanding& backup = around_.backup;
    if (!backup.error.empty()) say("backup-failed", "the last backup failed: " + backup.error);
    const Millis every = around_.config.backup.every;
    if (every.count > 0 && backup.last &&
        around_.now - backup.last->at > Millis(2 * every.count + hours(1).count))
      say("backup-old", "the last backup is of " + to_iso(backup.last->at), backup.last->at);
  }

  void look_at_certificate() {
    if (!around_.certificate) return;
    const CertificateFacts& facts = *around_.certificate;
    const int64_t left = (facts.not_after - around_.now).count;
    if (around_.now < facts.not_before)
      say("certificate-early", "the certificate " + facts.subject + " is not in force until " +
                                   to_iso(facts.not_before));
    else if (left <= 0)
      say("certificate-expired", "the certificate " + facts.subject + " has expired",
          facts.not_after);
    else if (left < limits::kCertificateSoonMs)
      say("certificate-expires",
          "the certificate " + facts.subject + " ends at " + to_iso(facts.not_after));
  }

  void look_at_arrivals() {
    if (seen_.rejected > 0)
      say("spool-rejected",
          (seen_.rejected == kRejectedSeenMax
               ? fmt::format("{} or more entries were", seen_.rejected)
           : seen_.rejected == 1 ? "1 entry was"
                                 : fmt::format("{} entries were", seen_.rejected)) +
              " rejected from the spool");
    look_at_left("incoming-left", ".incoming", seen_.left_incoming);
    look_at_left("trash-left", ".trash", seen_.left_in_trash);
    if (around_.stale.count > 0)
      say("spool-stale",
          fmt::format(
              "{} of the spool without metadata.json for more than an hour, the oldest is {}",
              around_.stale.count == 1 ? "1 entry" : fmt::format("{} entries", around_.stale.count),
              around_.stale.oldest),
          around_.stale.since);
    if (seen_.summary.parked_callbacks > 0)
      say("callbacks-parked", some(seen_.summary.parked_callbacks, "callback") + " given up");
  }

  void look_at_left(std::string_view code, std::string_view where, LeftParts::Parts left) {
    std::erase_if(left, [&](const auto& one) { return !one.second.is_worth_a_word(around_.now); });
    if (left.empty()) return;
    const auto& [part, first] = *left.begin();
    say(code,
        fmt::format("{} left in {} of the standard medium, the first is {}: {}",
                    some(static_cast<int64_t>(left.size()), "call"), where, part.text(), first.why),
        std::min_element(left.begin(), left.end(), [](const auto& a, const auto& b) {
          return a.second.since < b.second.since;
        })->second.since);
  }

  void look_at_mount() {
    if (around_.mount_seen && around_.now - *around_.mount_seen > kMountSilent)
      say("mount-silent", "the read-only mount has gone silent", around_.mount_seen);
  }

  void look_at_expiry() {
    const ExpiryStanding& expiry = seen_.expiry;
    if (!expiry.clock)
      say("clock-stopped", "the compliance clock was never set");
    else if (const ComplianceState& state = expiry.clock->state; state.stopped_at)
      say("clock-stopped", "the compliance clock stands at " + to_iso(state.now) + ": " + state.why,
          state.stopped_at);
    else if (state.system - state.now > Millis(limits::kClockBehindMs))
      say("clock-behind", "the compliance clock is " + to_words(state.system - state.now) +
                              " behind the system clock");
    if (expiry.breaker.open_since)
      say("expiry-stopped",
          some(expiry.breaker.due, "recording") + " due at once, more than a day may take",
          expiry.breaker.open_since);
    else if (!around_.config.expiry.enabled && expiry.due > 0)
      say("expiry-off", "the retention of " + some(expiry.due, "recording") +
                            (expiry.due >= limits::kExpiryCountMax ? " or more" : "") +
                            " has ended, and expiry is off");
  }

  void look_at_destructions() {
    int64_t destroying = 0;
    for (const TierTally& tally : seen_.summary.tiers) destroying += tally.destroying;
    if (destroying > 0)
      say("destroying-long", some(destroying, "recording") + " being destroyed for weeks");
  }

  const Overview& seen_;
  const Surroundings& around_;
  std::vector<Attention> list_;
};

}  // namespace

std::span<const AttentionCode> attention_codes() { return kCodes; }

std::string_view word(Severity severity) {
  switch (severity) {
    case kCritical:
      return "critical";
    case kWarning:
      return "warning";
    case kNotice:
      return "notice";
  }
  return "unknown";
}

std::vector<Attention> find_attention(const Overview& seen, const Surroundings& around) {
  return List(seen, around).take();
}

void AttentionBook::date(std::vector<Attention>& list, UnixMillis now) {
  const std::lock_guard lock(mutex_);
  std::map<std::string, UnixMillis> still;
  for (Attention& one : list) {
    const std::string key = std::string(one.code->code) + " " + one.subject;
    const auto before = first_seen_.find(key);
    const UnixMillis first = before == first_seen_.end() ? now : before->second;
    still.emplace(key, first);
    if (!one.since) one.since = first;
  }
  first_seen_ = std::move(still);
  std::erase_if(list, [&](const Attention& one) {
    return one.code->code == "destroying-long" && now - *one.since < kDestroyingLong;
  });
}

json::array attention_view(const std::vector<Attention>& list) {
  json::array items;
  for (const Attention& one : list)
    items.push_back(
        json::object{{"severity", word(one.code->severity)},
                     {"code", one.code->code},
                     {"text", one.text},
                     {"since", one.since ? json::value(to_iso(*one.since)) : json::value(nullptr)},
                     {"action", one.code->action}});
  return items;
}

}  // namespace holdfast::api
