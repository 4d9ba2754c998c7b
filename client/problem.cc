// What the daemon's refusals mean: RFC 9457 problems, and the platform's own {"detail": [...]}.
#include <fmt/format.h>

#include "client/http_client.h"

namespace holdfast {
namespace {

constexpr std::string_view kProblemPrefix = "urn:holdfast:problem:";

Code code_of_status(int status) {
  switch (status) {
    case 401:
      return Code::kUnauthenticated;
    case 403:
      return Code::kForbidden;
    case 404:
    case 410:
      return Code::kNotFound;
    case 409:
      return Code::kConflict;
    case 413:
      return Code::kTooLarge;
    case 429:
      return Code::kExhausted;
    case 502:
    case 503:
    case 504:
      return Code::kUnavailable;
    case 507:
      return Code::kNoSpace;
    default:
      return status < 500 ? Code::kInvalid : Code::kIo;
  }
}

// {"detail":[{"loc":["path","workspace_id"],"msg":"…"}]} → "path.workspace_id: …; …".
std::string told(const json::array& findings) {
  std::string text;
  for (const json::value& finding : findings) {
    if (!finding.is_object()) continue;
    std::string place;
    if (const json::value* loc = finding.as_object().if_contains("loc"); loc && loc->is_array()) {
      for (const json::value& step : loc->as_array()) {
        if (!place.empty()) place += '.';
        place += step.is_string() ? std::string(step.as_string()) : canonical(step);
      }
    }
    if (!text.empty()) text += "; ";
    if (!place.empty()) text += place + ": ";
    if (const json::value* msg = finding.as_object().if_contains("msg"); msg && msg->is_string())
      text += std::string_view(msg->as_string());
  }
  return text;
}

std::string text_member(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains(key);
  return value != nullptr && value->is_string() ? std::string(value->as_string()) : std::string();
}

}  // namespace

std::optional<Code> code_of_problem(std::string_view word) {
  for (int i = 0; i <= static_cast<int>(Code::kIo); ++i)
    if (traits(static_cast<Code>(i)).word == word) return static_cast<Code>(i);
  if (word == "legal-hold" || word == "retention") return Code::kLocked;
  if (word == "bad-link" || word == "link-expired") return Code::kForbidden;
  if (word == "erased" || word == "already-destroyed") return Code::kConflict;
  return std::nullopt;
}

Error error_of(const HttpResponse& response) {
  Error error{code_of_status(response.status), "", 0};
  auto parsed = parse_json(response.body);
  if (parsed.ok() && parsed->is_object()) {
    const json::object& problem = parsed->as_object();
    const std::string type = text_member(problem, "type");
    if (type.starts_with(kProblemPrefix))
      error.code = code_of_problem(type.substr(kProblemPrefix.size())).value_or(error.code);
    if (const json::value* detail = problem.if_contains("detail"); detail && detail->is_array())
      error.message = told(detail->as_array());
    else
      error.message = text_member(problem, "detail");
    if (error.message.empty()) error.message = text_member(problem, "title");
  }
  if (error.message.empty())
    error.message = fmt::format("the server answered {} without a reason", response.status);
  return error;
}

}  // namespace holdfast
