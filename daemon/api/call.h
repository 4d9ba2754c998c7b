// One call of the API: the exchange, who calls, and what its path named. Made by
// the dispatcher when every check before the handler has passed.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "daemon/api/services.h"
#include "daemon/http/exchange.h"
#include "daemon/http/problem.h"
#include "daemon/http/signed_link.h"

namespace holdfast::api {

// Who calls. Told in the ledger by `who`.
struct Actor {
  std::string who;  // "key:<id>", "uid:<n>", "link:<jti>"
  bool is_operator = false;
  int32_t scopes = 0;
  std::optional<ApiKeyRow> key;
  std::optional<http::Link> link;  // the signed link that was accepted
  // On the mount's socket: the only user that this caller may name; none: any.
  std::optional<uid_t> speaks_only_for;

  bool may(Scope scope) const { return (scopes & static_cast<int32_t>(scope)) != 0; }
};

// Thread rule: loop thread only; kept alive by whoever will answer.
struct Call {
  Services& services;
  std::shared_ptr<http::Exchange> exchange;
  Actor actor;
  std::optional<WorkspaceRow> workspace;  // of the path
  std::map<std::string, std::string, std::less<>> path;
  std::optional<RecordingId> about;  // the recording that the path names, once it was found
  uint64_t changes = 0;              // Writer::changes() before the index was asked

  const http::Request& request() const { return exchange->request(); }
  Database& index() { return services.index; }

  // Values that check_parameters() has passed already.
  const std::string& named(std::string_view parameter) const {
    return path.find(parameter)->second;
  }
  std::optional<std::string> query(std::string_view name) const;
  std::optional<int64_t> query_integer(std::string_view name) const;
  std::optional<bool> query_bool(std::string_view name) const;
  std::optional<UnixMillis> query_time(std::string_view name) const;

  void answer(http::Response response) { exchange->respond(std::move(response)); }
  void answer(int status, const json::value& value) {
    exchange->respond(http::json_response(status, value));
  }
  // What is locked is told with its holds and its retention (daemon/api/locked.h). A conflict that
  // begins with "erased: ", "already-destroyed: " or "relabelled: " is a problem of
  // that type.
  void fail(const Error& error);
};
using CallPtr = std::shared_ptr<Call>;

// The recording that the path names, or nothing: the call was answered 404 (or with the index's
// error). A destroying recording is 404 unless `also_destroying`.
std::optional<Recording> need_recording(Call& call, bool also_destroying = false);

// Reads the JSON body, checks that it is one object, and goes on; answers 422 otherwise. An empty
// body is an empty object.
void with_json_body(CallPtr call, std::function<void(const CallPtr&, const json::object&)> next);

// Submits the command; goes on on the loop with the value, or answers the error.
template <typename T, typename Next>
void with_command(CallPtr call, Command<T> command, Next next) {
  Loop& loop = call->services.loop;
  call->services.archive.writer.submit(
      std::move(command), std::function<void(Result<T>)>([call, next, &loop](Result<T> outcome) {
        auto kept = std::make_shared<Result<T>>(std::move(outcome));
        loop.post([call, next, kept] {
          if (!kept->ok()) return call->fail(kept->error());
          if constexpr (std::is_void_v<T>)
            next(call);
          else
            next(call, std::move(*kept).value());
        });
      }));
}

// Runs `work` on a worker and goes on on the loop; 503 when the workers are full.
template <typename T>
void with_worker(CallPtr call, std::function<Result<T>(Io&)> work,
                 std::function<void(const CallPtr&, Result<T>)> next) {
  Loop& loop = call->services.loop;
  const bool taken =
      call->services.workers.submit([call, work = std::move(work), next, &loop](Io& io) {
        auto outcome = std::make_shared<Result<T>>(work(io));
        loop.post([call, next, outcome] { next(call, std::move(*outcome)); });
      });
  if (!taken) call->fail(Error{Code::kUnavailable, "the workers are busy; try again in a moment"});
}

// Makes the access line durable, then goes on (P4: no audit, no data); answers 503 when it cannot.
void with_audit(CallPtr call, LineDraft line, std::function<void(const CallPtr&)> next);

// An access line about a recording by this caller.
LineDraft access_line(const Call& call, std::string_view kind, const RecordingId& recording,
                      json::object details = {});

}  // namespace holdfast::api
