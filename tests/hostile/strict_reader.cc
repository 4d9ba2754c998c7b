#include "tests/hostile/strict_reader.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <utility>

namespace holdfast::hostile {
namespace {

constexpr size_t kHeadMax = 16 * 1024;
constexpr size_t kTargetMax = 8 * 1024;
constexpr size_t kFieldsMax = 64;
constexpr size_t kParametersMax = 256;
constexpr size_t kBodyMax = 1 << 20;
constexpr size_t kChunkLineMax = 4096;
constexpr size_t kExtensionMax = 256;

constexpr char kIncomplete[] = "6.3: it does not end";

bool is_one_of(char c, std::string_view set) { return set.find(c) != std::string_view::npos; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_alpha(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_hex(char c) { return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }
bool is_token_char(char c) { return is_digit(c) || is_alpha(c) || is_one_of(c, "!#$%&'*+-.^_`|~"); }

template <typename Is>
bool all_of(std::string_view text, Is is) {
  return std::all_of(text.begin(), text.end(), is);
}
bool is_token(std::string_view text) { return !text.empty() && all_of(text, is_token_char); }
bool is_number(std::string_view text) { return !text.empty() && all_of(text, is_digit); }

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  return out;
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && is_one_of(text.front(), " \t")) text.remove_prefix(1);
  while (!text.empty() && is_one_of(text.back(), " \t")) text.remove_suffix(1);
  return text;
}

// The part of `text` up to `mark`, which is taken away with it; all of it without one.
std::string_view take_until(std::string_view& text, char mark) {
  const size_t at = std::min(text.find(mark), text.size());
  const std::string_view part = text.substr(0, at);
  text.remove_prefix(std::min(at + 1, text.size()));
  return part;
}

struct Field {
  std::string name;  // lower case
  std::string value;
  bool has_tab = false;  // in the white space around the value
};

struct Head {
  std::string method;
  std::string target;
  bool is_old = false;  // HTTP/1.0
  std::vector<Field> fields;

  std::vector<std::string> all(std::string_view name) const {
    std::vector<std::string> values;
    for (const Field& field : fields)
      if (field.name == name) values.push_back(field.value);
    return values;
  }
};

// "" or the rule that `value` breaks (RFC 9110, 5.5): no control byte but the tab.
std::string check_value(std::string_view value) {
  const bool sound = all_of(value, [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return c == '\t' || (byte >= 0x20 && byte != 0x7f);
  });
  return sound ? "" : "9110, 5.5: a control byte in a field";
}

std::string read_field(std::string_view line, std::vector<Field>& fields) {
  const size_t colon = line.find(':');
  if (is_one_of(line.front(), " \t")) return "5.2: a folded line";
  if (colon == std::string_view::npos) return "5: a line without a colon";
  if (!is_token(line.substr(0, colon))) return "5.1: a field's name that is no token";
  if (auto broken = check_value(line.substr(colon + 1)); !broken.empty()) return broken;
  const std::string_view raw = line.substr(colon + 1);
  const std::string_view value = trim(raw);
  const bool has_tab =
      std::count(raw.begin(), raw.end(), '\t') > std::count(value.begin(), value.end(), '\t');
  fields.push_back({lower(line.substr(0, colon)), std::string(value), has_tab});
  return "";
}

std::string read_request_line(std::string_view line, Head& head) {
  static constexpr std::string_view kMethods[] = {"GET",   "HEAD",   "POST",   "PUT",
                                                  "PATCH", "DELETE", "OPTIONS"};
  if (std::count(line.begin(), line.end(), ' ') != 2) return "3: a request line is three words";
  head.method = take_until(line, ' ');
  head.target = take_until(line, ' ');
  if (!is_token(head.method)) return "9110, 9.1: a method that is no token";
  if (head.target.empty()) return "3.2: no target";
  if (head.target.size() > kTargetMax) return "3: a target beyond our bound";
  // RFC 3986, without the fragment.
  const bool is_uri = all_of(head.target, [](char c) {
    return is_digit(c) || is_alpha(c) || is_one_of(c, "-._~%:/?[]@!$&'()*+,;=");
  });
  if (!is_uri) return "3.2: a byte that no URI has";
  if (line != "HTTP/1.1" && line != "HTTP/1.0") return "2.3: another version";
  head.is_old = line == "HTTP/1.0";
  if (std::find(std::begin(kMethods), std::end(kMethods), head.method) == std::end(kMethods))
    return "9110, 9.1: a method that we do not know";
  return "";
}

bool is_authority(std::string_view text) {
  const bool bracketed = !text.empty() && text.front() == '[';
  const size_t close = bracketed ? text.find(']') : std::string_view::npos;
  if (bracketed && close == std::string_view::npos) return false;
  const size_t colon = text.find(':', bracketed ? close : 0);
  const std::string_view name = text.substr(0, colon);
  if (colon != std::string_view::npos) {
    const std::string_view port = text.substr(colon + 1);
    if (port.size() > 5 || !all_of(port, is_digit)) return false;
  }
  if (bracketed)
    return name.size() > 2 && name.back() == ']' &&
           all_of(name.substr(1, name.size() - 2),
                  [](char c) { return is_digit(c) || is_alpha(c) || is_one_of(c, ".:"); });
  return !name.empty() && name.size() <= 261 &&
         all_of(name, [](char c) { return is_digit(c) || is_alpha(c) || is_one_of(c, ".-_"); });
}

std::string check_host_and_form(Head& head) {
  const auto hosts = head.all("host");
  if (hosts.size() > 1) return "3.2: two Hosts";
  if (hosts.empty() && !head.is_old) return "3.2: no Host";
  if (!hosts.empty() && (hosts[0].size() > 261 || !is_authority(hosts[0])))
    return "3.2: a Host that is no uri-host with an optional port";
  if (head.target.front() == '/' || (head.target == "*" && head.method == "OPTIONS")) return "";
  const std::string lowered = lower(head.target);
  const size_t scheme = lowered.starts_with("http://")    ? 7
                        : lowered.starts_with("https://") ? 8
                                                          : 0;
  if (scheme == 0) return "3.2: neither a path nor an absolute http URI";
  const size_t end = std::min(head.target.find_first_of("/?", scheme), head.target.size());
  const std::string authority = head.target.substr(scheme, end - scheme);
  if (hosts.empty() || lower(authority) != lower(hosts[0]) || !is_authority(authority))
    return "3.2.2: a target whose authority is not Host";
  head.target = head.target.substr(end);
  if (head.target.empty() || head.target.front() == '?') head.target.insert(0, 1, '/');
  return "";
}

std::string check_escapes(std::string_view target) {
  for (size_t at = 0; (at = target.find('%', at)) != std::string_view::npos; ++at)
    if (target.size() < at + 3 || !is_hex(target[at + 1]) || !is_hex(target[at + 2]))
      return "9110, 4.2.3: an escape that cannot be decoded";
  const size_t mark = target.find('?');
  std::string_view query = mark == std::string_view::npos ? "" : target.substr(mark + 1);
  size_t parameters = 0;
  while (!query.empty())
    if (!take_until(query, '&').empty()) ++parameters;
  return parameters > kParametersMax ? "9110, 4.1: parameters beyond our bound" : "";
}

// Whether the client asks for the connection's end; nothing when that cannot be read. What is meant
// for proxies is no wish, but must be readable, too.
std::optional<bool> asks_to_close(const Head& head) {
  bool close = false;
  for (const Field& field : head.fields) {
    if (field.name != "connection" && field.name != "proxy-connection") continue;
    std::string_view rest = field.value;
    while (!rest.empty()) {
      const std::string_view option = trim(take_until(rest, ','));
      if (option.empty()) continue;
      if (!is_token(option)) return std::nullopt;
      close = close || (field.name == "connection" && lower(option) == "close");
    }
  }
  return close;
}

std::string check_others(const Head& head) {
  const auto expectations = head.all("expect");
  if (expectations.size() > 1 ||
      (!expectations.empty() && lower(expectations[0]) != "100-continue"))
    return "9110, 10.1.1: an expectation that we cannot meet";
  if (head.all("authorization").size() > 1) return "9110, 5.3: two Authorizations";
  if (head.fields.size() > kFieldsMax) return "5.4: fields beyond our bound";
  return "";
}

// large_client_header_buffers of the peer (nginx_process.cc): the longest line that it takes.
constexpr size_t kPeerLineMax = 8192;

// nginx's own rules about what is sound by the RFC and by ours. What a target means is decided by
// the routes here, and by nginx before them.
std::string note_of(const Head& head) {
  if (head.target == "*") return "3.2.4: nginx does not know *";
  const std::string path = lower(head.target.substr(0, head.target.find('?')));
  if (path.find("%00") != std::string::npos) return "9110, 4.2.3: an escaped NUL in the path";
  for (const char* dots : {"..", "%2e.", ".%2e", "%2e%2e"})
    if (path.find(dots) != std::string::npos)
      return "9110, 4.2.3: dot segments that may lead above the root";
  for (const Field& field : head.fields) {
    // As it is written at least: white space around the value is not counted.
    if (field.name.size() + std::string_view(": \r\n").size() + field.value.size() > kPeerLineMax)
      return "3: a line longer than nginx's buffers";
    const bool counts =
        field.name == "host" || field.name == "content-length" || field.name == "transfer-encoding";
    if (counts && field.has_tab) return "9110, 5.6.3: a tab around a value";
    const std::string name = field.value.substr(0, field.value.find(':'));
    if (field.name == "host" && (name == "." || name.find("..") != std::string::npos))
      return "3.2: a Host of dots";
  }
  for (const char* name :
       {"expect", "if-match", "if-modified-since", "if-none-match", "if-range",
        "if-unmodified-since", "keep-alive", "range", "te", "upgrade", "user-agent"})
    if (head.all(name).size() > 1) return "9110, 5.3: a field twice that is no list";
  return "";
}

// Reads requests from the front of what is left.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : rest_(bytes) {}

  bool is_over() const { return rest_.empty() || closes_; }
  bool closes() const { return closes_; }

  // What was seen of one request, with its note; or "" and `stop`.
  std::string next(std::string& stop, std::string& note) {
    Head head;
    stop = read_head(head);
    if (stop.empty()) stop = check_host_and_form(head);
    size_t length = 0;
    if (stop.empty()) stop = check_others(head);
    if (stop.empty()) stop = check_escapes(head.target);
    const auto close = asks_to_close(head);
    if (stop.empty() && !close) stop = "9110, 7.6.1: Connection is no list of tokens";
    if (stop.empty()) stop = read_body(head, length);
    if (!stop.empty()) return "";
    closes_ = head.is_old || *close;
    note = note_of(head);
    return head.method + " " + head.target + " " + std::to_string(length);
  }

 private:
  std::string read_head(Head& head) {
    const size_t end = rest_.find("\r\n\r\n");
    const std::string_view text =
        rest_.substr(0, end == std::string_view::npos ? rest_.size() : end + 2);
    if (!text.empty() && !is_token_char(text.front())) return "2.2: no method at the front";
    for (size_t at = 0; at < std::min(text.size(), kHeadMax); ++at) {
      if (text[at] == '\n' && (at == 0 || text[at - 1] != '\r')) return "2.2: a lone LF";
      if (text[at] == '\r' && at + 1 < text.size() && text[at + 1] != '\n') return "2.2: a lone CR";
    }
    if (end == std::string_view::npos || end + 4 > kHeadMax)
      return rest_.size() > kHeadMax ? "3: a head beyond our bound" : kIncomplete;
    std::string_view lines = text;
    rest_.remove_prefix(end + 4);
    const auto take_line = [&] {
      const std::string_view line = take_until(lines, '\r');
      lines.remove_prefix(1);  // the LF
      return line;
    };
    if (auto broken = read_request_line(take_line(), head); !broken.empty()) return broken;
    while (!lines.empty())
      if (auto broken = read_field(take_line(), head.fields); !broken.empty()) return broken;
    return "";
  }

  std::string read_body(const Head& head, size_t& length) {
    const auto codings = head.all("transfer-encoding");
    const auto lengths = head.all("content-length");
    if (!codings.empty()) {
      if (!lengths.empty()) return "6.1: a length beside a coding";
      if (head.is_old) return "6.1: a coding in HTTP/1.0";
      if (codings.size() > 1 || lower(codings[0]) != "chunked") return "6.1: not chunked alone";
      return read_chunks(length);
    }
    if (lengths.empty()) return "";
    const std::string& digits = lengths[0];
    if (lengths.size() > 1 || !is_number(digits) || (digits.size() > 1 && digits[0] == '0'))
      return "6.3: not one length in one spelling";
    if (digits.size() > 7 || std::stoul(digits) > kBodyMax)
      return "9110, 15.5.14: a body beyond our bound";
    length = std::stoul(digits);
    if (rest_.size() < length) return kIncomplete;
    rest_.remove_prefix(length);
    return "";
  }

  // The line at the front, without its CR LF, taken away.
  std::optional<std::string_view> take_chunk_line(std::string& broken) {
    const size_t end = rest_.find('\n');
    if (end == std::string_view::npos) {
      broken = kIncomplete;
      return std::nullopt;
    }
    const std::string_view line = rest_.substr(0, end);
    if (line.empty() || line.back() != '\r') {
      broken = "2.2: a lone LF";
      return std::nullopt;
    }
    rest_.remove_prefix(end + 1);
    return line.substr(0, line.size() - 1);
  }

  std::string read_chunks(size_t& length) {
    std::string broken;
    while (true) {
      const auto line = take_chunk_line(broken);
      if (!line) return broken;
      size_t size = 0;
      if (broken = read_chunk_size(*line, size); !broken.empty()) return broken;
      if (size == 0) return read_trailers();
      length += size;
      if (length > kBodyMax) return "9110, 15.5.14: a body beyond our bound";
      if (rest_.size() < size + 2) return kIncomplete;
      if (rest_.substr(size, 2) != "\r\n") return "7.1: no CR LF behind a chunk's data";
      rest_.remove_prefix(size + 2);
    }
  }

  static std::string read_chunk_size(std::string_view line, size_t& size) {
    const size_t digits =
        static_cast<size_t>(std::find_if_not(line.begin(), line.end(), is_hex) - line.begin());
    if (digits == 0) return "7.1: no size of a chunk";
    std::string_view significant = line.substr(0, digits);
    while (significant.size() > 1 && significant.front() == '0') significant.remove_prefix(1);
    if (significant.size() > 15) return "7.1: a chunk's size beyond all bounds";
    size = std::stoul(std::string(significant), nullptr, 16);
    if (line.size() > kChunkLineMax) return "7.1: a chunk's line beyond our bound";
    return check_extensions(line.substr(digits));
  }

  // *( BWS ";" BWS chunk-ext-name [ BWS "=" BWS ( token / quoted-string ) ] ), and no white space
  // right behind the size.
  static std::string check_extensions(std::string_view text) {
    constexpr char kBroken[] = "7.1.1: not a list of extensions";
    if (text.size() > kExtensionMax) return "7.1.1: extensions beyond our bound";
    if (!text.empty() && text.front() != ';') return kBroken;
    while (!text.empty()) {
      if (text.front() != ';') return kBroken;
      text.remove_prefix(1);
      skip_space(text);
      if (take_token(text).empty()) return kBroken;
      const bool has_space = skip_space(text);
      if (text.empty()) return has_space ? kBroken : "";
      if (text.front() != '=') continue;
      text.remove_prefix(1);
      skip_space(text);
      if (!text.empty() && text.front() == '"' ? !take_quoted(text) : take_token(text).empty())
        return kBroken;
      if (skip_space(text) && text.empty()) return kBroken;
    }
    return "";
  }

  static bool skip_space(std::string_view& text) {
    const size_t end = std::min(text.find_first_not_of(" \t"), text.size());
    text.remove_prefix(end);
    return end > 0;
  }

  static std::string_view take_token(std::string_view& text) {
    const auto end = std::find_if_not(text.begin(), text.end(), is_token_char);
    const std::string_view token = text.substr(0, static_cast<size_t>(end - text.begin()));
    text.remove_prefix(token.size());
    return token;
  }

  static bool take_quoted(std::string_view& text) {
    for (size_t at = 1; at < text.size(); ++at) {
      if (text[at] == '\\') {
        ++at;
      } else if (text[at] == '"') {
        const bool sound = check_value(text.substr(0, at)).empty();
        text.remove_prefix(at + 1);
        return sound;
      }
    }
    return false;
  }

  std::string read_trailers() {
    std::string broken;
    std::vector<Field> dropped;
    const size_t all = rest_.size();
    while (true) {
      if (all - rest_.size() > kChunkLineMax) return "7.1.2: trailers beyond our bound";
      const auto line = take_chunk_line(broken);
      if (!line) return broken;
      if (line->empty()) return "";
      // 5.2: a folded line may be read as one, and trailers are dropped.
      if (!dropped.empty() && is_one_of(line->front(), " \t")) {
        if (broken = check_value(*line); !broken.empty()) return broken;
        continue;
      }
      if (broken = read_field(*line, dropped); !broken.empty()) return broken;
      const std::string& name = dropped.back().name;
      if (name == "content-length" || name == "transfer-encoding")
        return "9110, 6.5.1: a trailer that would frame the message";
    }
  }

  std::string_view rest_;
  bool closes_ = false;
};

}  // namespace

StrictReading read_strictly(std::string_view bytes) {
  StrictReading reading;
  Reader reader(bytes);
  while (!reader.is_over()) {
    std::string note;
    std::string saw = reader.next(reading.stop, note);
    if (!reading.stop.empty()) return reading;
    reading.taken.push_back(std::move(saw));
    reading.notes.push_back(std::move(note));
  }
  if (reader.closes()) reading.stop = "9.6: the client asked for the end, or spoke HTTP/1.0";
  return reading;
}

}  // namespace holdfast::hostile
