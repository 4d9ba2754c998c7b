// Retention: its classes, what new recordings are given, and what one recording is given.
#include "index/commands/retention.h"

#include "base/limits.h"
#include "base/time_text.h"
#include "daemon/api/handlers.h"
#include "daemon/api/locked.h"
#include "daemon/api/views.h"

namespace holdfast::api {
namespace {

json::object class_view(const RetentionClassRow& row) {
  return {{"name", row.name},
          {"version", row.version},
          {"keep", to_text(row.rule.period)},
          {"from", holdfast::word(row.rule.event)},
          {"mode", holdfast::word(row.rule.mode)},
          {"created_at", to_iso(row.created_at)},
          {"created_by", row.created_by}};
}

Result<SetRetentionClass> class_of(const json::object& body, const std::string& who) {
  SetRetentionClass wish;
  HOLDFAST_ASSIGN(name, need_string(body, "name"));
  HOLDFAST_ASSIGN(keep, need_string(body, "keep"));
  HOLDFAST_ASSIGN(period, parse_period(keep));
  HOLDFAST_ASSIGN(mode_word, need_string(body, "mode"));
  HOLDFAST_ASSIGN(mode, retention_mode_from(mode_word));
  HOLDFAST_ASSIGN(event_word, find_string(body, "from"));
  HOLDFAST_ASSIGN(event, retention_event_from(event_word.value_or("call-end")));
  wish.name = name;
  wish.rule = RetentionRule{mode, event, period};
  wish.who = who;
  return wish;
}

std::optional<WorkspaceId> workspace_of(const Call& call) {
  if (!call.workspace) return std::nullopt;
  return call.workspace->workspace;
}

void set_default(const CallPtr& call, std::optional<std::string> name) {
  with_command(
      call, set_retention_default(workspace_of(*call), name, call->actor.who),
      [name](const CallPtr& done) {
        json::object view{{"workspace_id", id_or_null(workspace_of(*done))}, {"class", nullptr}};
        if (name) view["class"] = *name;
        done->answer(200, std::move(view));
      });
}

// What a body says of why, and of a bypass; answers what is wrong with it.
Result<AssignRetention> wish_of(const Call& call, const json::object& body) {
  AssignRetention wish;
  HOLDFAST_ASSIGN(reason, find_string(body, "reason"));
  HOLDFAST_ASSIGN(bypass, find_bool(body, "bypass_governance"));
  if (reason.value_or("").size() > limits::kReasonBytesMax)
    return Error{Code::kInvalid, "\"reason\" must have at most 4000 bytes"};
  wish.reason = reason.value_or("");
  wish.bypass = bypass.value_or(false);
  wish.who = call.actor.who;
  wish.not_before = call.services.archive.config().expiry.not_before;
  if (wish.bypass && !call.actor.may(Scope::kBypassGovernance))
    return Error{Code::kForbidden, "the key lacks the scope retention:bypass-governance"};
  if (wish.bypass && wish.reason.empty())
    return Error{Code::kInvalid, "a bypass of governance mode names its \"reason\""};
  return wish;
}

void assign(const CallPtr& call, AssignRetention wish) {
  const std::optional<Recording> recording = need_recording(*call, true);
  if (!recording) return;
  wish.recording = recording->recording_no;
  wish.workspace_no = recording->workspace_no;
  with_command(
      call, assign_retention(std::move(wish)), [](const CallPtr& done, const Retained& retained) {
        const RecordingRow& row = retained.after;
        json::object view{{"call_sid", row.call_sid},
                          {"recording_id", row.recording.text()},
                          {"changed", retained.changed},
                          {"retention", nullptr}};
        if (row.retention_class) view["retention"] = retention_view(*done, row);
        // The mount tells the end as an attribute.
        done->services.archive.changes.publish(
            {Change::Kind::kChanged, row.recording_no, row.workspace, row.day, row.call_sid});
        done->answer(200, std::move(view));
      });
}

}  // namespace

void list_retention_classes_call(CallPtr call) {
  const auto classes = list_retention_classes(call->index());
  if (!classes.ok()) return call->fail(classes.error());
  const auto defaults = list_retention_defaults(call->index());
  if (!defaults.ok()) return call->fail(defaults.error());
  json::array items;
  for (const RetentionClassRow& row : *classes) items.push_back(class_view(row));
  json::array given;
  for (const RetentionDefaultRow& row : *defaults)
    given.push_back(json::object{{"workspace_id", id_or_null(row.workspace)}, {"class", row.name}});
  call->answer(200, json::object{{"items", std::move(items)}, {"defaults", std::move(given)}});
}

void set_retention_class_call(CallPtr call) {
  with_json_body(std::move(call), [](const CallPtr& caller, const json::object& body) {
    auto wish = class_of(body, caller->actor.who);
    if (!wish.ok()) return caller->fail(wish.error());
    with_command(caller, set_retention_class(*std::move(wish)),
                 [](const CallPtr& done, const RetentionClassRow& row) {
                   done->answer(201, class_view(row));
                 });
  });
}

void set_retention_default_call(CallPtr call) {
  with_json_body(std::move(call), [](const CallPtr& caller, const json::object& body) {
    auto name = need_string(body, "class");
    if (!name.ok()) return caller->fail(name.error());
    set_default(caller, *name);
  });
}

void drop_retention_default_call(CallPtr call) { set_default(call, std::nullopt); }

void set_retention_call(CallPtr call) {
  with_json_body(std::move(call), [](const CallPtr& caller, const json::object& body) {
    auto name = need_string(body, "class");
    if (!name.ok()) return caller->fail(name.error());
    auto wish = wish_of(*caller, body);
    if (!wish.ok()) return caller->fail(wish.error());
    wish->name = *name;
    assign(caller, *std::move(wish));
  });
}

void drop_retention_call(CallPtr call) {
  with_json_body(std::move(call), [](const CallPtr& caller, const json::object& body) {
    auto wish = wish_of(*caller, body);
    if (!wish.ok()) return caller->fail(wish.error());
    assign(caller, *std::move(wish));
  });
}

}  // namespace holdfast::api
