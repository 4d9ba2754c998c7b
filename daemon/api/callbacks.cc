// Callbacks: what waits to be told to others, and the secret by which they know that it is us.
#include "daemon/api/handlers.h"
#include "daemon/api/views.h"
#include "daemon/outbound/signature.h"
#include "index/commands/outbox.h"
#include "index/secrets.h"

namespace holdfast::api {
namespace {

json::object message_view(const MessageRow& row) {
  return {
      {"callback_id", row.message.text()},
      {"event", row.event},
      {"url", row.url},
      {"state", row.parked_at ? "parked" : "waiting"},
      {"attempts", row.attempts},
      {"error", row.error.empty() ? json::value(nullptr) : json::value(json::string(row.error))},
      {"created_at", to_iso(row.created_at)},
      {"not_before",
       row.parked_at ? json::value(nullptr) : json::value(json::string(to_iso(row.not_before)))},
      {"parked_at", iso_or_null(row.parked_at)}};
}

// The parked messages that a body means: all of the workspace, or one.
Result<ParkedMessages> parked_of(const Call& call, const json::object& body) {
  ParkedMessages which;
  which.workspace_no = call.workspace->workspace_no;
  HOLDFAST_ASSIGN(id, find_string(body, "callback_id"));
  if (!id) return which;
  auto message = MessageId::from_text(*id);
  if (!message.ok()) return message.error().within("\"callback_id\"");
  which.message = *message;
  return which;
}

void change_parked(CallPtr call, Command<int64_t> (*change)(ParkedMessages)) {
  with_json_body(std::move(call), [change](const CallPtr& caller, const json::object& body) {
    auto which = parked_of(*caller, body);
    if (!which.ok()) return caller->fail(which.error());
    with_command(caller, change(*which), [](const CallPtr& done, int64_t count) {
      done->answer(200, json::object{{"count", count}});
    });
  });
}

// Whoever is shown the secret can speak in the archive's name: that is told first.
void answer_secret(const CallPtr& call) {
  auto secrets = webhook_secrets(call->index(), call->workspace->workspace_no,
                                 call->services.archive.clock.now());
  if (!secrets.ok()) return call->fail(secrets.error());
  json::array items;
  for (const WebhookSecret& secret : *secrets)
    items.push_back(json::object{{"number", secret.number},
                                 {"secret", outbound::secret_text(secret.secret)},
                                 {"created_at", to_iso(secret.created_at)},
                                 {"signs_until", iso_or_null(secret.signs_until)}});
  LineDraft line{"list", call->actor.who, std::nullopt, {}, Weight::kNeutral};
  line.details = {{"what", "webhook-secret"},
                  {"workspace", call->workspace->workspace.text()},
                  {"count", static_cast<int64_t>(items.size())}};
  http::Response response = http::json_response(200, json::object{{"items", std::move(items)}});
  response.headers.set("cache-control", "no-store");
  with_audit(call, std::move(line),
             [response](const CallPtr& audited) { audited->answer(response); });
}

}  // namespace

void list_callbacks_call(CallPtr call) {
  MessageFilter filter;
  filter.workspace_no = call->workspace->workspace_no;
  filter.parked_only = call->query_bool("parked").value_or(false);
  const auto limit = static_cast<size_t>(call->query_integer("limit").value_or(100));
  if (const auto text = call->query("cursor")) {
    const std::optional<Cursor> cursor = read_cursor(*text);
    if (!cursor || !cursor->b.empty())
      return call->fail(Error{Code::kInvalid, "\"cursor\" must be a next_cursor of this listing"});
    filter.before = cursor->a;
  }
  // One more row tells whether there is another page.
  auto rows = list_messages(call->index(), filter, static_cast<int>(limit) + 1);
  if (!rows.ok()) return call->fail(rows.error());
  json::object page{{"items", nullptr}, {"next_cursor", nullptr}};
  if (rows->size() > limit) {
    rows->resize(limit);
    page["next_cursor"] = make_cursor(rows->back().message_no, "");
  }
  json::array items;
  for (const MessageRow& row : *rows) items.push_back(message_view(row));
  page["items"] = std::move(items);
  call->answer(200, std::move(page));
}

void retry_callbacks_call(CallPtr call) { change_parked(std::move(call), &retry_messages); }
void drop_callbacks_call(CallPtr call) { change_parked(std::move(call), &drop_messages); }

void show_webhook_secret_call(CallPtr call) {
  with_command(call, ensure_webhook_secret(call->workspace->workspace_no, call->actor.who),
               [](const CallPtr& done, int64_t) { answer_secret(done); });
}

void rotate_webhook_secret_call(CallPtr call) {
  with_command(call, rotate_webhook_secret(call->workspace->workspace_no, call->actor.who),
               [](const CallPtr& done, int64_t) { answer_secret(done); });
}

}  // namespace holdfast::api
