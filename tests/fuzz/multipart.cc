// Multipart bodies: the same parts whatever the pieces in which the body arrives, and those that a
// second, simple reader finds in the whole of it.
//
//   input = cuts(3) Content-Type LF body
#include <optional>
#include <vector>

#include "daemon/http/multipart.h"
#include "tests/fuzz/input.h"
#include "tests/fuzz/targets.h"

namespace holdfast::fuzz {
namespace {

struct Part {
  std::string name;
  std::optional<std::string> filename;
  std::string content_type;
  std::string data;
  bool ended = false;
  bool operator==(const Part&) const = default;
};

struct Parts final : http::PartSink {
  std::vector<Part> parts;
  std::string outcome = "whole";  // or the error

  Status on_part(const http::PartHead& head) override {
    expect(parts.empty() || parts.back().ended, "a part begins when the one before has ended");
    parts.push_back({head.name, head.filename, head.content_type, "", false});
    return {};
  }
  Status on_data(ByteSpan data) override {
    expect(!parts.empty() && !parts.back().ended, "data belong to a part");
    expect(!data.empty(), "no empty data are handed over");
    parts.back().data += as_text(data);
    return {};
  }
  Status on_part_end() override {
    expect(!parts.empty() && !parts.back().ended, "a part ends once");
    parts.back().ended = true;
    return {};
  }
  void on_end() override {}
  void on_refused(const Error&) override {}
  void on_error(const Error&) override {}
};

Parts parse(std::string_view boundary, std::string_view body, Cuts* cuts) {
  Parts parts;
  http::MultipartParser parser(boundary, parts);
  for (size_t at = 0; at < body.size();) {
    const std::string_view piece = cuts == nullptr ? body.substr(at) : cuts->next(body, at);
    // In memory of its own, so that a look beyond it is seen.
    const std::string own(piece);
    if (const Status fed = parser.feed(as_bytes(own)); !fed.ok()) {
      parts.outcome = fed.error().message;
      return parts;
    }
    at += piece.size();
  }
  if (const Status finished = parser.finish(); !finished.ok())
    parts.outcome = finished.error().message;
  return parts;
}

// The data of each part of a body that is whole, by looking for the delimiter.
std::vector<std::string> find_data(std::string_view boundary, std::string_view body) {
  const std::string text = "\r\n" + std::string(body);
  const std::string delimiter = "\r\n--" + std::string(boundary);
  std::vector<std::string> all;
  size_t at = 0;
  while (true) {
    expect(text.compare(at, delimiter.size(), delimiter) == 0, "a delimiter stands before a part");
    at += delimiter.size();
    const std::string after = text.substr(at, 2);
    at += 2;
    if (after == "--") break;
    expect(after == "\r\n", "a delimiter's line ends behind it");
    const size_t head_end = text.find("\r\n\r\n", at);
    expect(head_end != std::string::npos, "a part's head ends");
    at = head_end + 4;
    const size_t end = text.find(delimiter, at);
    expect(end != std::string::npos, "a part ends with a delimiter");
    all.push_back(text.substr(at, end - at));
    at = end;
  }
  expect(at == text.size() || text.substr(at) == "\r\n", "nothing follows the last delimiter");
  return all;
}

}  // namespace

void multipart(ByteSpan bytes) {
  Input input(bytes);
  Cuts cuts(input);
  const std::string content_type(input.line());
  const auto boundary = http::boundary_of(content_type);
  if (!boundary.ok()) return;
  expect(!boundary->empty() && boundary->size() <= 70, "a boundary has 1 to 70 characters");
  const std::string_view body = input.rest();

  const Parts whole = parse(*boundary, body, nullptr);
  const Parts pieces = parse(*boundary, body, &cuts);
  expect(whole.outcome == pieces.outcome, "a body ends alike in one piece and in many",
         whole.outcome + " / " + pieces.outcome);
  expect(whole.parts == pieces.parts, "the parts are the same in one piece and in many");
  if (whole.outcome != "whole") return;

  const std::vector<std::string> found = find_data(*boundary, body);
  expect(found.size() == whole.parts.size(), "two readers find the same number of parts");
  for (size_t i = 0; i < found.size(); ++i)
    expect(whole.parts[i].ended && whole.parts[i].data == found[i],
           "two readers find the same data in a part");
}

}  // namespace holdfast::fuzz
