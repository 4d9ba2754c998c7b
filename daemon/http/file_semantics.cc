#include "daemon/http/file_semantics.h"

#include <openssl/evp.h>

#include <algorithm>
#include <string_view>
#include <utility>

#include "base/time_text.h"

namespace holdfast::http {
namespace {

// Does the list of entity tags name ours? "*" names any. Weak comparison ignores
// the W/ mark, strong comparison never matches a marked tag (RFC 9110, 8.8.3.2).
// What is not a list of tags names nothing.
bool names_etag(std::string_view list, std::string_view etag, bool weak_comparison) {
  list = trimmed(list);
  if (list == "*") return true;
  bool found = false;
  while (!list.empty()) {
    const bool weak = list.substr(0, 2) == "W/";
    if (weak) list.remove_prefix(2);
    if (list.empty() || list.front() != '"') return false;
    const size_t close = list.find('"', 1);
    if (close == std::string_view::npos) return false;
    const bool same = list.substr(1, close - 1) == etag;
    found = found || (same && (weak_comparison || !weak));
    list = trimmed(list.substr(close + 1));
    if (list.empty()) break;
    if (list.front() != ',') return false;
    list = trimmed(list.substr(1));
  }
  return found;
}

// Dates are compared in whole seconds, as they are told.
int64_t whole_seconds(UnixMillis time) { return time.count / 1000; }

bool modified_after(const FileFacts& facts, std::string_view date, bool when_unreadable) {
  const Result<UnixMillis> then = from_http_date(trimmed(date));
  if (!then.ok()) return when_unreadable;
  return whole_seconds(facts.last_modified) > whole_seconds(*then);
}

// RFC 9110, 13.2.2: which status the conditions demand, or 0 to go on.
int evaluate_conditions(const Request& request, const FileFacts& facts) {
  const Headers& headers = request.headers;
  const bool reads = request.method == Method::kGet || request.method == Method::kHead;
  if (const auto tags = headers.joined("if-match")) {
    if (!names_etag(*tags, facts.etag, false)) return 412;
  } else if (const auto date = headers.find("if-unmodified-since")) {
    if (modified_after(facts, *date, false)) return 412;
  }
  if (const auto tags = headers.joined("if-none-match")) {
    if (names_etag(*tags, facts.etag, true)) return reads ? 304 : 412;
  } else if (const auto date = headers.find("if-modified-since"); date && reads) {
    if (!modified_after(facts, *date, true)) return 304;
  }
  return 0;
}

struct ByteRange {
  int64_t first = 0;
  int64_t length = 0;  // 0: not satisfiable
};

// What is beyond 63 bits is as good as infinity here.
std::optional<int64_t> parse_position(std::string_view digits) {
  if (digits.empty()) return std::nullopt;
  int64_t value = 0;
  for (char c : digits) {
    if (c < '0' || c > '9') return std::nullopt;
    const int digit = c - '0';
    value = value > (INT64_MAX - digit) / 10 ? INT64_MAX : value * 10 + digit;
  }
  return value;
}

// Of numbers in decimal, also those that parse_position takes for infinite.
bool is_less(std::string_view a, std::string_view b) {
  a.remove_prefix(std::min(a.find_first_not_of('0'), a.size()));
  b.remove_prefix(std::min(b.find_first_not_of('0'), b.size()));
  return a.size() != b.size() ? a.size() < b.size() : a < b;
}

// RFC 9110, 14.1.2. Nothing when the field is to be ignored: another unit, a
// syntax error, several ranges, or the last bytes of an empty file, which are
// satisfiable and which no Content-Range can name.
std::optional<ByteRange> parse_range(std::string_view field, int64_t size) {
  constexpr std::string_view kUnit = "bytes=";
  if (field.size() < kUnit.size() || !equals_ignoring_case(field.substr(0, kUnit.size()), kUnit))
    return std::nullopt;
  const std::string_view spec = trimmed(field.substr(kUnit.size()));
  const size_t dash = spec.find('-');
  if (dash == std::string_view::npos) return std::nullopt;
  const std::string_view left = spec.substr(0, dash);
  const std::string_view right = spec.substr(dash + 1);
  if (left.empty()) {  // the last n bytes
    const std::optional<int64_t> suffix = parse_position(right);
    if (!suffix || (size == 0 && *suffix > 0)) return std::nullopt;
    const int64_t length = std::min(*suffix, size);
    return ByteRange{size - length, length};
  }
  const std::optional<int64_t> first = parse_position(left);
  const std::optional<int64_t> last =
      right.empty() ? std::optional<int64_t>(INT64_MAX) : parse_position(right);
  if (!first || !last || (!right.empty() && is_less(right, left))) return std::nullopt;
  if (*first >= size) return ByteRange{};
  return ByteRange{*first, std::min(*last, size - 1) - *first + 1};
}

// RFC 9110, 13.1.5: a range is for the client's version of the file only.
bool range_condition_holds(const Request& request, const FileFacts& facts) {
  const auto condition = request.headers.find("if-range");
  if (!condition) return true;
  if (condition->find('"') != std::string_view::npos)
    return *condition != "*" && names_etag(*condition, facts.etag, false);
  const Result<UnixMillis> date = from_http_date(*condition);
  return date.ok() && whole_seconds(*date) == whole_seconds(facts.last_modified);
}

void add_validators(Headers& headers, const FileFacts& facts) {
  headers.set("etag", "\"" + facts.etag + "\"");
  headers.set("last-modified", to_http_date(facts.last_modified));
  headers.set("cache-control", facts.cache_control);
  headers.set("accept-ranges", "bytes");
}

}  // namespace

FilePlan plan_file(const Request& request, const FileFacts& facts) {
  FilePlan plan;
  add_validators(plan.headers, facts);
  if (const int status = evaluate_conditions(request, facts); status != 0) {
    plan.status = status;
    return plan;
  }
  plan.length = facts.size.count;
  if (request.method == Method::kGet && request.headers.count("range") == 1 &&
      range_condition_holds(request, facts)) {
    const std::string total = std::to_string(facts.size.count);
    const auto range = parse_range(*request.headers.find("range"), facts.size.count);
    if (range && range->length == 0) {
      plan.status = 416;
      plan.length = 0;
      plan.headers.set("content-range", "bytes */" + total);
      return plan;
    }
    if (range) {
      plan.status = 206;
      plan.offset = range->first;
      plan.length = range->length;
      plan.headers.set("content-range", "bytes " + std::to_string(range->first) + "-" +
                                            std::to_string(range->first + range->length - 1) + "/" +
                                            total);
    }
  }
  plan.headers.set("content-type", facts.content_type);
  if (facts.sha256) {
    const std::string digest = to_base64(facts.sha256->bytes);
    plan.headers.set("digest", "sha-256=" + digest);              // RFC 3230, older clients
    plan.headers.set("repr-digest", "sha-256=:" + digest + ":");  // RFC 9530
  }
  if (!facts.download_name.empty())
    plan.headers.set("content-disposition",
                     "attachment; filename=\"" + percent_encode(facts.download_name) + "\"");
  return plan;
}

std::string to_base64(ByteSpan bytes) {
  std::string out((bytes.size() + 2) / 3 * 4 + 1, '\0');  // EVP adds a NUL
  EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                  reinterpret_cast<const unsigned char*>(bytes.data()),
                  static_cast<int>(bytes.size()));
  out.pop_back();
  return out;
}

}  // namespace holdfast::http
