#include "daemon/api/route.h"

#include <algorithm>
#include <charconv>

#include "base/time_text.h"
#include "base/types.h"

namespace holdfast::api {
namespace {

std::vector<std::string_view> split_path(std::string_view path) {
  std::vector<std::string_view> segments;
  path.remove_prefix(1);
  while (true) {
    const size_t slash = path.find('/');
    segments.push_back(path.substr(0, slash));
    if (slash == std::string_view::npos) return segments;
    path.remove_prefix(slash + 1);
  }
}

bool is_variable(std::string_view segment) { return segment.starts_with('{'); }

constexpr std::string_view kFileNameVariable = "{filename}";

// A request with more segments than the pattern: a file name takes all that is left, so that
// separators in it are the handler's 400, encoded or not. Nothing: the pattern does not fit.
std::optional<std::vector<http::PathSegment>> fold_segments(
    const std::vector<std::string_view>& pattern, const std::vector<http::PathSegment>& given) {
  if (given.size() <= pattern.size() || pattern.back() != kFileNameVariable) return std::nullopt;
  std::vector<http::PathSegment> segments(given.begin(),
                                          given.begin() + static_cast<ptrdiff_t>(pattern.size()));
  for (size_t i = pattern.size(); i < given.size(); ++i)
    segments.back().text += "/" + given[i].text;
  segments.back().plain = false;
  return segments;
}

void allow(std::string& list, std::string_view method) {
  if (!list.empty()) list += ", ";
  list += method;
}

http::FieldError field_error(std::string_view in, const Parameter& parameter, std::string message,
                             std::string_view value) {
  std::string type = parameter.type == ParameterType::kWorkspace ? "uuid_parsing" : "value_error";
  return {{std::string(in), std::string(parameter.name)},
          std::move(message),
          std::move(type),
          json::value(json::string(value))};
}

}  // namespace

std::optional<std::string> wrong_value(const Parameter& parameter, std::string_view value) {
  switch (parameter.type) {
    case ParameterType::kText: {
      const auto& allowed = parameter.allowed;
      if (allowed.empty() || std::find(allowed.begin(), allowed.end(), value) != allowed.end())
        return std::nullopt;
      std::string all;
      for (std::string_view one : allowed) all += (all.empty() ? "" : ", ") + std::string(one);
      return "must be one of " + all;
    }
    case ParameterType::kInteger: {
      int64_t number = 0;
      const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
      if (error == std::errc() && end == value.data() + value.size() &&
          number >= parameter.minimum && number <= parameter.maximum)
        return std::nullopt;
      return "must be a whole number from " + std::to_string(parameter.minimum) + " to " +
             std::to_string(parameter.maximum);
    }
    case ParameterType::kBoolean:
      if (value == "true" || value == "false") return std::nullopt;
      return "must be true or false";
    case ParameterType::kTime:
      if (from_iso(value).ok()) return std::nullopt;
      return "must be an ISO 8601 time such as 2026-11-21T03:36:00Z";
    case ParameterType::kWorkspace:
      if (WorkspaceId::from_text(value).ok()) return std::nullopt;
      return "must be a UUID";
    case ParameterType::kCallSid:
      if (is_call_sid(value)) return std::nullopt;
      return "must be 1 to 128 of A-Z a-z 0-9 . _ : - and not . or ..";
    case ParameterType::kId:
      if (Id<Route>::from_text(value).ok()) return std::nullopt;
      return "must be an id: 26 characters of a-z and 2-7";
    case ParameterType::kFileName:
      return std::nullopt;  // 400 later, in the order that the contract gives
  }
  return std::nullopt;
}

Parameter path_parameter(std::string_view name) {
  const auto of_type = [&](ParameterType type, int64_t minimum, int64_t maximum) {
    return Parameter{name, type, "", true, minimum, maximum, {}};
  };
  if (name == "workspace_id") return of_type(ParameterType::kWorkspace, 0, 0);
  if (name == "call_sid") return of_type(ParameterType::kCallSid, 0, 0);
  if (name == "filename") return of_type(ParameterType::kFileName, 0, 0);
  if (name == "move_no") return of_type(ParameterType::kInteger, 1, INT64_MAX);
  return of_type(ParameterType::kId, 0, 0);
}

std::string_view word(ParameterType type) {
  switch (type) {
    case ParameterType::kInteger:
      return "integer";
    case ParameterType::kBoolean:
      return "boolean";
    default:
      return "string";
  }
}

std::vector<http::FieldError> check_parameters(
    const Route& route, const http::Request& request,
    const std::map<std::string, std::string, std::less<>>& path) {
  std::vector<http::FieldError> errors;
  for (const auto& [name, value] : path) {
    const Parameter parameter = path_parameter(name);
    if (auto wrong = wrong_value(parameter, value))
      errors.push_back(field_error("path", parameter, *wrong, value));
  }
  for (const Parameter& parameter : route.query) {
    const size_t count = request.parameter_count(parameter.name);
    if (count > 1) {
      errors.push_back(field_error("query", parameter, "must stand once", ""));
    } else if (count == 0) {
      if (parameter.required)
        errors.push_back(
            {{"query", std::string(parameter.name)}, "is required", "missing", nullptr});
    } else if (auto wrong = wrong_value(parameter, *request.parameter(parameter.name))) {
      errors.push_back(field_error("query", parameter, *wrong, *request.parameter(parameter.name)));
    }
  }
  return errors;
}

Match match_route(const std::vector<Route>& routes, const http::Request& request) {
  Match match;
  for (const Route& route : routes) {
    const std::vector<std::string_view> pattern = split_path(route.path);
    const bool exact = pattern.size() == request.segments.size();
    const auto folded = exact ? std::nullopt : fold_segments(pattern, request.segments);
    if (!exact && !folded) continue;
    const std::vector<http::PathSegment>& segments = exact ? request.segments : *folded;
    Match candidate;
    candidate.route = &route;
    bool fits = true;
    for (size_t i = 0; i < pattern.size() && fits; ++i) {
      const http::PathSegment& segment = segments[i];
      if (is_variable(pattern[i])) {
        fits = !segment.text.empty() || pattern[i] == kFileNameVariable;
        candidate.path.emplace(pattern[i].substr(1, pattern[i].size() - 2), segment.text);
      } else {
        fits = segment.text == pattern[i];
      }
    }
    if (!fits) continue;
    const bool same = route.method == request.method ||
                      (request.method == http::Method::kHead && route.method == http::Method::kGet);
    if (same) return candidate;
    allow(match.allowed, http::to_word(route.method));
    if (route.method == http::Method::kGet) allow(match.allowed, "HEAD");
  }
  return match;
}

}  // namespace holdfast::api
