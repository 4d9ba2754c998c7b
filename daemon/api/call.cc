#include "daemon/api/call.h"

#include <charconv>

#include "base/limits.h"
#include "base/time_text.h"
#include "daemon/api/locked.h"
#include "index/read/recordings.h"

namespace holdfast::api {

void Call::fail(const Error& error) {
  for (std::string_view type : {"erased", "already-destroyed", "relabelled"})
    if (error.code == Code::kConflict &&
        error.message.find(std::string(type) + ":") != std::string::npos)
      return exchange->respond(http::problem_response(409, type, error.message));
  if (error.code == Code::kLocked) return exchange->respond(locked_response(*this, error));
  // The mover looks every policy interval whether something may leave.
  if (error.code == Code::kNoSpace && error.message.find("standard-full:") != std::string::npos) {
    http::Response full = http::problem_response(507, "standard-full", error.message);
    full.headers.set("retry-after", "60");
    return exchange->respond(std::move(full));
  }
  if (error.code == Code::kNoSpace && error.message.find("over-quota:") != std::string::npos)
    return exchange->respond(http::problem_response(507, "over-quota", error.message));
  http::Response response = http::problem_response(error);
  // A budget is of an hour, and the oldest part of it comes back soon.
  if (error.code == Code::kExhausted) response.headers.set("retry-after", "600");
  exchange->respond(std::move(response));
}

std::optional<std::string> Call::query(std::string_view name) const {
  const std::optional<std::string_view> value = request().parameter(name);
  if (!value) return std::nullopt;
  return std::string(*value);
}

std::optional<int64_t> Call::query_integer(std::string_view name) const {
  const std::optional<std::string_view> value = request().parameter(name);
  if (!value) return std::nullopt;
  int64_t number = 0;
  std::from_chars(value->data(), value->data() + value->size(), number);
  return number;
}

std::optional<bool> Call::query_bool(std::string_view name) const {
  const std::optional<std::string_view> value = request().parameter(name);
  if (!value) return std::nullopt;
  return *value == "true";
}

std::optional<UnixMillis> Call::query_time(std::string_view name) const {
  const std::optional<std::string_view> value = request().parameter(name);
  if (!value) return std::nullopt;
  const Result<UnixMillis> time = from_iso(*value);
  if (!time.ok()) return std::nullopt;
  return *time;
}

std::optional<Recording> need_recording(Call& call, bool also_destroying) {
  const std::string& call_sid = call.named("call_sid");
  auto found = find_recording(call.index(), call.workspace->workspace_no, call_sid);
  if (!found.ok()) {
    call.fail(found.error());
    return std::nullopt;
  }
  const bool hidden = *found && (*found)->state == RecordingState::kDestroying && !also_destroying;
  if (!*found && call.services.archive.live_calls.contains({call.workspace->workspace, call_sid})) {
    http::Response wait = http::problem_response(
        409, "not-ready", "the recording of call " + call_sid + " is coming in; ask again");
    wait.headers.set("retry-after", "1");
    call.answer(std::move(wait));
    return std::nullopt;
  }
  if (!*found || hidden) {
    call.fail(
        Error{Code::kNotFound, "there is no recording of call " + call_sid + " in this workspace"});
    return std::nullopt;
  }
  call.about = (*found)->recording;
  return *std::move(found);
}

void with_json_body(CallPtr call, std::function<void(const CallPtr&, const json::object&)> next) {
  call->exchange->read_body(
      limits::kJsonBodyBytesMax, [call, next = std::move(next)](Result<std::string> body) {
        if (!body.ok()) return call->fail(body.error());
        if (body->empty()) return next(call, json::object());
        auto value = parse_json(*body);
        if (!value.ok() || !value->is_object()) {
          const std::string message =
              value.ok() ? "the body must be one JSON object" : value.error().message;
          return call->answer(
              http::validation_response({{{"body"}, message, "json_invalid", nullptr}}));
        }
        next(call, value->get_object());
      });
}

void with_audit(CallPtr call, LineDraft line, std::function<void(const CallPtr&)> next) {
  Loop& loop = call->services.loop;
  call->services.archive.writer.submit_access(
      std::move(line), [call, next = std::move(next), &loop](Status done) {
        auto kept = std::make_shared<Status>(std::move(done));
        loop.post([call, next, kept] {
          if (!kept->ok())
            return call->fail(Error{Code::kUnavailable,
                                    "the access could not be recorded: " + kept->error().message});
          next(call);
        });
      });
}

LineDraft access_line(const Call& call, std::string_view kind, const RecordingId& recording,
                      json::object details) {
  details["from"] = call.request().remote.substr(0, call.request().remote.rfind(':'));
  // The certificate's own SHA-256: 16 digits of it find it among those that were given out.
  if (const std::string& shown = call.request().client_certificate; !shown.empty())
    details["certificate"] = shown.substr(0, 16);
  return LineDraft{std::string(kind), call.actor.who, recording.text(), std::move(details),
                   Weight::kNeutral};
}

}  // namespace holdfast::api
