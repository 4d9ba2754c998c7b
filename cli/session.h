// One run of `holdfast`: the connection, the workspace, and where the answers go.
#pragma once

#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "cli/arguments.h"
#include "client/http_client.h"

namespace holdfast::cli {

// Thread rule: one thread.
class Session {
 public:
  // `clock` outlives the session.
  static Result<std::unique_ptr<Session>> open(const GlobalOptions& options, Clock& clock);

  HttpClient& client() { return client_; }
  Clock& clock() { return clock_; }
  bool json() const { return json_; }

  // --workspace, $HOLDFAST_WORKSPACE, or the only workspace there is; kInvalid lists them when
  // there are several. Asked once, then remembered.
  Result<std::string> workspace();
  // "/v1/<workspace>/…".
  Result<std::string> workspace_path(const std::vector<std::string_view>& segments);

  // The JSON of an answer below 400, and the answer itself.
  struct Answer {
    HttpResponse response;
    json::value value;
  };
  Result<Answer> get(std::string path, std::vector<NameValue> query = {});
  Result<Answer> call(std::string method, std::string path, const json::object& body);

  // Prints the daemon's JSON exactly, one line feed after it.
  void print_json(const HttpResponse& response);
  // Prints a line for people.
  void print(std::string_view line);
  // Prints a remark beside the answer (progress, a next page) on standard error.
  void remark(std::string_view line);
  // Tells a failure on standard error in one line; its exit code becomes the run's when it is
  // the first.
  void report(const Error& error);

  int exit_code() const { return exit_code_; }

 private:
  Session(Endpoint endpoint, const GlobalOptions& options, Clock& clock);

  HttpClient client_;
  Clock& clock_;
  std::string workspace_;  // empty until it is known
  const bool json_;
  int exit_code_ = 0;
};

}  // namespace holdfast::cli
