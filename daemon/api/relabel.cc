// PATCH …/recordings/{call_sid}: what media say of a recording is overridden by a decision.
#include "index/commands/relabel.h"

#include "base/limits.h"
#include "daemon/api/handlers.h"
#include "daemon/api/views.h"
#include "index/read/recordings.h"

namespace holdfast::api {
namespace {

// The body, checked. kInvalid names the member.
Result<Relabel> wish_of(const json::object& body) {
  Relabel wish;
  for (const json::key_value_pair& member : body) {
    const std::string_view key = member.key();
    if (key != "service_id" && key != "attributes" && key != "workspace_id" && key != "reason")
      return Error{Code::kInvalid, "\"" + std::string(key) +
                                       "\" cannot be relabelled; service_id, attributes and "
                                       "workspace_id can"};
  }
  HOLDFAST_ASSIGN(reason, need_string(body, "reason"));
  if (reason.empty() || reason.size() > limits::kReasonBytesMax)
    return Error{Code::kInvalid,
                 "\"reason\" must have 1 to " + std::to_string(limits::kReasonBytesMax) + " bytes"};
  wish.reason = reason;
  HOLDFAST_ASSIGN(service, find_string(body, "service_id"));
  wish.sets_service = body.contains("service_id");
  if (service) {
    auto id = WorkspaceId::from_text(*service);
    if (!id.ok()) return id.error().within("\"service_id\"");
    wish.service = *id;
  }
  if (body.contains("workspace_id")) {
    HOLDFAST_ASSIGN(workspace, need_string(body, "workspace_id"));
    auto id = WorkspaceId::from_text(workspace);
    if (!id.ok()) return id.error().within("\"workspace_id\"");
    wish.workspace = *id;
  }
  if (const json::value* attributes = body.if_contains("attributes")) {
    if (!attributes->is_object())
      return Error{Code::kInvalid, "\"attributes\" must be an object: a JSON merge patch"};
    wish.attributes = attributes->get_object();
  }
  if (!wish.sets_service && !wish.workspace && !wish.attributes)
    return Error{Code::kInvalid, "give at least one of service_id, attributes and workspace_id"};
  return wish;
}

Change change_of(Change::Kind kind, const RecordingRow& row) {
  return {kind, row.recording_no, row.workspace, row.day, row.call_sid};
}

void tell_change(const Call& call, const Relabelled& relabelled) {
  ChangeFeed& changes = call.services.archive.changes;
  if (relabelled.before.workspace == relabelled.after.workspace)
    return changes.publish(change_of(Change::Kind::kChanged, relabelled.after));
  changes.publish(std::vector<Change>{change_of(Change::Kind::kRemoved, relabelled.before),
                                      change_of(Change::Kind::kAdded, relabelled.after)});
}

// The attributes are read with GET …/metadata, by whoever may, and are audited there.
void answer(const CallPtr& call, const Relabelled& relabelled) {
  const RecordingRow& row = relabelled.after;
  call->answer(200, json::object{{"call_sid", row.call_sid},
                                 {"recording_id", row.recording.text()},
                                 {"workspace_id", row.workspace.text()},
                                 {"service_id", id_or_null(row.service)},
                                 {"status", relabelled.changed ? "relabelled" : "unchanged"}});
}

}  // namespace

void relabel_recording(CallPtr call) {
  with_json_body(std::move(call), [](const CallPtr& caller, const json::object& body) {
    auto wish = wish_of(body);
    if (!wish.ok()) return caller->fail(wish.error());
    if (wish->workspace && !caller->actor.is_operator)
      return caller->fail(Error{Code::kForbidden, "only an operator moves a recording"});
    const std::optional<Recording> recording = need_recording(*caller, true);
    if (!recording) return;
    wish->recording = recording->recording_no;
    wish->who = caller->actor.who;
    with_command(caller, relabel(*std::move(wish)),
                 [](const CallPtr& done, const Relabelled& relabelled) {
                   if (relabelled.changed) tell_change(*done, relabelled);
                   answer(done, relabelled);
                 });
  });
}

}  // namespace holdfast::api
