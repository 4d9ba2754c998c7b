// What operators look at and start: health, status, moves, the plan, workspaces.
#include "base/limits.h"
#include "base/time_text.h"
#include "daemon/api/handlers.h"
#include "daemon/api/views.h"
#include "daemon/work/medium_sight.h"
#include "daemon/work/policy_input.h"
#include "index/read/recordings.h"
#include "index/read/status.h"
#include "index/read/work.h"
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
                      const std::vector<SeenMedium>& media) {
  json::array list;
  const auto say = [&](const std::string& text) { list.emplace_back(text); };
  if (ledger != LedgerState::kReady)
    say("the ledger and its mirror are not in step (" + std::string(word(ledger)) +
        "): releases and destructions are refused");
  if (summary.quarantined > 0) say(std::to_string(summary.quarantined) + " copies are quarantined");
  if (summary.failed_moves > 0)
    say(std::to_string(summary.failed_moves) + " moves failed: holdfast moves");
  for (const SeenMedium& medium : media)
    if (medium.is_own && medium.state() != MediumState::kOnline)
      say("the " + std::string(holdfast::word(medium.row.tier)) + " medium at " + medium.path +
          " is " + std::string(holdfast::word(medium.state())) +
          (medium.sight.is_online() ? "" : ": " + medium.sight.problem));
  return list;
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

json::object move_view(const MoveRow& move, const std::vector<MediumRow>& media,
                       const std::optional<PackRow>& pack) {
  const auto name = [&](const MediumId& id) {
    for (const MediumRow& medium : media)
      if (medium.medium == id) return medium.name;
    return id.text();
  };
  return {
      {"move_no", move.move_no},
      {"pack_id", move.pack.text()},
      {"from", name(move.from)},
      {"to", name(move.to)},
      {"state", holdfast::word(move.state)},
      {"attempts", move.attempts},
      {"not_before", move.not_before ? json::value(json::string(to_iso(*move.not_before)))
                                     : json::value(nullptr)},
      {"error", move.error.empty() ? json::value(nullptr) : json::value(json::string(move.error))},
      {"members", pack ? pack->members : 0},
      {"bytes", pack ? pack->bytes.count : 0},
      {"created_at", to_iso(move.created_at)},
      {"updated_at", to_iso(move.updated_at)}};
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
  };
  with_worker<Seen>(
      call,
      [archive = call->services.archive](Io& io) -> Result<Seen> {
        Seen seen;
        {
          HOLDFAST_ASSIGN(index, archive.index.take());
          HOLDFAST_ASSIGN(summary, status_summary(*index, std::nullopt));
          seen.summary = summary;
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
        body["attention"] = attention(summary, ledger->state, seen->media);
        body["tiers"] = tiers_view(summary, seen->media);
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

void list_moves_call(CallPtr call) {
  const auto limit = static_cast<size_t>(call->query_integer("limit").value_or(100));
  std::optional<MoveState> state;
  if (const auto text = call->query("state"))
    for (MoveState one :
         {MoveState::kPlanned, MoveState::kCopying, MoveState::kCopied, MoveState::kVerified,
          MoveState::kSwitched, MoveState::kReleased, MoveState::kFailed})
      if (holdfast::word(one) == *text) state = one;
  std::optional<int64_t> after;
  if (const auto text = call->query("cursor")) {
    const std::optional<Cursor> cursor = read_cursor(*text);
    if (!cursor || !cursor->b.empty())
      return call->fail(Error{Code::kInvalid, "\"cursor\" must be a next_cursor of this listing"});
    after = cursor->a;
  }
  // One more row tells whether there is another page.
  auto rows = list_moves(call->index(), state, after, static_cast<int>(limit) + 1);
  if (!rows.ok()) return call->fail(rows.error());
  json::object body{{"items", nullptr}, {"next_cursor", nullptr}};
  if (rows->size() > limit) {
    rows->resize(limit);
    body["next_cursor"] = make_cursor(rows->back().move_no, "");
  }
  auto media = list_media(call->index());
  if (!media.ok()) return call->fail(media.error());
  json::array items;
  for (const MoveRow& row : *rows) {
    auto pack = find_pack(call->index(), row.pack);
    if (!pack.ok()) return call->fail(pack.error());
    items.push_back(move_view(row, *media, *pack));
  }
  body["items"] = std::move(items);
  call->answer(200, std::move(body));
}

void run_moves(CallPtr call) {
  call->services.run_policy_now();
  call->answer(202, json::object{{"status", "started"}});
}

// A dry run: what gather and plan_steps say, and nothing else.
void plan_call(CallPtr call) {
  const UnixMillis now = call->services.archive.clock.now();
  const UnixMillis until = call->query_time("at").value_or(now);
  with_worker<json::object>(
      call,
      [archive = call->services.archive, now, until](Io& io) -> Result<json::object> {
        HOLDFAST_ASSIGN(index, archive.index.take());
        HOLDFAST_ASSIGN(rows, gather_due_rows(io, archive, *index, until));
        json::array steps;
        for (const PlannedStep& step : plan_steps(rows.input, archive.policy, until)) {
          json::object view{{"what", holdfast::word(step.kind)},
                            {"when", to_iso(step.when)},
                            {"why", step.why},
                            {"bytes", step.bytes.count},
                            {"call_sid", nullptr},
                            {"pack_id", nullptr}};
          if (step.recording) {
            HOLDFAST_ASSIGN(recording, find_recording_row(*index, *step.recording));
            if (recording) view["call_sid"] = recording->call_sid;
          }
          if (step.pack && step.pack->existing) view["pack_id"] = step.pack->existing->text();
          steps.push_back(std::move(view));
        }
        return json::object{
            {"now", to_iso(now)}, {"until", to_iso(until)}, {"steps", std::move(steps)}};
      },
      [](const CallPtr& done, Result<json::object> body) {
        if (!body.ok()) return done->fail(body.error());
        done->answer(200, *std::move(body));
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
          items.push_back(json::object{{"workspace_id", row.workspace.text()},
                                       {"slug", row.name},
                                       {"recordings", recordings},
                                       {"bytes", bytes}});
        }
        return items;
      },
      [](const CallPtr& done, Result<json::array> items) {
        if (!items.ok()) return done->fail(items.error());
        done->answer(200, json::object{{"items", *std::move(items)}});
      });
}

}  // namespace holdfast::api
