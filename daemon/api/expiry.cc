#include "daemon/api/expiry.h"

#include <algorithm>

#include "base/limits.h"
#include "base/time_text.h"
#include "daemon/api/handlers.h"
#include "daemon/api/views.h"
#include "index/commands/clock.h"
#include "index/commands/expiry.h"
#include "index/read/status.h"

namespace holdfast::api {
namespace {

struct DryRun {
  ExpiryStanding standing;
  std::vector<ClassDue> classes;
  std::vector<RecordingRow> next;
  int64_t recordings = 0;  // that nobody has condemned
};

Result<DryRun> dry_run(const Archive& archive, Database& index, std::optional<UnixMillis> at,
                       int limit) {
  DryRun out;
  HOLDFAST_ASSIGN(standing, look_at_expiry(archive, index));
  out.standing = std::move(standing);
  const DueExpiry due{at.value_or(out.standing.certain), archive.config().expiry.not_before};
  HOLDFAST_ASSIGN(classes, due_by_class(index, due));
  HOLDFAST_ASSIGN(next, due_to_expire(index, due, limit));
  HOLDFAST_ASSIGN(summary, status_summary(index, std::nullopt));
  out.classes = std::move(classes);
  out.next = std::move(next);
  for (const TierTally& tally : summary.tiers)
    out.recordings += tally.recordings - tally.destroying;
  return out;
}

json::object dry_run_view(const Archive& archive, const DryRun& run) {
  const Config::Expiry& settings = archive.config().expiry;
  json::array classes;
  int64_t due = 0;
  int64_t bytes = 0;
  std::optional<UnixMillis> oldest;
  for (const ClassDue& one : run.classes) {
    due += one.recordings;
    bytes += one.bytes.count;
    oldest = oldest ? std::min(*oldest, one.oldest) : one.oldest;
    classes.push_back(json::object{{"class", one.name},
                                   {"recordings", one.recordings},
                                   {"bytes", one.bytes.count},
                                   {"oldest", to_iso(one.oldest)}});
  }
  json::array items;
  for (const RecordingRow& row : run.next)
    items.push_back(json::object{{"workspace_id", row.workspace.text()},
                                 {"call_sid", row.call_sid},
                                 {"recording_id", row.recording.text()},
                                 {"class", row.retention_class.value_or("")},
                                 {"expires_at", iso_or_null(row.expires_at)},
                                 {"bytes", row.bytes.count}});
  const ExpiryRow& breaker = run.standing.breaker;
  const ExpiryBreaker limits{settings.breaker_percent, settings.breaker_count};
  std::optional<UnixMillis> waits_until;
  if (run.standing.clock)
    waits_until =
        expiry_waits_until(*run.standing.clock, run.standing.certain, settings.not_before);
  return {{"enabled", settings.enabled},
          {"rate_per_hour", settings.rate_per_hour},
          {"waits_until", iso_or_null(waits_until)},
          {"clock", clock_view(archive, run.standing.clock)},
          {"due", due},
          {"bytes", bytes},
          {"oldest", iso_or_null(oldest)},
          {"classes", std::move(classes)},
          {"items", std::move(items)},
          {"breaker",
           json::object{{"open_since", iso_or_null(breaker.open_since)},
                        {"due_then", breaker.due},
                        {"expired_today", breaker.expired},
                        {"allowed_a_day", breaker_allows(limits, run.recordings + breaker.expired)},
                        {"accepted", breaker.accepted}}}};
}

// A reason of 1 to 4000 bytes; nothing: the call was answered.
std::optional<std::string> need_reason(const CallPtr& call, const json::object& body) {
  auto reason = need_string(body, "reason");
  if (reason.ok() && !reason->empty() && reason->size() <= limits::kReasonBytesMax) return *reason;
  call->fail(reason.ok() ? Error{Code::kInvalid, "\"reason\" must have 1 to 4000 bytes"}
                         : reason.error());
  return std::nullopt;
}

// Leave is given for what somebody has looked at, not for what has come since.
http::Response more_due(int64_t due, int64_t seen) {
  return http::problem_response(
      409, "more-due",
      std::to_string(due) + " recordings are due now, " + std::to_string(seen) +
          " were seen: look at them again (GET /v1/expiry, holdfast expire --dry-run)",
      json::object{{"due", due}, {"seen", seen}});
}

}  // namespace

Result<ExpiryStanding> look_at_expiry(const Archive& archive, Database& index) {
  ExpiryStanding standing;
  HOLDFAST_ASSIGN(clock, find_clock(index));
  HOLDFAST_ASSIGN(breaker, find_expiry(index));
  HOLDFAST_ASSIGN(certain, certain_time(index, archive.clock.now()));
  const DueExpiry due{certain, archive.config().expiry.not_before};
  HOLDFAST_ASSIGN(count, count_due_to_expire(index, due, limits::kExpiryCountMax));
  standing.clock = std::move(clock);
  standing.breaker = breaker;
  standing.certain = certain;
  standing.due = count;
  return standing;
}

json::object clock_view(const Archive& archive, const std::optional<ClockRow>& clock) {
  json::object view{{"time", nullptr},           {"system_time", to_iso(archive.clock.now())},
                    {"behind_seconds", nullptr}, {"kept_at", nullptr},
                    {"stopped_since", nullptr},  {"why", nullptr}};
  if (!clock) {
    view["why"] = "it was never set, or the archive was rebuilt without its ledger";
    return view;
  }
  const ComplianceState& state = clock->state;
  view["time"] = to_iso(state.now);
  view["behind_seconds"] = (state.system - state.now).count / 1000;
  view["kept_at"] = to_iso(state.system);
  view["stopped_since"] = iso_or_null(state.stopped_at);
  if (state.stopped_at) view["why"] = state.why;
  return view;
}

void show_clock_call(CallPtr call) {
  const auto clock = find_clock(call->index());
  if (!clock.ok()) return call->fail(clock.error());
  call->answer(200, clock_view(call->services.archive, *clock));
}

void accept_clock_call(CallPtr call) {
  with_json_body(std::move(call), [](const CallPtr& caller, const json::object& body) {
    const std::optional<std::string> reason = need_reason(caller, body);
    if (!reason) return;
    with_command(caller, accept_clock(*reason, caller->actor.who),
                 [](const CallPtr& done, const ClockRow& clock) {
                   done->services.run_expiry_now();
                   done->answer(200, clock_view(done->services.archive, clock));
                 });
  });
}

// It counts all that is due: on a worker.
void show_expiry_call(CallPtr call) {
  const int limit = static_cast<int>(call->query_integer("limit").value_or(100));
  with_worker<json::object>(
      call,
      [archive = call->services.archive, at = call->query_time("at"),
       limit](Io&) -> Result<json::object> {
        HOLDFAST_ASSIGN(index, archive.index.take());
        HOLDFAST_ASSIGN(run, dry_run(archive, *index, at, limit));
        return dry_run_view(archive, run);
      },
      [](const CallPtr& done, Result<json::object> view) {
        if (!view.ok()) return done->fail(view.error());
        done->answer(200, *std::move(view));
      });
}

void accept_expiry_call(CallPtr call) {
  with_json_body(std::move(call), [](const CallPtr& caller, const json::object& body) {
    const std::optional<std::string> reason = need_reason(caller, body);
    if (!reason) return;
    const auto seen = find_integer(body, "due");
    if (!seen.ok()) return caller->fail(seen.error());
    if (*seen && **seen < 0)
      return caller->fail(Error{Code::kInvalid, "\"due\" must be 0 or more"});
    // All that is due is counted: on a worker.
    with_worker<int64_t>(
        caller,
        [archive = caller->services.archive](Io&) -> Result<int64_t> {
          HOLDFAST_ASSIGN(index, archive.index.take());
          HOLDFAST_ASSIGN(certain, certain_time(*index, archive.clock.now()));
          const DueExpiry due{certain, archive.config().expiry.not_before};
          return count_due_to_expire(*index, due, INT64_MAX);
        },
        [reason = *reason, seen = *seen](const CallPtr& counted, Result<int64_t> due) {
          if (!due.ok()) return counted->fail(due.error());
          if (seen && *due > *seen) return counted->answer(more_due(*due, *seen));
          with_command(counted, accept_expiry(*due, reason, counted->actor.who),
                       [](const CallPtr& done, int64_t accepted) {
                         done->services.run_expiry_now();
                         done->answer(200, json::object{{"accepted", accepted}});
                       });
        });
  });
}

}  // namespace holdfast::api
