// What operators look at: health, status, workspaces.
#include "base/time_text.h"
#include "daemon/api/handlers.h"
#include "daemon/api/views.h"
#include "daemon/work/medium_sight.h"
#include "index/commands/recovery.h"
#include "index/read/recordings.h"
#include "index/read/status.h"
#include "ledger/ledger.h"

namespace holdfast::api {
namespace {

constexpr Tier kTiers[] = {Tier::kStandard, Tier::kWarm, Tier::kCold};

std::string_view word(LedgerState state) {
  switch (state) {
    case LedgerState::kReady:
      return "in step";
    case LedgerState::kGap:
      return "decisions missing";
    case LedgerState::kBehind:
      return "behind";
    case LedgerState::kUnknown:
      return "unknown outcome";
    case LedgerState::kForked:
      return "forked";
  }
  return "unknown";
}

// What needs a person, first things first.
json::array attention(const StatusSummary& summary, LedgerState ledger,
                      const std::vector<SeenMedium>& media, const Gate& gate,
                      const StaleEntries& stale) {
  json::array list;
  const auto say = [&](const std::string& text) { list.emplace_back(text); };
  // A gap is told with the matter that holds everything because of it.
  if (ledger != LedgerState::kReady && ledger != LedgerState::kGap)
    say("the ledger and its mirror are not in step (" + std::string(word(ledger)) +
        "): releases and destructions are refused");
  if (summary.quarantined > 0) say(std::to_string(summary.quarantined) + " copies are quarantined");
  if (summary.parked_callbacks > 0)
    say(std::to_string(summary.parked_callbacks) +
        " callbacks were given up: holdfast callbacks --parked");
  if (summary.failed_moves > 0)
    say(std::to_string(summary.failed_moves) + " moves failed: holdfast moves --failed");
  for (Edge edge : kEdges)
    if (const auto pause = gate.paused(edge)) {
      say("moves are stopped: " + pause->why);
      break;
    }
  for (Tier tier : {Tier::kWarm, Tier::kCold})
    if (const auto suspension = gate.health(tier).suspension())
      say("the " + std::string(holdfast::word(tier)) + " medium is suspended since " +
          to_iso(suspension->since) + ": " + suspension->error);
  if (gate.nothing_leaves())
    say("the standard tier is full and nothing on it may leave: ingest is refused");
  for (const SeenMedium& medium : media)
    if (medium.is_own && medium.state() != MediumState::kOnline)
      say("the " + std::string(holdfast::word(medium.row.tier)) + " medium at " + medium.path +
          " is " + std::string(holdfast::word(medium.state())) +
          (medium.sight.is_online() ? "" : ": " + medium.sight.problem));
  if (stale.count > 0)
    say(std::to_string(stale.count) +
        " spool entries have waited for their metadata.json for more than an hour, the oldest is " +
        stale.oldest);
  return list;
}

// What a loss asks of a person, and what protects from the next one.
void attend_to_losses(const Archive& archive, const RecoveryState& recovery,
                      const BackupStanding& backup, json::array& list) {
  if (recovery.in_force)
    list.emplace_back("decisions were lost: " + std::to_string(recovery.holds) +
                      " recordings are held under the matter recovery until somebody says "
                      "holdfast release --matter recovery");
  if (!backup.error.empty()) list.emplace_back("the last backup failed: " + backup.error);
  const Millis every = archive.config().backup.every;
  if (every.count > 0 && backup.last &&
      archive.clock.now() - backup.last->at > Millis(2 * every.count + hours(1).count))
    list.emplace_back("the last backup is of " + to_iso(backup.last->at));
}

json::array tiers_view(const StatusSummary& summary, const std::vector<SeenMedium>& media) {
  json::array tiers;
  for (Tier tier : kTiers) {
    const TierTally& tally = summary.tiers[static_cast<size_t>(tier)];
    json::object view{{"tier", holdfast::word(tier)}, {"recordings", tally.recordings},
                      {"bytes", tally.bytes.count},   {"medium", nullptr},
                      {"medium_state", "none"},       {"free_bytes", nullptr},
                      {"total_bytes", nullptr}};
    for (const SeenMedium& medium : media) {
      if (medium.row.tier != tier || !medium.is_own) continue;
      view["medium"] = medium.row.name;
      view["medium_state"] = holdfast::word(medium.state());
      add_space(view, medium.sight);
    }
    tiers.push_back(std::move(view));
  }
  return tiers;
}

}  // namespace

void liveness(CallPtr call) { call->answer(200, json::object{{"status", "alive"}}); }

void readiness(CallPtr call) {
  auto summary = status_summary(call->index(), std::nullopt);
  if (!summary.ok()) return call->fail(Error{Code::kUnavailable, summary.error().message});
  call->answer(200, json::object{{"status", "ready"}});
}

void status_call(CallPtr call) {
  struct Seen {
    StatusSummary summary;
    std::vector<SeenMedium> media;
    std::shared_ptr<LedgerView> ledger;
    RecoveryState recovery;
  };
  with_worker<Seen>(
      call,
      [archive = call->services.archive](Io& io) -> Result<Seen> {
        Seen seen;
        {
          HOLDFAST_ASSIGN(index, archive.index.take());
          HOLDFAST_ASSIGN(summary, status_summary(*index, std::nullopt));
          seen.summary = summary;
          HOLDFAST_ASSIGN(recovery, recovery_state(*index));
          seen.recovery = recovery;
        }
        HOLDFAST_ASSIGN(media, look_at_media(io, archive));
        seen.media = std::move(media);
        HOLDFAST_ASSIGN(view, archive.writer.view_ledger());
        seen.ledger = std::make_shared<LedgerView>(std::move(view));
        return seen;
      },
      [](const CallPtr& done, Result<Seen> seen) {
        if (!seen.ok()) return done->fail(seen.error());
        const Archive& archive = done->services.archive;
        const StatusSummary& summary = seen->summary;
        const std::shared_ptr<LedgerView>& ledger = seen->ledger;
        int64_t held = 0;
        int64_t single = 0;
        for (const TierTally& tally : summary.tiers) {
          held += tally.held;
          single += tally.single_copy.count;
        }
        json::object body;
        body["archive_id"] = archive.id.text();
        body["version"] = HOLDFAST_VERSION;
        body["state"] = "ready";
        body["started_at"] = to_iso(done->services.started_at);
        json::array list = attention(summary, ledger->state, seen->media, archive.gate,
                                     done->services.stale_spool_entries());
        const BackupStanding backup = done->services.backups->standing();
        attend_to_losses(archive, seen->recovery, backup, list);
        body["attention"] = std::move(list);
        body["last_backup_at"] = nullptr;
        if (backup.last) body["last_backup_at"] = to_iso(backup.last->at);
        body["tiers"] = tiers_view(summary, seen->media);
        body["pauses"] = pauses_view(archive.gate.pauses());
        body["workspaces"] = summary.workspaces;
        body["single_copy_bytes"] = single;
        body["held"] = held;
        body["open_packs"] = summary.open_packs;
        body["moves"] = json::object{{"unfinished", summary.unfinished_moves},
                                     {"failed", summary.failed_moves}};
        body["restores"] =
            json::object{{"queued", summary.queued_restores}, {"staged", summary.staged_restores}};
        body["ledger"] =
            json::object{{"last_n", ledger->decisions_end.last_n}, {"mirror", word(ledger->state)}};
        done->answer(200, std::move(body));
      });
}

void list_workspaces_call(CallPtr call) {
  // One summary for each of them: on a worker.
  with_worker<json::array>(
      call,
      [archive = call->services.archive](Io&) -> Result<json::array> {
        HOLDFAST_ASSIGN(index, archive.index.take());
        HOLDFAST_ASSIGN(rows, list_workspaces(*index));
        json::array items;
        for (const WorkspaceRow& row : rows) {
          HOLDFAST_ASSIGN(summary, status_summary(*index, row.workspace_no));
          int64_t recordings = 0;
          int64_t bytes = 0;
          for (const TierTally& tally : summary.tiers) {
            recordings += tally.recordings;
            bytes += tally.bytes.count;
          }
          json::object view = workspace_view(row);
          view["recordings"] = recordings;
          view["bytes"] = bytes;
          const auto quota = archive.config().quota_of(row.workspace);
          view["quota_bytes"] = quota ? json::value(quota->count) : json::value(nullptr);
          items.push_back(std::move(view));
        }
        return items;
      },
      [](const CallPtr& done, Result<json::array> items) {
        if (!items.ok()) return done->fail(items.error());
        done->answer(200, json::object{{"items", *std::move(items)}});
      });
}

}  // namespace holdfast::api
