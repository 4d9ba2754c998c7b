// Moves between tiers: what is on its way, what the policy would do, and the operator's hand on it.
#include "index/commands/moves.h"
#include <charconv>

#include "base/limits.h"
#include "base/log.h"
#include "base/time_text.h"
#include "daemon/api/handlers.h"
#include "daemon/api/views.h"
#include "daemon/work/policy_input.h"
#include "index/commands/pauses.h"
#include "index/read/recordings.h"
#include "index/read/status.h"
#include "index/read/work.h"

namespace holdfast::api {
namespace {

// What a move that may be tried must wait for; a released source, and one that is to be, wait for
// nothing of the kind.
json::value waits_of(const Archive& archive, const MoveRow& move) {
  if (move.state == MoveState::kSwitched || move.state == MoveState::kReleased) return nullptr;
  const Edge edge =
      move.from == archive.standard_medium() ? Edge::kStandardToWarm : Edge::kWarmToCold;
  const std::optional<Closed> closed = archive.gate.closed(edge, archive.clock.now());
  return closed ? json::value(json::string(closed->why)) : json::value(nullptr);
}

Result<json::object> move_view(const Archive& archive, Database& index, const MoveRow& move) {
  HOLDFAST_ASSIGN(media, list_media(index));
  HOLDFAST_ASSIGN(pack, find_pack(index, move.pack));
  const auto name = [&](const MediumId& id) {
    for (const MediumRow& medium : media)
      if (medium.medium == id) return medium.name;
    return id.text();
  };
  return json::object{
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
      {"waits", waits_of(archive, move)},
      {"created_at", to_iso(move.created_at)},
      {"updated_at", to_iso(move.updated_at)}};
}

// What a step must wait for, though it is due; gathering and sealing wait for nothing, the copy
// that follows does.
std::optional<Closed> closed_to(const Gate& gate, StepKind kind, UnixMillis at) {
  const std::optional<Edge> edge = edge_of(kind);
  if (!edge || kind == StepKind::kAssignToPack) return std::nullopt;
  return gate.closed(*edge, at);
}

// The tier of a pause, or of its end; absent: everything.
Result<std::optional<Tier>> parse_scope(const json::object& body) {
  HOLDFAST_ASSIGN(text, find_string(body, "tier"));
  if (!text) return std::optional<Tier>();
  HOLDFAST_ASSIGN(tier, tier_from(*text));
  return std::optional<Tier>(tier);
}

void answer_pauses(const CallPtr& call, std::vector<PauseRow> pauses) {
  call->answer(200, json::object{{"pauses", pauses_view(pauses)}});
  call->services.archive.gate.set_pauses(std::move(pauses));
  call->services.run_policy_now();
}

}  // namespace

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
  auto rows = list_moves(call->index(), state, after, static_cast<int>(limit) + 1,
                         call->query_bool("failed").value_or(false));
  if (!rows.ok()) return call->fail(rows.error());
  json::object body{{"items", nullptr}, {"next_cursor", nullptr}};
  if (rows->size() > limit) {
    rows->resize(limit);
    body["next_cursor"] = make_cursor(rows->back().move_no, "");
  }
  json::array items;
  for (const MoveRow& row : *rows) {
    auto view = move_view(call->services.archive, call->index(), row);
    if (!view.ok()) return call->fail(view.error());
    items.push_back(*std::move(view));
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
        for (const PlannedStep& step : plan_steps(rows.input, archive.policy(), until)) {
          json::object view{{"what", holdfast::word(step.kind)},
                            {"when", to_iso(step.when)},
                            {"why", step.why},
                            {"bytes", step.bytes.count},
                            {"call_sid", nullptr},
                            {"pack_id", nullptr},
                            {"waits", nullptr}};
          if (auto closed = closed_to(archive.gate, step.kind, until)) view["waits"] = closed->why;
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

// A person asks for the next try of one move now.
void retry_move_call(CallPtr call) {
  int64_t move_no = 0;
  const std::string& text = call->named("move_no");
  std::from_chars(text.data(), text.data() + text.size(), move_no);
  with_command(call, retry_move(move_no), [](const CallPtr& done, const MoveRow& move) {
    done->services.run_policy_now();
    auto view = move_view(done->services.archive, done->index(), move);
    if (!view.ok()) return done->fail(view.error());
    done->answer(200, *std::move(view));
  });
}

void retry_moves_call(CallPtr call) {
  with_command(call, retry_failed_moves(), [](const CallPtr& done, int64_t count) {
    done->services.run_policy_now();
    done->answer(200, json::object{{"retried", count}});
  });
}

void pause_moves_call(CallPtr call) {
  with_json_body(std::move(call), [](const CallPtr& caller, const json::object& body) {
    auto tier = parse_scope(body);
    if (!tier.ok()) return caller->fail(tier.error());
    auto reason = find_string(body, "reason");
    if (!reason.ok()) return caller->fail(reason.error());
    if (reason->value_or("").size() > limits::kReasonBytesMax)
      return caller->fail(Error{Code::kInvalid, "\"reason\" must have at most 4000 bytes"});
    with_command(caller, pause_moves(*tier, reason->value_or(""), caller->actor.who),
                 answer_pauses);
  });
}

// A person knows better: what is suspended is asked again, too.
void resume_moves_call(CallPtr call) {
  with_json_body(std::move(call), [](const CallPtr& caller, const json::object& body) {
    auto tier = parse_scope(body);
    if (!tier.ok()) return caller->fail(tier.error());
    for (Tier one : {Tier::kWarm, Tier::kCold})
      if ((!*tier || **tier == one) && caller->services.archive.gate.health(one).resume())
        log::info("{} resumes the {} medium", caller->actor.who, word(one));
    with_command(caller, resume_moves(*tier, caller->actor.who), answer_pauses);
  });
}

}  // namespace holdfast::api
