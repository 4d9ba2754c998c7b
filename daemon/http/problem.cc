#include "daemon/http/problem.h"

#include <algorithm>
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
      {"retention", "Retention forbids this"},
      {"archived", "The bytes are archived"},
      {"too-large", "Over a documented limit"},
      {"exhausted", "A budget is used up; try later"},
      {"no-space", "The archive is full"},
      {"standard-full", "The fast tier is full"},
      {"unavailable", "Not available now; try again"},
      {"corrupt", "The stored bytes failed their check"},
      {"io", "The archive could not do this"},
      {"bad-link", "This link is not valid"},
      {"link-expired", "This link has expired"},
      {"bad-request", "The request is not valid HTTP"},
      {"already-destroyed", "The recording is being destroyed"},
      {"erased", "The recording was erased"},
      {"more-due", "More are due than were seen"},
  };
  for (const auto& [known, title] : kTitles)
    if (known == word) return title;
  return reason_phrase(status);
}

// The bytes of the well-formed character at the front of `text` (RFC 3629), 0 when there is none.
size_t character_length(std::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(0);
  if (lead < 0x80) return 1;
  const size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC2 || lead > 0xF4 || text.size() < length) return 0;
  for (size_t i = 1; i < length; ++i)
    if ((byte(i) & 0xC0) != 0x80) return 0;
  // Overlong forms, surrogates, and what is beyond U+10FFFF.
  const unsigned char second = byte(1);
  const bool bad = (lead == 0xE0 && second < 0xA0) || (lead == 0xED && second > 0x9F) ||
                   (lead == 0xF0 && second < 0x90) || (lead == 0xF4 && second > 0x8F);
  return bad ? 0 : length;
}

// What a client sent may be any bytes, and what we answer is JSON: a byte that is no text becomes
// U+FFFD.
std::string printable(std::string_view bytes) {
  std::string text;
  while (!bytes.empty()) {
    const size_t length = character_length(bytes);
    text += length == 0 ? std::string_view("\xEF\xBF\xBD") : bytes.substr(0, length);
    bytes.remove_prefix(std::max<size_t>(length, 1));
  }
  return text;
}

}  // namespace

Problem problem_of(const Error& error) {
  // Want of descriptors or memory is the moment's, whatever was refused for it.
  const bool is_momentary = error.code == Code::kIo && is_passing(error);
  const CodeTraits& row = traits(is_momentary ? Code::kUnavailable : error.code);
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
  if (!problem.detail.empty()) body["detail"] = printable(problem.detail);
  Response response =
      text_response(problem.status, "application/problem+json", canonical(std::move(body)));
  response.headers.set("cache-control", "no-store");
  // RFC 9110, 11.6.1: a 401 names the scheme that would do.
  if (problem.status == 401) response.headers.set("www-authenticate", "Bearer");
  return response;
}

Response problem_response(const Error& error) { return problem_response(problem_of(error)); }

Response problem_response(int status, std::string_view word, std::string_view detail,
                          json::object extra) {
  Problem problem;
  problem.extra = std::move(extra);
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
    if (error.input.is_string())
      one["input"] = printable(error.input.get_string());
    else if (!error.input.is_null())
      one["input"] = error.input;
    details.push_back(std::move(one));
  }
  return json_response(422, json::object{{"detail", std::move(details)}});
}

}  // namespace holdfast::http
