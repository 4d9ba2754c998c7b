#include "index/commands/holds.h"
#include "base/limits.h"
#include "daemon/api/handlers.h"
#include "daemon/api/views.h"
#include "index/read/holds.h"

namespace holdfast::api {
namespace {

constexpr size_t kMatterBytesMax = 200;

void publish_change(const CallPtr& call, const Recording& recording) {
  call->services.archive.changes.publish({Change::Kind::kChanged, recording.recording_no,
                                          recording.workspace, recording.day, recording.call_sid});
}

}  // namespace

void place_hold_call(CallPtr call) {
  with_json_body(std::move(call), [](const CallPtr& caller, const json::object& body) {
    auto matter = need_string(body, "matter");
    if (!matter.ok()) return caller->fail(matter.error());
    auto reason = find_string(body, "reason");
    if (!reason.ok()) return caller->fail(reason.error());
    if (matter->empty() || matter->size() > kMatterBytesMax ||
        reason->value_or("").size() > limits::kReasonBytesMax)
      return caller->fail(
          Error{Code::kInvalid, "\"matter\" must have 1 to 200 bytes, \"reason\" at most 4000"});
    std::optional<Recording> recording = need_recording(*caller, true);
    if (!recording) return;
    PlaceHold request{recording->recording, caller->workspace->workspace_no, *matter,
                      reason->value_or(""), caller->actor.who};
    // A destroying recording is found, so that the answer can say that it is too late.
    if (recording->state == RecordingState::kDestroying)
      return caller->answer(http::problem_response(
          409, "already-destroyed", "the recording is being destroyed; a hold comes too late"));
    with_command(caller, place_hold(std::move(request)),
                 [recording = *recording](const CallPtr& done, const HoldRow& hold) {
                   publish_change(done, recording);
                   done->answer(201, hold_view(hold, recording.call_sid));
                 });
  });
}

void list_recording_holds(CallPtr call) {
  std::optional<Recording> recording = need_recording(*call, true);
  if (!recording) return;
  auto holds = holds_of_recording(call->index(), recording->recording);
  if (!holds.ok()) return call->fail(holds.error());
  json::array items;
  for (const HoldRow& hold : *holds) items.push_back(hold_view(hold, recording->call_sid));
  call->answer(200, json::object{{"items", std::move(items)}});
}

void release_hold_call(CallPtr call) {
  const Result<HoldId> id = HoldId::from_text(call->named("hold_id"));
  with_json_body(std::move(call), [id](const CallPtr& caller, const json::object& body) {
    auto reason = find_string(body, "reason");
    if (!reason.ok()) return caller->fail(reason.error());
    if (reason->value_or("").size() > limits::kReasonBytesMax)
      return caller->fail(Error{Code::kInvalid, "\"reason\" must have at most 4000 bytes"});
    std::optional<Recording> recording = need_recording(*caller, true);
    if (!recording) return;
    auto hold = find_hold(caller->index(), *id);
    if (!hold.ok()) return caller->fail(hold.error());
    if (!*hold || (*hold)->recording != recording->recording)
      return caller->fail(Error{Code::kNotFound, "this recording has no such hold"});
    with_command(caller, release_hold(*id, reason->value_or(""), caller->actor.who),
                 [recording = *recording](const CallPtr& done, const HoldRow& released) {
                   publish_change(done, recording);
                   done->answer(200, hold_view(released, recording.call_sid));
                 });
  });
}

}  // namespace holdfast::api
