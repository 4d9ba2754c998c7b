// Ranges and conditions of a download: the plan never leaves the file, its fields agree with it,
// and of one range it is what a second reader of RFC 9110 (section 14.1.2) makes of it.
//
//   input = method(1) size(1 + 8) header line LF header line LF …
#include <algorithm>

#include "base/time_text.h"
#include "daemon/http/file_semantics.h"
#include "tests/fuzz/input.h"
#include "tests/fuzz/targets.h"

namespace holdfast::fuzz {
namespace {

constexpr UnixMillis kModified{1'795'000'000'123};

// A number in floating point of 64 bits, which is exact for every size of a file. What is beyond
// them is infinite.
std::optional<long double> number_of(std::string_view digits) {
  if (digits.empty() || digits.find_first_not_of("0123456789") != std::string_view::npos)
    return std::nullopt;
  long double value = 0;
  for (char c : digits)
    value = std::min(value * 10 + (c - '0'), static_cast<long double>(INT64_MAX));
  return value;
}

// Exact for any number of digits.
bool ends_early(std::string_view first, std::string_view last) {
  const auto significant = [](std::string_view digits) {
    return digits.substr(std::min(digits.find_first_not_of('0'), digits.size()));
  };
  first = significant(first);
  last = significant(last);
  return last.size() < first.size() || (last.size() == first.size() && last < first);
}

struct Expected {
  int status = 200;
  long double first = 0;
  long double length = 0;
};

Expected read_range(std::string_view field, int64_t size) {
  const auto total = static_cast<long double>(size);
  const Expected whole{200, 0, total};
  if (!http::equals_ignoring_case(field.substr(0, 6), "bytes=")) return whole;
  std::string_view spec = field.substr(6);
  const size_t begin = spec.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return whole;
  spec = spec.substr(begin, spec.find_last_not_of(" \t") - begin + 1);
  const size_t dash = spec.find('-');
  if (dash == std::string_view::npos) return whole;
  const auto left = number_of(spec.substr(0, dash));
  const auto right = number_of(spec.substr(dash + 1));
  if (dash == 0) {
    if (!right || (total == 0 && *right > 0)) return whole;
    const long double length = std::min(*right, total);
    return length == 0 ? Expected{416, 0, 0} : Expected{206, total - length, length};
  }
  const bool is_open = dash + 1 == spec.size();
  if (!left || (!right && !is_open)) return whole;
  if (right && ends_early(spec.substr(0, dash), spec.substr(dash + 1))) return whole;
  if (*left >= total) return {416, 0, 0};
  const long double last = is_open ? total - 1 : std::min(*right, total - 1);
  return {206, *left, last - *left + 1};
}

bool is_conditional(const http::Request& request) {
  for (const char* name :
       {"if-match", "if-none-match", "if-modified-since", "if-unmodified-since", "if-range"})
    if (request.headers.find(name)) return true;
  return false;
}

void expect_fields_agree(const http::FilePlan& plan, int64_t size) {
  const auto range = plan.headers.find("content-range");
  const std::string total = std::to_string(size);
  if (plan.status == 206)
    expect(range == "bytes " + std::to_string(plan.offset) + "-" +
                        std::to_string(plan.offset + plan.length - 1) + "/" + total,
           "Content-Range tells what is sent", *range);
  else if (plan.status == 416)
    expect(range == "bytes */" + total, "Content-Range tells the size", range.value_or("absent"));
  else
    expect(!range, "Content-Range stands in 206 and 416 only");
  for (const http::Headers::Field& field : plan.headers.fields())
    expect(field.value.find_first_of("\r\n") == std::string::npos, "no field holds a line's end");
}

}  // namespace

void file_range(ByteSpan bytes) {
  Input input(bytes);
  constexpr http::Method kMethods[] = {http::Method::kGet, http::Method::kHead, http::Method::kPut,
                                       http::Method::kDelete};
  http::Request request;
  request.method = kMethods[input.byte() % 4];
  const bool is_small = input.byte() % 4 != 0;
  const uint64_t number = input.number(8);
  http::FileFacts facts;
  facts.size = Bytes(static_cast<int64_t>(number % (is_small ? 1000 : uint64_t{1} << 62)));
  facts.etag = "0123abcd";
  facts.last_modified = kModified;
  facts.download_name = "a b\"\r\n.wav";
  while (!input.empty()) {
    const std::string_view line = input.line();
    const size_t colon = std::min(line.find(':'), line.size());
    const size_t value = std::min(line.find_first_not_of(' ', colon + 1), line.size());
    request.headers.add(line.substr(0, colon), line.substr(std::min(value, line.size())));
  }

  const http::FilePlan plan = http::plan_file(request, facts);
  const bool reads = request.method == http::Method::kGet || request.method == http::Method::kHead;
  const bool has_body = plan.status == 200 || plan.status == 206;
  expect(has_body || plan.status == 304 || plan.status == 412 || plan.status == 416,
         "a plan has one of five statuses", std::to_string(plan.status));
  expect(plan.offset >= 0 && plan.length >= 0 && plan.length <= facts.size.count &&
             plan.offset <= facts.size.count - plan.length,
         "a plan lies within the file");
  expect(plan.status != 200 || plan.length == facts.size.count, "200 is the whole file");
  expect(plan.status != 206 || plan.length > 0, "206 has a byte or more");
  expect(has_body || plan.length == 0, "only 200 and 206 have a body");
  expect(plan.status != 304 || reads, "304 is for GET and HEAD");
  expect(plan.status != 206 || request.method == http::Method::kGet, "206 is for GET");
  expect_fields_agree(plan, facts.size.count);

  if (is_conditional(request)) return;
  Expected expected{200, 0, static_cast<long double>(facts.size.count)};
  if (request.method == http::Method::kGet && request.headers.count("range") == 1)
    expected = read_range(*request.headers.find("range"), facts.size.count);
  expect(plan.status == expected.status, "two readers of a range agree on the status",
         std::to_string(plan.status));
  expect(static_cast<long double>(plan.offset) == expected.first &&
             static_cast<long double>(plan.length) == expected.length,
         "two readers of a range agree on its bytes");
}

}  // namespace holdfast::fuzz
