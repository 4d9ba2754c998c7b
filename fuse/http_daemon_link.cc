#include "fuse/http_daemon_link.h"

#include <cstdio>

#include "fuse/limits.h"

namespace holdfast {

namespace {

Endpoint endpoint_of(std::string socket_path) {
  Endpoint endpoint;
  endpoint.socket_path = std::move(socket_path);
  endpoint.connect_timeout = Millis(mount_limits::kOpenTimeoutMs);
  endpoint.stall_timeout = Millis(mount_limits::kPollSeconds * 2000);
  return endpoint;
}

// "2026/11/21"
Result<CalendarDay> parse_day(std::string_view text) {
  CalendarDay day;
  int used = 0;
  const std::string copy(text);
  if (std::sscanf(copy.c_str(), "%4d/%2d/%2d%n", &day.year, &day.month, &day.day, &used) != 3 ||
      static_cast<size_t>(used) != text.size() || day.path() != text)
    return Error{Code::kInvalid, "day: expected yyyy/mm/dd, got \"" + copy + "\""};
  return day;
}

Result<Change::Kind> parse_kind(std::string_view text) {
  if (text == "added") return Change::Kind::kAdded;
  if (text == "changed") return Change::Kind::kChanged;
  if (text == "removed") return Change::Kind::kRemoved;
  return Error{Code::kInvalid,
               "kind: expected added, changed or removed, got \"" + std::string(text) + "\""};
}

Result<Change> parse_change(const json::value& item) {
  if (!item.is_object()) return Error{Code::kInvalid, "changes: an item is not an object"};
  const json::object& object = item.get_object();
  HOLDFAST_ASSIGN(number, need_integer(object, "recording_no"));
  HOLDFAST_ASSIGN(workspace_text, need_string(object, "workspace"));
  HOLDFAST_ASSIGN(workspace, WorkspaceId::from_text(workspace_text));
  HOLDFAST_ASSIGN(day_text, need_string(object, "day"));
  HOLDFAST_ASSIGN(day, parse_day(day_text));
  HOLDFAST_ASSIGN(call_sid, need_string(object, "call_sid"));
  HOLDFAST_ASSIGN(kind_text, need_string(object, "kind"));
  HOLDFAST_ASSIGN(kind, parse_kind(kind_text));
  if (!is_call_sid(call_sid)) return Error{Code::kInvalid, "call_sid: not a call id"};
  return Change{kind, RecordingNo(number), workspace, day, std::move(call_sid)};
}

}  // namespace

Result<ChangeBatch> parse_changes(const json::value& body) {
  if (!body.is_object()) return Error{Code::kInvalid, "changes: the answer is not an object"};
  const json::object& object = body.get_object();
  ChangeBatch batch;
  HOLDFAST_ASSIGN(seq, need_integer(object, "seq"));
  HOLDFAST_ASSIGN(reset, find_bool(object, "reset"));
  HOLDFAST_ASSIGN(run, find_string(object, "run"));  // an older daemon does not say it
  batch.seq = seq;
  batch.reset = reset.value_or(false);
  batch.run = run.value_or("");
  const json::value* changes = object.if_contains("changes");
  if (changes == nullptr || !changes->is_array())
    return Error{Code::kInvalid, "changes: expected an array"};
  for (const json::value& item : changes->get_array()) {
    HOLDFAST_ASSIGN(change, parse_change(item));
    batch.changes.push_back(std::move(change));
  }
  return batch;
}

HttpDaemonLink::HttpDaemonLink(std::string socket_path)
    : endpoint_(endpoint_of(std::move(socket_path))), poll_(endpoint_) {}

std::unique_ptr<HttpClient> HttpDaemonLink::take() {
  std::lock_guard lock(mutex_);
  if (idle_.empty()) return std::make_unique<HttpClient>(endpoint_);
  std::unique_ptr<HttpClient> client = std::move(idle_.back());
  idle_.pop_back();
  return client;
}

Status HttpDaemonLink::record_open(const OpenNotice& notice) {
  HttpRequest request;
  request.method = "POST";
  request.path = "/mount/opens";
  request.timeout = Millis(mount_limits::kOpenTimeoutMs);
  request.body = canonical(json::object{{"recording_no", notice.recording_no.value},
                                        {"part", notice.part},
                                        {"file", notice.file},
                                        {"uid", notice.uid},
                                        {"pid", notice.pid}});
  std::unique_ptr<HttpClient> client = take();
  Result<HttpResponse> answer = client->request(request);
  if (!answer.ok()) return answer.error().within("write the access line");
  // A success that is not 200 is not the promise that the line is durable.
  if (answer->status != 200)
    return Error{Code::kUnavailable,
                 "write the access line: the daemon answered " + std::to_string(answer->status)};
  std::lock_guard lock(mutex_);
  idle_.push_back(std::move(client));
  return Status();
}

Result<ChangeBatch> HttpDaemonLink::changes(int64_t since, Millis wait) {
  HttpRequest request;
  request.path = "/mount/changes";
  request.query = {{"since", std::to_string(since)}, {"wait", std::to_string(wait.count / 1000)}};
  request.timeout = Millis(mount_limits::kPollSeconds * 2000);
  HOLDFAST_ASSIGN(answer, poll_.request(request));
  HOLDFAST_ASSIGN(body, answer.parsed());
  return parse_changes(body);
}

}  // namespace holdfast
