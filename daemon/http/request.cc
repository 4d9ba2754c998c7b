#include "daemon/http/request.h"

#include <algorithm>

#include "base/limits.h"

namespace holdfast::http {
namespace {

constexpr size_t kParametersMax = 256;  // far above any route; bounds what one target can cost

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

std::string lowered(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), lower);
  return out;
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (lower(c) >= 'a' && lower(c) <= 'f') return lower(c) - 'a' + 10;
  return -1;
}

bool is_plain(std::string_view segment) {
  if (segment == "." || segment == "..") return false;
  return std::none_of(segment.begin(), segment.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return c == '/' || c == '\\' || byte < 0x20 || byte > 0x7e;
  });
}

}  // namespace

std::string_view to_word(Method method) {
  switch (method) {
    case Method::kGet:
      return "GET";
    case Method::kHead:
      return "HEAD";
    case Method::kPost:
      return "POST";
    case Method::kPut:
      return "PUT";
    case Method::kPatch:
      return "PATCH";
    case Method::kDelete:
      return "DELETE";
    case Method::kOptions:
      return "OPTIONS";
  }
  return "";
}

bool equals_ignoring_case(std::string_view a, std::string_view b) {
  return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(),
                                            [](char x, char y) { return lower(x) == lower(y); });
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

void Headers::add(std::string_view name, std::string_view value) {
  fields_.push_back({lowered(name), std::string(value)});
}

void Headers::set(std::string_view name, std::string_view value) {
  std::erase_if(fields_, [&](const Field& f) { return equals_ignoring_case(f.name, name); });
  add(name, value);
}

std::optional<std::string_view> Headers::find(std::string_view name) const {
  for (const Field& field : fields_)
    if (equals_ignoring_case(field.name, name)) return field.value;
  return std::nullopt;
}

size_t Headers::count(std::string_view name) const {
  return static_cast<size_t>(std::count_if(fields_.begin(), fields_.end(), [&](const Field& f) {
    return equals_ignoring_case(f.name, name);
  }));
}

std::optional<std::string> Headers::joined(std::string_view name) const {
  std::optional<std::string> all;
  for (const Field& field : fields_) {
    if (!equals_ignoring_case(field.name, name)) continue;
    if (all) *all += ", ";
    all = all.value_or("") + field.value;
  }
  return all;
}

std::optional<std::string_view> Request::parameter(std::string_view name) const {
  std::optional<std::string_view> found;
  for (const QueryParameter& parameter : parameters) {
    if (parameter.name != name) continue;
    if (found) return std::nullopt;
    found = parameter.value;
  }
  return found;
}

size_t Request::parameter_count(std::string_view name) const {
  return static_cast<size_t>(
      std::count_if(parameters.begin(), parameters.end(),
                    [&](const QueryParameter& parameter) { return parameter.name == name; }));
}

std::optional<std::string_view> Request::bearer() const {
  constexpr std::string_view kScheme = "bearer ";
  const std::optional<std::string_view> value = headers.find("authorization");
  if (!value || value->size() <= kScheme.size() ||
      !equals_ignoring_case(value->substr(0, kScheme.size()), kScheme))
    return std::nullopt;
  std::string_view token = value->substr(kScheme.size());
  while (!token.empty() && token.front() == ' ') token.remove_prefix(1);
  if (token.empty()) return std::nullopt;
  return token;
}

Result<std::string> percent_decode(std::string_view text, bool plus_is_space) {
  std::string out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+' && plus_is_space) {
      out += ' ';
    } else if (text[i] != '%') {
      out += text[i];
    } else {
      const int high = i + 2 < text.size() ? hex_digit(text[i + 1]) : -1;
      const int low = i + 2 < text.size() ? hex_digit(text[i + 2]) : -1;
      if (high < 0 || low < 0)
        return Error{Code::kInvalid, "a '%' in the target is not followed by two hex digits"};
      out += static_cast<char>(high * 16 + low);
      i += 2;
    }
  }
  return out;
}

std::string percent_encode(std::string_view text) {
  static constexpr char kDigits[] = "0123456789ABCDEF";
  std::string out;
  for (char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool unreserved = (lower(c) >= 'a' && lower(c) <= 'z') || (c >= '0' && c <= '9') ||
                            c == '-' || c == '.' || c == '_' || c == '~';
    if (unreserved) {
      out += c;
    } else {
      out += '%';
      out += kDigits[byte >> 4];
      out += kDigits[byte & 15];
    }
  }
  return out;
}

Status split_target(Request& request) {
  const std::string_view target = request.target;
  const size_t mark = target.find('?');
  request.path = target.substr(0, mark);
  request.query = mark == std::string_view::npos ? "" : target.substr(mark + 1);
  request.segments.clear();
  request.parameters.clear();

  std::string_view path = request.path;
  if (path.size() > 1) {
    while (!path.empty()) {
      path.remove_prefix(1);  // the slash
      const std::string_view raw = path.substr(0, path.find('/'));
      HOLDFAST_ASSIGN(text, percent_decode(raw, false));
      const bool plain = is_plain(text);
      request.segments.push_back({std::move(text), plain});
      path.remove_prefix(raw.size());
    }
  }

  std::string_view query = request.query;
  while (!query.empty()) {
    const std::string_view pair = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(query.size(), pair.size() + 1));
    if (pair.empty()) continue;
    if (request.parameters.size() == kParametersMax)
      return Error{Code::kInvalid, "the query has more than 256 parameters"};
    const size_t equals = pair.find('=');
    const std::string_view raw_value =
        equals == std::string_view::npos ? std::string_view() : pair.substr(equals + 1);
    HOLDFAST_ASSIGN(name, percent_decode(pair.substr(0, equals), true));
    HOLDFAST_ASSIGN(value, percent_decode(raw_value, true));
    request.parameters.push_back({std::move(name), std::move(value)});
  }
  return {};
}

int64_t preferred_wait_seconds(const Request& request) {
  const std::string preferences = request.headers.joined("prefer").value_or("");
  std::string_view rest = preferences;
  while (!rest.empty()) {
    std::string_view one = rest.substr(0, rest.find(','));
    rest.remove_prefix(std::min(rest.size(), one.size() + 1));
    while (!one.empty() && one.front() == ' ') one.remove_prefix(1);
    while (!one.empty() && one.back() == ' ') one.remove_suffix(1);
    if (one.size() < 6 || one.size() > 20 || !equals_ignoring_case(one.substr(0, 5), "wait="))
      continue;
    int64_t seconds = 0;
    for (char c : one.substr(5)) {
      if (c < '0' || c > '9') return 0;
      seconds = seconds * 10 + (c - '0');
    }
    return std::min(seconds, limits::kPreferWaitSecondsMax);
  }
  return 0;
}

}  // namespace holdfast::http
