#include "index/commands/restores.h"
#include "base/limits.h"
#include "base/time_text.h"
#include "daemon/api/event_streams.h"
#include "daemon/api/handlers.h"
#include "daemon/api/links.h"
#include "daemon/api/restoring.h"
#include "daemon/api/views.h"
#include "daemon/work/file_reader.h"
#include "daemon/work/recall_queue.h"
#include "index/read/recordings.h"
#include "index/read/restores.h"

namespace holdfast::api {
namespace {

// Where the bytes come from: the slowest of the parts that are not readable now.
Tier archived_tier(const Archive& archive, const Recording& recording) {
  Tier tier = Tier::kWarm;
  for (const PartRow& part : recording.part_rows) {
    if (readable_place(archive, recording, part.part)) continue;
    const CopyRow* copy = best_pack_copy(recording, part.part);
    if (copy != nullptr && copy->tier == Tier::kCold) tier = Tier::kCold;
  }
  return tier;
}

// Whether the recording can be read by now. An error of the index is told by who reads next.
bool is_back(Call& call, RecordingNo number) {
  auto found = find_recording(call.index(), number);
  return found.ok() && *found && is_available(call.services.archive, **found);
}

// The contract's body; the links are added by those who mint them.
Result<json::object> restoring_body(Call& call, const Recording& recording,
                                    const std::optional<RestoreRow>& restore,
                                    int64_t& retry_after) {
  RestoreEstimate estimate;
  RecallForecast& forecast = call.services.forecast;
  if (restore) {
    HOLDFAST_ASSIGN(of_restore, forecast.of(*restore));
    estimate = of_restore;
  } else {
    HOLDFAST_ASSIGN(if_asked, forecast.if_asked(recording));
    estimate = if_asked;
  }
  const UnixMillis ready = call.services.archive.clock.now() + seconds(estimate.median_seconds);
  retry_after = std::max<int64_t>(1, estimate.median_seconds);
  json::object body;
  body["call_sid"] = recording.call_sid;
  body["status"] = "restoring";
  body["tier"] = holdfast::word(archived_tier(call.services.archive, recording));
  body["restore_id"] =
      restore ? json::value(json::string(restore->restore.text())) : json::value(nullptr);
  body["estimated_seconds"] = estimate.median_seconds;
  body["estimated_seconds_p95"] = estimate.p95_seconds;
  body["estimated_ready_at"] = to_iso(ready);
  body["position"] = estimate.position;
  add_links(body, recording, {});
  return body;
}

void answer_restoring(Call& call, json::object body, int64_t retry_after) {
  http::Response response = http::json_response(202, std::move(body));
  response.headers.set("retry-after", std::to_string(retry_after));
  response.headers.set("cache-control", "no-store");
  call.answer(std::move(response));
}

// 202 with restore links: good for their full hour from when the recording is back.
void answer_with_links(CallPtr call, const Recording& recording, const RestoreRow& restore) {
  int64_t retry_after = 1;
  auto body = restoring_body(*call, recording, restore, retry_after);
  if (!body.ok()) return call->fail(body.error());
  LinkTerms terms;
  terms.expires_at = call->services.archive.clock.now() + seconds(limits::kRestoreLinkCapSeconds);
  terms.restore = restore.restore;
  terms.restore_ttl = link_life(*call);
  with_minted_links(call, recording, terms,
                    [recording, retry_after, body = *std::move(body)](
                        const CallPtr& minted, const std::vector<MintedLink>& links) mutable {
                      add_links(body, recording, links);
                      answer_restoring(*minted, std::move(body), retry_after);
                    });
}

// `Prefer: wait=N`: looks again whenever something changed, until the time is up.
class RestoreWaiter : public std::enable_shared_from_this<RestoreWaiter> {
 public:
  RestoreWaiter(CallPtr call, Recording recording, RestoreId restore,
                std::function<void(CallPtr)> when_back)
      : call_(std::move(call)),
        recording_(std::move(recording)),
        restore_(restore),
        when_back_(std::move(when_back)) {}

  void start(int64_t wait_seconds) {
    auto self = shared_from_this();
    timer_ = call_->services.loop.after(seconds(wait_seconds), [self] { self->finish(); });
    listen();
  }

 private:
  void listen() {
    auto self = shared_from_this();
    Loop& loop = call_->services.loop;
    waiting_ = call_->services.archive.changes.wait(
        [self, &loop] { loop.post([self] { self->look(); }); });
    look_now();
  }

  void look() {
    if (done_) return;
    if (call_->services.archive.changes.is_closed()) return finish();
    listen();
  }

  void look_now() {
    auto found = find_restore(call_->index(), restore_);
    const bool over =
        !found.ok() || !*found ||
        ((*found)->state != RestoreState::kQueued && (*found)->state != RestoreState::kRecalling);
    if (over) finish();
  }

  void finish() {
    if (std::exchange(done_, true)) return;
    call_->services.archive.changes.cancel(waiting_);
    timer_.reset();
    auto found = find_restore(call_->index(), restore_);
    if (!found.ok()) return call_->fail(found.error());
    if (!*found) return call_->fail(Error{Code::kNotFound, "the restore is gone"});
    if ((*found)->state == RestoreState::kStaged && is_back(*call_, recording_.recording_no))
      return when_back_(call_);
    if ((*found)->state == RestoreState::kFailed)
      return call_->fail(
          Error{Code::kCorrupt, "the recording could not be restored: " + (*found)->error});
    answer_with_links(call_, recording_, **found);
  }

  CallPtr call_;
  Recording recording_;
  RestoreId restore_;
  std::function<void(CallPtr)> when_back_;
  Timer timer_;
  int64_t waiting_ = 0;
  bool done_ = false;
};

}  // namespace

void report_archived(CallPtr call, const Recording& recording,
                     const std::optional<RestoreRow>& restore) {
  int64_t retry_after = 1;
  auto body = restoring_body(*call, recording, restore, retry_after);
  if (!body.ok()) return call->fail(body.error());
  answer_restoring(*call, *std::move(body), retry_after);
}

RequestRestore restore_request(const Call& call, RecordingNo recording, const RestoreWish& wish) {
  const Archive& archive = call.services.archive;
  RequestRestore request;
  request.recording = recording;
  request.restore = archive.random.id<RestoreId>();
  request.who = call.actor.who;
  if (!call.actor.is_operator) request.budget_per_hour = archive.config().recalls_per_key_hour;
  request.priority = wish.priority;
  request.keep =
      wish.keep.count > 0 ? wish.keep : archive.config().keep_default_of(call.workspace->workspace);
  request.callback_url = wish.callback_url;
  return request;
}

Result<RestoreWish> restore_wish(const json::object& body, const outbound::Rules& rules) {
  RestoreWish wish;
  HOLDFAST_ASSIGN(priority, find_string(body, "tier"));
  HOLDFAST_ASSIGN(keep_hours, find_number(body, "keep_hours"));
  HOLDFAST_ASSIGN(callback_url, find_string(body, "callback_url"));
  if (callback_url) {
    auto target = outbound::check_url(*callback_url, rules);
    if (!target.ok()) return target.error().within("\"callback_url\"");
    wish.callback_url = *callback_url;
  }
  if (priority) {
    HOLDFAST_ASSIGN(value, priority_from(*priority));
    wish.priority = value;
  }
  if (keep_hours && !(*keep_hours > 0 && *keep_hours <= 24 * 365))
    return Error{Code::kInvalid, "\"keep_hours\" must be more than 0 and at most 8760"};
  if (keep_hours) wish.keep = Millis(static_cast<int64_t>(*keep_hours * 3'600'000));
  return wish;
}

namespace {

// The mount shows when a restore will be ready, and others wait for its end.
void tell_of(const Call& call, const RestoreRow& restore) {
  const Result<std::optional<RecordingRow>> found =
      find_recording_row(call.services.index, restore.recording_no);
  if (!found.ok() || !*found) return;  // gone, and told so
  const RecordingRow& row = **found;
  call.services.archive.changes.publish(
      {Change::Kind::kChanged, row.recording_no, row.workspace, row.day, row.call_sid});
}

}  // namespace

void start_restore(CallPtr call, Recording recording, RestoreWish wish,
                   std::function<void(CallPtr)> when_back) {
  with_command(
      call, request_restore(restore_request(*call, recording.recording_no, wish)),
      [recording, when_back](const CallPtr& asked, const RestoreOutcome& outcome) {
        // Joined one that is staged: its links may have had their hour, and nothing is waited for.
        if (outcome.restore.state == RestoreState::kStaged &&
            is_back(*asked, recording.recording_no))
          return when_back(asked);
        if (!outcome.joined) tell_of(*asked, outcome.restore);
        asked->services.wake_restorers();
        const int64_t wait =
            std::min(http::preferred_wait_seconds(asked->request()), limits::kPreferWaitSecondsMax);
        if (wait > 0) {
          std::make_shared<RestoreWaiter>(asked, recording, outcome.restore.restore, when_back)
              ->start(wait);
          return;
        }
        answer_with_links(asked, recording, outcome.restore);
      });
}

namespace {

// To who asked for a restore: links of the usual life.
void answer_back(CallPtr call) {
  std::optional<Recording> recording = need_recording(*call);
  if (recording) answer_urls(call, *recording, link_life(*call), false);
}

}  // namespace

void request_restore_call(CallPtr call) {
  with_json_body(std::move(call), [](const CallPtr& caller, const json::object& body) {
    auto wish = restore_wish(body, caller->services.archive.config().outbound);
    if (!wish.ok()) return caller->fail(wish.error());
    std::optional<Recording> recording = need_recording(*caller);
    if (!recording) return;
    const bool staged = recording->restore && recording->restore->state == RestoreState::kStaged;
    // A staged one is joined too: the longest keep wins.
    if (is_available(caller->services.archive, *recording) && !staged) return answer_back(caller);
    start_restore(caller, *std::move(recording), *wish, answer_back);
  });
}

namespace {

// The restore that the path names, or nothing: the call was answered.
std::optional<RestoreRow> need_restore(Call& call) {
  const Result<RestoreId> id = RestoreId::from_text(call.named("restore_id"));
  auto found = find_restore(call.index(), *id);
  if (!found.ok()) {
    call.fail(found.error());
    return std::nullopt;
  }
  if (!*found || (*found)->workspace != call.workspace->workspace) {
    call.fail(Error{Code::kNotFound, "there is no such restore in this workspace"});
    return std::nullopt;
  }
  return *std::move(found);
}

// The caller's own wish, and how many others wait. Who they are is told to operators alone.
Status add_waiters(json::object& view, Call& call, const RestoreRow& restore) {
  HOLDFAST_ASSIGN(waiters, restore_waiters(call.index(), restore.restore));
  int64_t others = 0;
  json::array all;
  view["waiter"] = nullptr;
  for (const RestoreWaiterRow& waiter : waiters) {
    json::object one = waiter_view(waiter);
    if (waiter.who == call.actor.who)
      view["waiter"] = one;
    else
      others += waiter.state <= RestoreState::kStaged;
    one["who"] = waiter.who;
    all.push_back(std::move(one));
  }
  view["other_waiters"] = others;
  if (call.actor.is_operator) view["waiters"] = std::move(all);
  return {};
}

}  // namespace

void show_restore(CallPtr call) {
  const std::optional<RestoreRow> restore = need_restore(*call);
  if (!restore) return;
  auto view = restore_view(call->services.archive, call->services.forecast, *restore);
  if (!view.ok()) return call->fail(view.error());
  if (Status added = add_waiters(*view, *call, *restore); !added.ok())
    return call->fail(added.error());
  call->answer(200, *std::move(view));
}

void restore_events_call(CallPtr call) {
  const std::optional<RestoreRow> restore = need_restore(*call);
  if (!restore) return;
  Services& services = call->services;
  services.event_streams.open(
      call->actor.who,
      watch_restore(services.archive, services.index, services.forecast, restore->restore),
      call->exchange);
}

namespace {

// A listing names calls: it is told in the ledger as that of the recordings is (design.md, Two
// chains).
void answer_listing(const CallPtr& call, json::object page) {
  json::object filter;
  for (std::string_view name : {"state", "limit"})
    if (const auto value = call->query(name)) filter[name] = *value;
  LineDraft line{"list", call->actor.who, std::nullopt, {}, Weight::kNeutral};
  line.details = {{"what", "restores"},
                  {"workspace", call->workspace->workspace.text()},
                  {"filter", std::move(filter)},
                  {"count", static_cast<int64_t>(page.at("items").get_array().size())}};
  with_audit(call, std::move(line),
             [page = std::move(page)](const CallPtr& audited) { audited->answer(200, page); });
}

}  // namespace

void list_restores_call(CallPtr call) {
  std::optional<RestoreState> state;
  if (const auto text = call->query("state"))
    for (RestoreState one :
         {RestoreState::kQueued, RestoreState::kRecalling, RestoreState::kStaged,
          RestoreState::kExpired, RestoreState::kFailed, RestoreState::kCancelled})
      if (holdfast::word(one) == *text) state = one;
  const auto limit = static_cast<size_t>(call->query_integer("limit").value_or(100));
  std::optional<RestoreKey> after;
  if (const auto text = call->query("cursor")) {
    const std::optional<Cursor> cursor = read_cursor(*text);
    if (!cursor || cursor->b.empty() || cursor->b.size() > 18 ||
        cursor->b.find_first_not_of("0123456789") != std::string::npos)
      return call->fail(Error{Code::kInvalid, "\"cursor\" must be a next_cursor of this listing"});
    after = RestoreKey{UnixMillis(cursor->a), std::stoll(cursor->b)};
  }
  // Each one that waits counts the queue before it: a worker's, not the loop's.
  with_worker<json::object>(
      call,
      [archive = call->services.archive, workspace = call->workspace->workspace_no, state, after,
       limit](Io&) -> Result<json::object> {
        HOLDFAST_ASSIGN(index, archive.index.take());
        // One more row tells whether there is another page.
        HOLDFAST_ASSIGN(
            rows, list_restores(*index, workspace, state, after, static_cast<int>(limit) + 1));
        json::object page{{"items", nullptr}, {"next_cursor", nullptr}};
        if (rows.size() > limit) {
          rows.resize(limit);
          page["next_cursor"] =
              make_cursor(rows.back().requested_at.count, std::to_string(rows.back().restore_no));
        }
        RecallForecast forecast(archive, *index);
        json::array items;
        for (const RestoreRow& row : rows) {
          HOLDFAST_ASSIGN(view, restore_view(archive, forecast, row));
          items.push_back(std::move(view));
        }
        page["items"] = std::move(items);
        return page;
      },
      [](const CallPtr& done, Result<json::object> page) {
        if (!page.ok()) return done->fail(page.error());
        answer_listing(done, *std::move(page));
      });
}

void cancel_restore(CallPtr call) {
  const std::optional<RestoreRow> restore = need_restore(*call);
  if (!restore) return;
  with_command(call, cancel_waiter(restore->restore, call->actor.who),
               [restore](const CallPtr& done, bool cancelled) {
                 if (cancelled) tell_of(*done, *restore);
                 done->answer(200, json::object{{"cancelled", cancelled}});
               });
}

}  // namespace holdfast::api
