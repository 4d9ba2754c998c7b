// What operators look at and start: health, status, moves, the plan, media.
#include <sys/statvfs.h>

#include <array>

#include "base/limits.h"
#include "base/time_text.h"
#include "daemon/api/handlers.h"
#include "daemon/api/views.h"
#include "daemon/work/policy_input.h"
#include "index/commands/media.h"
#include "index/read/recordings.h"
#include "index/read/status.h"
#include "index/read/work.h"
#include "ledger/ledger.h"
#include "tiers/label.h"

namespace holdfast::api {
namespace {

struct Space {
  json::value free_bytes = nullptr;
  json::value total_bytes = nullptr;
};

constexpr Tier kTiers[] = {Tier::kStandard, Tier::kWarm, Tier::kCold};
using Spaces = std::array<Space, std::size(kTiers)>;

// Of the file system at `path`; nulls when it is not there.
Space space_of(const std::string& path) {
  struct statvfs status {};
  if (path.empty() || ::statvfs(path.c_str(), &status) != 0) return {};
  const auto block = static_cast<int64_t>(status.f_frsize);
  return {static_cast<int64_t>(status.f_bavail) * block,
          static_cast<int64_t>(status.f_blocks) * block};
}

std::string path_of(const Config& config, Tier tier) {
  if (tier == Tier::kStandard) return config.standard.path;
  if (tier == Tier::kWarm) return config.warm.path;
  return config.cold ? config.cold->path : "";
}

std::string_view word(LedgerState state) {
  switch (state) {
    case LedgerState::kReady:
      return "in step";
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
json::array attention(const StatusSummary& summary, LedgerState ledger, const json::array& tiers) {
  json::array list;
  const auto say = [&](const std::string& text) { list.emplace_back(text); };
  if (ledger != LedgerState::kReady)
    say("the ledger and its mirror are not in step (" + std::string(word(ledger)) +
        "): releases and destructions are refused");
  if (summary.quarantined > 0) say(std::to_string(summary.quarantined) + " copies are quarantined");
  if (summary.failed_moves > 0)
    say(std::to_string(summary.failed_moves) + " moves failed: holdfast moves");
  for (const json::value& tier : tiers)
    if (tier.at("medium_state") != "online" && tier.at("medium_state") != "none")
      say("the " + std::string(tier.at("tier").get_string()) + " medium is " +
          std::string(tier.at("medium_state").get_string()));
  return list;
}

// May wait for a file system that hangs: on a worker.
Spaces spaces_of(const Config& config) {
  Spaces spaces;
  for (Tier tier : kTiers) spaces[static_cast<size_t>(tier)] = space_of(path_of(config, tier));
  return spaces;
}

json::array tiers_view(const Spaces& spaces, const StatusSummary& summary,
                       const std::vector<MediumRow>& media) {
  json::array tiers;
  for (Tier tier : kTiers) {
    const TierTally& tally = summary.tiers[static_cast<size_t>(tier)];
    const Space& space = spaces[static_cast<size_t>(tier)];
    json::object view{{"tier", holdfast::word(tier)},    {"recordings", tally.recordings},
                      {"bytes", tally.bytes.count},      {"medium", nullptr},
                      {"medium_state", "none"},          {"free_bytes", space.free_bytes},
                      {"total_bytes", space.total_bytes}};
    for (const MediumRow& medium : media) {
      if (medium.tier != tier) continue;
      view["medium"] = medium.name;
      view["medium_state"] = space.total_bytes.is_null() ? "offline" : holdfast::word(medium.state);
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
      {"not_before", move.not_before.count > 0 ? json::value(json::string(to_iso(move.not_before)))
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
  auto summary = status_summary(call->index(), std::nullopt);
  if (!summary.ok()) return call->fail(summary.error());
  auto media = list_media(call->index());
  if (!media.ok()) return call->fail(media.error());
  using Seen = std::pair<std::shared_ptr<LedgerView>, Spaces>;
  with_worker<Seen>(
      call,
      [archive = call->services.archive](Io&) -> Result<Seen> {
        HOLDFAST_ASSIGN(view, archive.writer.view_ledger());
        return Seen(std::make_shared<LedgerView>(std::move(view)), spaces_of(archive.config));
      },
      [summary = *summary, media = *media](const CallPtr& done, Result<Seen> seen) {
        if (!seen.ok()) return done->fail(seen.error());
        const Archive& archive = done->services.archive;
        const std::shared_ptr<LedgerView> ledger = seen->first;
        json::array tiers = tiers_view(seen->second, summary, media);
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
        body["attention"] = attention(summary, ledger->state, tiers);
        body["tiers"] = std::move(tiers);
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
  // The state is looked for among as many as a page may have, not only among the newest few.
  auto rows = list_moves(call->index(), limits::kPageItemsMax);
  if (!rows.ok()) return call->fail(rows.error());
  auto media = list_media(call->index());
  if (!media.ok()) return call->fail(media.error());
  const std::optional<std::string> state = call->query("state");
  json::array items;
  for (const MoveRow& row : *rows) {
    if (items.size() == limit) break;
    if (state && holdfast::word(row.state) != *state) continue;
    auto pack = find_pack(call->index(), row.pack);
    if (!pack.ok()) return call->fail(pack.error());
    items.push_back(move_view(row, *media, *pack));
  }
  call->answer(200, json::object{{"items", std::move(items)}, {"next_cursor", nullptr}});
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
      [archive = call->services.archive, now, until](Io&) -> Result<json::object> {
        HOLDFAST_ASSIGN(index, archive.index.take());
        HOLDFAST_ASSIGN(rows, gather_due_rows(archive, *index, until));
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

void list_media_call(CallPtr call) {
  auto media = list_media(call->index());
  if (!media.ok()) return call->fail(media.error());
  with_worker<Spaces>(
      call, [archive = call->services.archive](Io&) { return Result(spaces_of(archive.config)); },
      [media = *media](const CallPtr& done, Result<Spaces> spaces) {
        if (!spaces.ok()) return done->fail(spaces.error());
        json::array items;
        for (const MediumRow& medium : media) {
          const Space& space = (*spaces)[static_cast<size_t>(medium.tier)];
          items.push_back(json::object{
              {"medium_id", medium.medium.text()},
              {"name", medium.name},
              {"kind", medium.kind},
              {"tier", holdfast::word(medium.tier)},
              {"path", path_of(done->services.archive.config, medium.tier)},
              {"state", space.total_bytes.is_null() ? "offline" : holdfast::word(medium.state)},
              {"free_bytes", space.free_bytes},
              {"total_bytes", space.total_bytes},
              {"registered_at", to_iso(medium.registered_at)}});
        }
        done->answer(200, json::object{{"items", std::move(items)}});
      });
}

// Labels an existing directory for this archive: `holdfast medium init`.
void init_medium(CallPtr call) {
  with_json_body(std::move(call), [](const CallPtr& caller, const json::object& body) {
    MediumRow row;
    std::string path;
    const auto parse = [&]() -> Status {
      HOLDFAST_ASSIGN(kind, need_string(body, "kind"));
      HOLDFAST_ASSIGN(tier, need_string(body, "tier"));
      HOLDFAST_ASSIGN(name, need_string(body, "name"));
      HOLDFAST_ASSIGN(where, need_string(body, "path"));
      HOLDFAST_ASSIGN(value, tier_from(tier));
      if (kind != "disk" && kind != "pack" && kind != "vault")
        return Error{Code::kInvalid, "\"kind\" must be disk, pack or vault"};
      if (name.empty() || name.size() > 64)
        return Error{Code::kInvalid, "\"name\" must have 1 to 64 bytes"};
      if (where.empty() || where.front() != '/')
        return Error{Code::kInvalid, "\"path\" must be absolute"};
      row.medium = caller->services.archive.random.id<MediumId>();
      row.kind = kind;
      row.tier = value;
      row.name = name;
      path = where;
      return {};
    };
    if (Status parsed = parse(); !parsed.ok()) return caller->fail(parsed.error());
    with_worker<MediumRow>(
        caller,
        [archive = caller->services.archive, row, path,
         who = caller->actor.who](Io& io) -> Result<MediumRow> {
          HOLDFAST_TRY(init_label(
              io, path, Label{archive.id, row.medium, row.name, row.kind, archive.clock.now()}));
          return archive.writer.call(register_medium(row, who));
        },
        [path](const CallPtr& done, Result<MediumRow> made) {
          if (!made.ok()) return done->fail(made.error());
          done->answer(201, json::object{{"medium_id", made->medium.text()},
                                         {"name", made->name},
                                         {"kind", made->kind},
                                         {"tier", holdfast::word(made->tier)},
                                         {"path", path}});
        });
  });
}

void list_workspaces_call(CallPtr call) {
  auto rows = list_workspaces(call->index());
  if (!rows.ok()) return call->fail(rows.error());
  json::array items;
  for (const WorkspaceRow& row : *rows) {
    auto summary = status_summary(call->index(), row.workspace_no);
    if (!summary.ok()) return call->fail(summary.error());
    int64_t recordings = 0;
    int64_t bytes = 0;
    for (const TierTally& tally : summary->tiers) {
      recordings += tally.recordings;
      bytes += tally.bytes.count;
    }
    items.push_back(json::object{{"workspace_id", row.workspace.text()},
                                 {"slug", row.name},
                                 {"recordings", recordings},
                                 {"bytes", bytes}});
  }
  call->answer(200, json::object{{"items", std::move(items)}});
}

}  // namespace holdfast::api
