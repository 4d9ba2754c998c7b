// Many recordings asked back by one request: a list of calls, or what a query finds.
//
//   looked up (a worker) → asked for (commands of limits::kBulkRestoreChunk each)
//     → told (a worker: estimates, and what had changed meanwhile) → audited → answered
//
// Every recording has its own outcome; one that is refused keeps none of the others back. What a
// query finds is one page of the listing, at most limits::kBulkRestoreMax recordings, and
// `next_cursor` goes on where it ended.
#include <algorithm>
#include <set>

#include "base/limits.h"
#include "base/time_text.h"
#include "daemon/api/handlers.h"
#include "daemon/api/listing_query.h"
#include "daemon/api/restoring.h"
#include "daemon/api/views.h"
#include "daemon/work/file_reader.h"
#include "index/read/listing.h"
#include "index/read/recordings.h"
#include "index/read/restores.h"

namespace holdfast::api {
namespace {

// A line has room for these (limits::kLedgerLineBytesMax).
constexpr size_t kIdsPerLine = 400;

// One recording, from the look-up to the answer.
struct Item {
  std::string call_sid;
  std::string state;  // empty: not decided yet, it is to be asked for
  std::string error;
  std::optional<RecordingRow> recording;
  std::optional<RestoreRow> restore;
  bool joined = false;
};

struct Question {
  RestoreWish wish;
  std::vector<std::string> call_sids;
  std::optional<ListFilter> filter;  // or else these
  json::object told;                 // for the ledger
};

// Lists of wrong fields are answered as the parameters of a path are.
using Wrong = std::vector<http::FieldError>;

void read_calls(const json::value& value, Question& question, Wrong& wrong) {
  if (!value.is_array() || value.get_array().empty() ||
      value.get_array().size() > static_cast<size_t>(limits::kBulkRestoreMax)) {
    wrong.push_back({{"body", "call_sids"}, "must be 1 to 1000 call ids", "value_error", nullptr});
    return;
  }
  std::set<std::string> seen;
  const json::array& calls = value.get_array();
  for (size_t i = 0; i < calls.size(); ++i) {
    const bool is_text = calls[i].is_string();
    const std::string call_sid = is_text ? std::string(calls[i].get_string()) : "";
    if (!is_call_sid(call_sid))
      wrong.push_back({{"body", "call_sids", std::to_string(i)},
                       "must be 1 to 128 of A-Z a-z 0-9 . _ : - and not . or ..",
                       "value_error",
                       calls[i]});
    else if (seen.insert(call_sid).second)
      question.call_sids.push_back(call_sid);
  }
  question.told = {{"calls", static_cast<int64_t>(question.call_sids.size())}};
}

Status read_query(const Call& call, const json::object& body, Question& question, Wrong& wrong) {
  const json::value& value = body.at("query");
  if (!value.is_object()) {
    wrong.push_back({{"body", "query"}, "must be an object of filters", "value_error", value});
    return {};
  }
  const Filters filters = members_of(value.get_object(), wrong);
  if (!wrong.empty()) return {};
  HOLDFAST_ASSIGN(filter, filter_of(call.workspace->workspace_no, filters));
  HOLDFAST_ASSIGN(limit, find_integer(body, "limit"));
  HOLDFAST_ASSIGN(cursor, find_string(body, "cursor"));
  if (limit && (*limit < 1 || *limit > limits::kBulkRestoreMax))
    return Error{Code::kInvalid, "\"limit\" must be 1 to 1000"};
  filter.limit = static_cast<int>(limit.value_or(limits::kBulkRestoreMax));
  if (cursor) {
    HOLDFAST_ASSIGN(after, list_key(*cursor));
    filter.after = after;
  }
  question.told = {{"filter", told_filter(filters)}};
  question.filter = std::move(filter);
  return {};
}

Result<Question> read_question(const Call& call, const json::object& body, Wrong& wrong) {
  Question question;
  HOLDFAST_ASSIGN(wish, restore_wish(body, call.services.archive.config().outbound));
  question.wish = wish;
  const bool by_query = body.contains("query");
  if (by_query == body.contains("call_sids"))
    return Error{Code::kInvalid, "give either \"call_sids\" or \"query\""};
  if (!by_query && (body.contains("limit") || body.contains("cursor")))
    return Error{Code::kInvalid, "\"limit\" and \"cursor\" belong to a \"query\""};
  if (by_query)
    HOLDFAST_TRY(read_query(call, body, question, wrong));
  else
    read_calls(body.at("call_sids"), question, wrong);
  return question;
}

// What is known of a recording before anybody asks for it; no state: it is archived, or staged
// (then its keep may become longer).
void judge(const Archive& archive, const Recording& recording, Item& item) {
  item.recording = recording;
  if (recording.state == RecordingState::kDestroying ||
      recording.state == RecordingState::kUnlocated)
    item.state = holdfast::word(recording.state);
  else if (is_available(archive, recording) &&
           !(recording.restore && recording.restore->state == RestoreState::kStaged))
    item.state = "available";
  else
    item.state.clear();
}

struct Found {
  std::vector<Item> items;
  std::optional<ListKey> next;
};

Result<Found> look_up(const Archive& archive, WorkspaceNo workspace_no,
                      const WorkspaceId& workspace, const Question& question) {
  Found found;
  HOLDFAST_ASSIGN(index, archive.index.take());
  const auto add = [&](std::string call_sid, const std::optional<Recording>& recording) {
    Item item;
    item.call_sid = std::move(call_sid);
    if (recording)
      judge(archive, *recording, item);
    else
      item.state =
          archive.live_calls.contains({workspace, item.call_sid}) ? "not-ready" : "not-found";
    found.items.push_back(std::move(item));
  };
  for (const std::string& call_sid : question.call_sids) {
    HOLDFAST_ASSIGN(recording, find_recording(*index, workspace_no, call_sid));
    add(call_sid, recording);
  }
  if (!question.filter) return found;
  HOLDFAST_ASSIGN(page, list_recordings(*index, *question.filter));
  found.next = page.next;
  for (const RecordingRow& row : page.rows) {
    if (row.state == RecordingState::kDestroying) continue;  // as the listing does
    HOLDFAST_ASSIGN(recording, find_recording(*index, row.recording_no));
    add(row.call_sid, recording);
  }
  return found;
}

Result<json::object> view_of(const Archive& archive, RecallForecast& forecast, const Item& item) {
  json::object view{{"call_sid", item.call_sid},
                    {"state", item.state},
                    {"restore_id", nullptr},
                    {"tier", nullptr},
                    {"joined", item.joined},
                    {"estimated_seconds", nullptr},
                    {"estimated_seconds_p95", nullptr},
                    {"estimated_ready_at", nullptr},
                    {"position", nullptr},
                    {"error", nullptr}};
  if (!item.error.empty()) view["error"] = item.error;
  if (!item.restore) return view;
  HOLDFAST_ASSIGN(restore, restore_view(archive, forecast, *item.restore));
  for (std::string_view name : {"restore_id", "tier", "estimated_seconds", "estimated_seconds_p95",
                                "estimated_ready_at", "position"})
    view[name] = restore.at(name);
  return view;
}

// The items as they are told. One that was refused because it had changed since it was looked up
// is looked at again.
Result<json::object> told(const Archive& archive, std::vector<Item> items,
                          const std::optional<ListKey>& next) {
  HOLDFAST_ASSIGN(index, archive.index.take());
  RecallForecast forecast(archive, *index);
  json::array views;
  std::map<std::string, int64_t> states;
  for (Item& item : items) {
    if (item.state == "conflict") {
      HOLDFAST_ASSIGN(recording, find_recording(*index, item.recording->recording_no));
      if (recording) judge(archive, *recording, item);
      if (item.state.empty()) item.state = "conflict";
      if (item.state != "conflict") item.error.clear();
    }
    ++states[item.state];
    HOLDFAST_ASSIGN(view, view_of(archive, forecast, item));
    views.push_back(std::move(view));
  }
  json::object counts;
  for (const auto& [state, count] : states) counts[state] = count;
  json::object body{
      {"items", std::move(views)}, {"counts", std::move(counts)}, {"next_cursor", nullptr}};
  if (next) body["next_cursor"] = list_cursor(*next);
  return body;
}

// One request. Lives until it is answered.
class BulkRestore : public std::enable_shared_from_this<BulkRestore> {
 public:
  explicit BulkRestore(Question question) : question_(std::move(question)) {}

  void start(const CallPtr& call) {
    auto self = shared_from_this();
    with_worker<Found>(
        call,
        [self, archive = call->services.archive, workspace = *call->workspace](Io&) {
          return look_up(archive, workspace.workspace_no, workspace.workspace, self->question_);
        },
        [self](const CallPtr& caller, Result<Found> found) {
          if (!found.ok()) return caller->fail(found.error());
          self->items_ = std::move(found->items);
          self->next_ = found->next;
          self->ask(caller);
        });
  }

 private:
  // The next command of those that are to be asked for.
  void ask(const CallPtr& call) {
    std::vector<RequestRestore> requests;
    auto numbers = std::make_shared<std::vector<size_t>>();
    for (; asked_ < items_.size() && requests.size() < limits::kBulkRestoreChunk; ++asked_) {
      if (!items_[asked_].state.empty()) continue;
      requests.push_back(
          restore_request(*call, items_[asked_].recording->recording_no, question_.wish));
      numbers->push_back(asked_);
    }
    if (requests.empty()) return tell(call);
    auto self = shared_from_this();
    with_command(call, request_restores(std::move(requests)),
                 [self, numbers](const CallPtr& caller,
                                 const std::vector<Result<RestoreOutcome>>& outcomes) {
                   for (size_t i = 0; i < outcomes.size(); ++i)
                     self->take(self->items_[(*numbers)[i]], outcomes[i]);
                   self->ask(caller);
                 });
  }

  void take(Item& item, const Result<RestoreOutcome>& outcome) {
    if (outcome.ok()) {
      item.restore = outcome->restore;
      item.joined = outcome->joined;
      item.state = holdfast::word(outcome->restore.state);
      if (!outcome->joined)
        changes_.push_back({Change::Kind::kChanged, item.recording->recording_no,
                            item.recording->workspace, item.recording->day, item.call_sid});
      return;
    }
    item.error = outcome.error().message;
    item.state = outcome.error().code == Code::kExhausted  ? "over-budget"
                 : outcome.error().code == Code::kNotFound ? "not-found"
                                                           : "conflict";
  }

  void tell(const CallPtr& call) {
    if (!changes_.empty()) {
      call->services.archive.changes.publish(changes_);
      call->services.wake_restorers();
    }
    auto self = shared_from_this();
    with_worker<json::object>(
        call,
        [self, archive = call->services.archive](Io&) {
          return told(archive, self->items_, self->next_);
        },
        [self](const CallPtr& caller, Result<json::object> body) {
          if (!body.ok()) return caller->fail(body.error());
          self->body_ = *std::move(body);
          self->audit(caller, 0);
        });
  }

  // Which recordings were asked for, in as many lines as they need, and what was asked.
  void audit(const CallPtr& call, size_t first) {
    json::array asked;
    size_t next = first;
    for (; next < items_.size() && asked.size() < kIdsPerLine; ++next)
      if (items_[next].restore) asked.emplace_back(items_[next].recording->recording.text());
    LineDraft line{"restore.request", call->actor.who, std::nullopt, question_.told,
                   Weight::kNeutral};
    line.details["workspace"] = call->workspace->workspace.text();
    line.details["count"] = static_cast<int64_t>(items_.size());
    line.details["recordings"] = std::move(asked);
    auto self = shared_from_this();
    with_audit(call, std::move(line), [self, next](const CallPtr& audited) {
      if (next < self->items_.size()) return self->audit(audited, next);
      audited->answer(200, self->body_);
    });
  }

  const Question question_;
  std::vector<Item> items_;
  std::optional<ListKey> next_;
  size_t asked_ = 0;  // items before it were asked for, or need not be
  std::vector<Change> changes_;
  json::object body_;
};

}  // namespace

void request_restores_call(CallPtr call) {
  with_json_body(std::move(call), [](const CallPtr& caller, const json::object& body) {
    Wrong wrong;
    auto question = read_question(*caller, body, wrong);
    if (!question.ok()) return caller->fail(question.error());
    if (!wrong.empty()) return caller->answer(http::validation_response(wrong));
    std::make_shared<BulkRestore>(*std::move(question))->start(caller);
  });
}

}  // namespace holdfast::api
