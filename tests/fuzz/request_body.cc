// Request bodies: the same bytes, and the same end, whatever the pieces in which they arrive; and
// of a chunked body, what a second reader of RFC 9112 (section 7.1) gets.
//
//   input = cuts(3) request
#include "daemon/http/parser.h"
#include "tests/fuzz/input.h"
#include "tests/fuzz/targets.h"

namespace holdfast::fuzz {
namespace {

// Beyond it a chunk's head is refused for its length, which depends on how much has arrived.
constexpr size_t kBodyBytesMax = 4000;

struct Body {
  std::string data;
  size_t consumed = 0;
  bool done = false;
  bool refused = false;
  bool operator==(const Body&) const = default;
};

// As a connection does: what a step leaves is offered again when more has come.
Body read_body(std::string_view head, std::string_view text, Cuts* cuts) {
  http::Request request;
  http::RequestParser parser;
  const auto refusal = parser.parse_head(head, request);
  expect(!refusal, "a head that was accepted is accepted again");
  Body body;
  size_t arrived = cuts == nullptr ? text.size() : 0;
  while (true) {
    const std::string_view there = text.substr(body.consumed, arrived - body.consumed);
    const http::RequestParser::BodyStep step = parser.parse_body(there);
    expect(step.consumed <= there.size(), "no more is consumed than there is");
    expect(step.data.empty() ||
               (as_text(step.data).data() >= there.data() &&
                as_text(step.data).data() + step.data.size() <= there.data() + there.size()),
           "data are a span of the input");
    body.data += as_text(step.data);
    body.consumed += step.consumed;
    body.done = step.done;
    body.refused = step.refusal.has_value();
    if (body.done || body.refused) return body;
    const bool is_stuck = step.consumed == 0 && step.data.empty() && !step.need_more;
    expect(!is_stuck, "every step gets on, ends, or asks for more");
    if (!step.need_more && step.consumed > 0) continue;
    if (arrived == text.size()) return body;
    arrived += cuts->next(text, arrived).size();
  }
}

// What a chunked body holds, when it is whole and well-formed; false otherwise.
bool decode_chunks(std::string_view text, std::string& data, size_t& consumed) {
  const std::string_view all = text;
  while (true) {
    const size_t end = text.find("\r\n");
    if (end == std::string_view::npos) return false;
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(end + 2);
    size_t size = 0;
    size_t digits = 0;
    for (; digits < line.size(); ++digits) {
      const size_t digit =
          std::string_view("0123456789abcdef")
              .find(static_cast<char>(line[digits] | (line[digits] > '9' ? 32 : 0)));
      if (digit == std::string_view::npos) break;
      size = size * 16 + digit;
      if (size > kBodyBytesMax) return false;
    }
    if (digits == 0) return false;
    if (size == 0) {
      while (true) {  // trailers
        const size_t next = text.find("\r\n");
        if (next == std::string_view::npos) return false;
        text.remove_prefix(next + 2);
        if (next == 0) break;
      }
      consumed = all.size() - text.size();
      return true;
    }
    if (text.size() < size + 2 || text.substr(size, 2) != "\r\n") return false;
    data += text.substr(0, size);
    text.remove_prefix(size + 2);
  }
}

}  // namespace

void request_body(ByteSpan bytes) {
  Input input(bytes);
  Cuts cuts(input);
  const std::string text(input.rest());
  const auto end = http::find_head_end(text, 0);
  if (!end || text.size() - *end > kBodyBytesMax) return;
  const std::string_view head = std::string_view(text).substr(0, *end);
  const std::string_view rest = std::string_view(text).substr(*end);
  http::Request request;
  http::RequestParser parser;
  if (parser.parse_head(head, request)) return;

  const Body whole = read_body(head, rest, nullptr);
  const Body pieces = read_body(head, rest, &cuts);
  expect(whole.refused == pieces.refused && whole.done == pieces.done,
         "a body ends alike in one piece and in many");
  if (whole.refused) return;
  // Of a body that is cut off the last few bytes may wait for what never comes.
  if (!whole.done) {
    const size_t length = std::min(whole.data.size(), pieces.data.size());
    expect(whole.data.compare(0, length, pieces.data, 0, length) == 0,
           "a body begins alike in one piece and in many");
    return;
  }
  expect(whole.data == pieces.data, "a body is the same in one piece and in many");
  expect(whole.consumed == pieces.consumed,
         "a body ends at the same byte in one piece and in many");
  if (!request.chunked) {
    const auto length = static_cast<size_t>(request.content_length.value_or(0));
    expect(whole.data == rest.substr(0, length) && whole.consumed == length,
           "a body is as long as Content-Length says");
    return;
  }
  std::string data;
  size_t consumed = 0;
  expect(decode_chunks(rest, data, consumed), "a chunked body that ends is well-formed");
  expect(data == whole.data && consumed == whole.consumed,
         "two readers of a chunked body read the same");
}

}  // namespace holdfast::fuzz
