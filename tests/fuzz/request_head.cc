// Request heads: what the policy accepts says the same when it is written out again, and is never
// refused for its beginning alone.
//
//   input = cut(1) head
#include <algorithm>

#include "base/limits.h"
#include "daemon/http/parser.h"
#include "tests/fuzz/input.h"
#include "tests/fuzz/targets.h"

namespace holdfast::fuzz {
namespace {

using http::Headers;
using http::Request;

std::string written(const Request& request) {
  std::string head(http::to_word(request.method));
  head += " " + request.target + " HTTP/1." + std::to_string(request.minor_version) + "\r\n";
  for (const Headers::Field& field : request.headers.fields())
    head += field.name + ": " + field.value + "\r\n";
  return head + "\r\n";
}

void expect_same(const Request& one, const Request& two) {
  expect(one.method == two.method && one.target == two.target && one.path == two.path &&
             one.query == two.query && one.minor_version == two.minor_version,
         "a request line is the same when written out again");
  expect(one.content_length == two.content_length && one.chunked == two.chunked,
         "the framing is the same when written out again");
  expect(one.keep_alive == two.keep_alive && one.expects_continue == two.expects_continue,
         "the connection's options are the same when written out again");
  const auto same = [](const Headers::Field& a, const Headers::Field& b) {
    return a.name == b.name && a.value == b.value;
  };
  const auto& fields = one.headers.fields();
  const auto& others = two.headers.fields();
  expect(std::equal(fields.begin(), fields.end(), others.begin(), others.end(), same),
         "header fields are the same when written out again");
}

// Every byte of the target is in a segment or a parameter, and is found there decoded.
void expect_target_is_split(const Request& request) {
  expect(
      request.target == request.path + (request.target == request.path ? "" : "?") + request.query,
      "a target is its path and its query", request.target);
  std::string path;
  for (const http::PathSegment& segment : request.segments) {
    path += "/" + http::percent_encode(segment.text);
    const bool names_nothing =
        segment.text == "." || segment.text == ".." ||
        segment.text.find_first_of(std::string_view("/\\\0", 3)) != std::string::npos;
    expect(!(segment.plain && names_nothing), "a plain segment names a file", segment.text);
  }
  if (request.segments.empty()) return;
  const auto decoded = http::percent_decode(request.path, false);
  const auto again = http::percent_decode(path, false);
  expect(decoded.ok() && again.ok() && *decoded == *again, "segments are the whole path", path);
}

void expect_in_order(const Request& request) {
  for (const Headers::Field& field : request.headers.fields()) {
    for (const std::string& text : {field.name, field.value})
      expect(text.find_first_of(std::string_view("\r\n\0", 3)) == std::string::npos,
             "no field holds a line's end", text);
    expect(field.name.find_first_of(" \t:") == std::string::npos, "names are tokens", field.name);
  }
  expect(!(request.chunked && request.content_length), "a body's length is told in one way");
  expect(request.headers.count("host") <= 1, "there is one Host");
  expect(request.target == "*" || request.target.front() == '/', "a target is a path",
         request.target);
  expect(!request.expects_continue || request.minor_version == 1, "HTTP/1.0 expects nothing");
}

}  // namespace

void request_head(ByteSpan bytes) {
  Input input(bytes);
  const size_t cut = input.byte();
  const std::string text(input.rest());

  const auto end = http::find_head_end(text, 0);
  for (size_t from : {size_t{1}, cut})
    if (from <= text.size() && !http::find_head_end(text.substr(0, from), 0))
      expect(http::find_head_end(text, from) == end,
             "a head ends where it ends, wherever it was cut");
  const std::string head = text.substr(0, end.value_or(text.size()));

  const auto refused_whole = http::check_head_bytes(head, 0);
  const std::string_view first = std::string_view(head).substr(0, cut);
  const auto refused_first = http::check_head_bytes(first, 0);
  expect(!refused_first || refused_whole, "nothing good begins badly", head);
  if (!refused_first)
    expect(http::check_head_bytes(head, first.size()).has_value() == refused_whole.has_value(),
           "a head is judged alike in one piece and in two", head);
  if (!end) return;

  Request request;
  http::RequestParser parser;
  if (const auto refusal = parser.parse_head(head, request)) {
    expect(refusal->status >= 400 && refusal->status < 600 && !refusal->reason.empty(),
           "a refusal says why");
    return;
  }
  expect_in_order(request);
  expect_target_is_split(request);
  Request again;
  http::RequestParser other;
  const std::string text_again = written(request);
  if (text_again.size() > limits::kRequestHeadBytesMax) return;  // a space more for each field
  const auto refusal = other.parse_head(text_again, again);
  expect(!refusal, "what is accepted is accepted again", text_again);
  expect_same(request, again);
}

}  // namespace holdfast::fuzz
