// One table says what the API is: paths, parameters, credentials, scopes and
// answers. The router, the validation, the access checks and /openapi.json all
// read it; there is no second list.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/rows.h"
#include "daemon/http/exchange.h"
#include "daemon/http/problem.h"

namespace holdfast::api {

struct Call;  // daemon/api/call.h

enum class ParameterType { kText, kInteger, kBoolean, kTime, kWorkspace, kCallSid, kId, kFileName };

struct Parameter {
  std::string_view name;
  ParameterType type = ParameterType::kText;
  std::string_view about;
  bool required = false;
  int64_t minimum = 0;  // of an integer
  int64_t maximum = 0;
  std::vector<std::string_view> allowed;  // of a text; empty: anything
};

// Who may call.
enum class Access {
  kOpen,       // nobody needs to say who they are
  kKey,        // an API key with the scope, of this workspace or an operator's; or a local operator
  kKeyOrLink,  // that, or a signed link
  kOperator,   // an operator key with the scope, or a local operator
  kMount,      // the mount's socket alone
};

struct Answer {
  int status = 200;
  std::string_view about;
  // Name in components/schemas; or a media type ("*/*") that no schema describes; empty: no body.
  std::string_view schema;
};

struct Route {
  http::Method method;
  std::string_view path;  // "/v1/{workspace_id}/recordings/{call_sid}"
  std::string_view id;    // operationId
  std::string_view summary;
  Access access = Access::kKey;
  std::optional<Scope> scope;
  std::vector<Parameter> query;
  std::string_view request_schema;  // name in components/schemas; empty: no JSON body
  std::vector<Answer> answers;
  std::function<void(std::shared_ptr<Call>)> handle;
};

// What a path parameter may be follows from its name, everywhere the same.
Parameter path_parameter(std::string_view name);
std::string_view word(ParameterType type);

// What is wrong with a value of the parameter ("must be true or false"), or nothing.
std::optional<std::string> wrong_value(const Parameter& parameter, std::string_view value);

// Wrong values of one request, for the 422 answer. Empty when all is well.
std::vector<http::FieldError> check_parameters(
    const Route& route, const http::Request& request,
    const std::map<std::string, std::string, std::less<>>& path);

struct Match {
  const Route* route = nullptr;
  std::map<std::string, std::string, std::less<>> path;  // decoded values by name
  std::string allowed;  // of a path that exists, but not for this method: "GET, HEAD, POST"
};
// HEAD follows GET.
Match match_route(const std::vector<Route>& routes, const http::Request& request);

}  // namespace holdfast::api
