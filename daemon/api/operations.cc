// What operators look at: health, status, workspaces.
#include "base/time_text.h"
#include "daemon/api/attention.h"
#include "daemon/api/expiry.h"
#include "daemon/api/handlers.h"
#include "daemon/api/metrics.h"
#include "daemon/api/overview_desk.h"
#include "daemon/api/request_meters.h"
#include "daemon/api/views.h"
#include "daemon/work/medium_sight.h"
#include "index/read/recordings.h"
#include "index/read/status.h"

namespace holdfast::api {
namespace {

constexpr Tier kTiers[] = {Tier::kStandard, Tier::kWarm, Tier::kCold};

void add_scrub(json::object& view, Tier tier, const std::vector<SeenMedium>& media,
               const SeenScrub& scrub, const std::map<MediumId, ScrubStanding>& standing) {
  std::optional<UnixMillis> oldest;
  ScrubStanding sum;
  for (const SeenMedium& medium : media) {
    if (medium.row.tier != tier || !medium.is_own) continue;
    if (const auto at = scrub.oldest.find(medium.row.medium);
        at != scrub.oldest.end() && at->second && (!oldest || *at->second < *oldest))
      oldest = at->second;
    const auto one = standing.find(medium.row.medium);
    if (one == standing.end()) continue;
    sum.copies += one->second.copies;
    sum.bytes += one->second.bytes;
    sum.bad += one->second.bad;
    if (!one->second.problem.empty()) sum.problem = one->second.problem;
  }
  view["oldest_unverified_at"] = oldest ? json::value(to_iso(*oldest)) : json::value(nullptr);
  view["scrub"] = json::object{
      {"copies", sum.copies},
      {"bytes", sum.bytes.count},
      {"bad", sum.bad},
      {"problem", sum.problem.empty() ? json::value(nullptr) : json::value(sum.problem)}};
}

json::array tiers_view(const StatusSummary& summary, const std::vector<SeenMedium>& media,
                       const SeenScrub& scrub, const std::map<MediumId, ScrubStanding>& standing) {
  json::array tiers;
  for (Tier tier : kTiers) {
    const TierTally& tally = summary.tiers[static_cast<size_t>(tier)];
    json::object view{{"tier", holdfast::word(tier)}, {"recordings", tally.recordings},
                      {"bytes", tally.bytes.count},   {"medium", nullptr},
                      {"medium_state", "none"},       {"free_bytes", nullptr},
                      {"total_bytes", nullptr}};
    for (const SeenMedium& medium : media) {
      if (medium.row.tier != tier || !medium.is_own || medium.is_mirror) continue;
      view["medium"] = medium.row.name;
      view["medium_state"] = holdfast::word(medium.state());
      add_space(view, medium.sight);
    }
    add_scrub(view, tier, media, scrub, standing);
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

namespace {

Surroundings surroundings(const Services& services) {
  std::optional<CertificateFacts> certificate;
  if (const auto& tls = services.server.tls()) certificate = tls->facts();
  return Surroundings{services.archive.config(),      services.archive.gate,
                      services.stale_spool_entries(), services.backups->standing(),
                      std::move(certificate),         services.mount_seen,
                      services.archive.clock.now()};
}

std::vector<Attention> dated_attention(const Services& services, const Overview& seen,
                                       const Surroundings& around) {
  std::vector<Attention> list = find_attention(seen, around);
  services.attention.date(list, around.now);
  return list;
}

json::object status_view(const Services& services, const Overview& seen) {
  const Archive& archive = services.archive;
  const Surroundings around = surroundings(services);
  const StatusSummary& summary = seen.summary;
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
  body["started_at"] = to_iso(services.started_at);
  body["attention"] = attention_view(dated_attention(services, seen, around));
  body["last_backup_at"] = nullptr;
  if (around.backup.last) body["last_backup_at"] = to_iso(around.backup.last->at);
  body["tiers"] = tiers_view(summary, seen.media, seen.scrub, services.scrubber->standing());
  body["pauses"] = pauses_view(archive.gate.pauses());
  body["workspaces"] = summary.workspaces;
  body["single_copy_bytes"] = single;
  body["held"] = held;
  body["open_packs"] = summary.open_packs;
  body["moves"] =
      json::object{{"unfinished", summary.unfinished_moves}, {"failed", summary.failed_moves}};
  body["clock"] = clock_view(archive, seen.expiry.clock);
  body["expiry"] = json::object{{"enabled", archive.config().expiry.enabled},
                                {"due", seen.expiry.due},
                                {"stopped", seen.expiry.breaker.open_since.has_value()}};
  body["restores"] =
      json::object{{"queued", summary.queued_restores}, {"staged", summary.staged_restores}};
  body["ledger"] = json::object{{"last_n", seen.decisions_last}, {"mirror", word(seen.ledger)}};
  return body;
}

// Looks on a worker, and goes on on the loop.
void with_overview(const CallPtr& call, std::function<void(const CallPtr&, const Overview&)> next) {
  call->services.overviews.ask([call, next = std::move(next)](const Result<Overview>& seen) {
    if (!seen.ok()) return call->fail(seen.error());
    next(call, *seen);
  });
}

}  // namespace

void status_call(CallPtr call) {
  with_overview(call, [](const CallPtr& done, const Overview& seen) {
    done->answer(200, status_view(done->services, seen));
  });
}

void metrics_call(CallPtr call) {
  with_overview(call, [](const CallPtr& done, const Overview& seen) {
    const Services& services = done->services;
    const Surroundings around = surroundings(services);
    const std::vector<Attention> attention = dated_attention(services, seen, around);
    const WriterCounters writer = services.archive.writer.counters();
    const std::map<MediumId, ScrubStanding> scrub = services.scrubber->standing();
    done->answer(http::text_response(
        200, "text/plain; version=0.0.4; charset=utf-8",
        metrics_page({seen, around, attention, services.archive.meters, scrub, services.requests,
                      services.server.counters(), writer, services.started_at})));
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
