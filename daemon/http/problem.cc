#include "daemon/http/problem.h"

#include <utility>

#include "base/log.h"

namespace holdfast::http {
namespace {

// The title of a word: the same for every occurrence (RFC 9457, 3.1.3).
std::string_view title_of(std::string_view word, int status) {
  static constexpr std::pair<std::string_view, std::string_view> kTitles[] = {
      {"invalid", "The request is not valid"},
      {"unauthenticated", "A valid credential is needed"},
      {"forbidden", "This credential may not do that"},
      {"not-found", "There is no such thing here"},
      {"conflict", "The object's state forbids this"},
      {"locked", "A hold or retention forbids this"},
      {"legal-hold", "A hold or retention forbids this"},
      {"archived", "The bytes are archived"},
      {"too-large", "Over a documented limit"},
      {"exhausted", "A budget is used up; try later"},
      {"no-space", "The archive is full"},
      {"unavailable", "Not available now; try again"},
      {"corrupt", "The stored bytes failed their check"},
      {"io", "The archive could not do this"},
      {"bad-link", "This link is not valid"},
      {"link-expired", "This link has expired"},
      {"bad-request", "The request is not valid HTTP"},
      {"already-destroyed", "The recording is being destroyed"},
      {"erased", "The recording was erased"},
  };
  for (const auto& [known, title] : kTitles)
    if (known == word) return title;
  return reason_phrase(status);
}

}  // namespace

Problem problem_of(const Error& error) {
  const CodeTraits& row = traits(error.code);
  Problem problem;
  problem.status = row.http_status;
  problem.word = row.word;
  problem.title = title_of(row.word, row.http_status);
  if (error.code == Code::kIo || error.code == Code::kCorrupt) {
    log::error("{}", error.message);
  } else {
    problem.detail = error.message;
  }
  return problem;
}

Response problem_response(const Problem& problem) {
  json::object body = problem.extra;
  body["type"] = "urn:holdfast:problem:" + problem.word;
  body["title"] = problem.title;
  body["status"] = problem.status;
  if (!problem.detail.empty()) body["detail"] = problem.detail;
  Response response =
      text_response(problem.status, "application/problem+json", canonical(std::move(body)));
  response.headers.set("cache-control", "no-store");
  // RFC 9110, 11.6.1: a 401 names the scheme that would do.
  if (problem.status == 401) response.headers.set("www-authenticate", "Bearer");
  return response;
}

Response problem_response(const Error& error) { return problem_response(problem_of(error)); }

Response problem_response(int status, std::string_view word, std::string_view detail) {
  Problem problem;
  problem.status = status;
  problem.word = word;
  problem.title = title_of(word, status);
  problem.detail = detail;
  return problem_response(problem);
}

Response validation_response(const std::vector<FieldError>& errors) {
  json::array details;
  for (const FieldError& error : errors) {
    json::array location(error.location.begin(), error.location.end());
    json::object one = {{"loc", std::move(location)}, {"msg", error.message}, {"type", error.type}};
    if (!error.input.is_null()) one["input"] = error.input;
    details.push_back(std::move(one));
  }
  return json_response(422, json::object{{"detail", std::move(details)}});
}

}  // namespace holdfast::http
