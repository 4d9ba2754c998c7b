#include "daemon/http/policy.h"

#include <algorithm>
#include <array>

#include "base/limits.h"

namespace holdfast::http {
namespace {

constexpr size_t kChunkExtensionBytesMax = 256;  // nobody uses them; room for a curiosity

// RFC 9110, 5.6.2.
bool is_token_character(char c) {
  if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')) return true;
  return std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

bool is_token(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), is_token_character);
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// uri-host [ ":" port ] by its characters; the name itself means nothing to us.
bool is_authority(std::string_view text) {
  if (text.empty() || text.size() > 255 + 6) return false;
  const size_t colon = text.rfind(':');
  const bool has_port = colon != std::string_view::npos && text.back() != ']';
  if (has_port) {
    const std::string_view port = text.substr(colon + 1);
    if (port.size() > 5 || !std::all_of(port.begin(), port.end(), is_digit)) return false;
    text = text.substr(0, colon);
  }
  if (text.empty()) return false;
  const bool bracketed = text.front() == '[' && text.back() == ']' && text.size() > 2;
  if (bracketed) text = text.substr(1, text.size() - 2);
  return std::all_of(text.begin(), text.end(), [&](char c) {
    const bool name_character =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || is_digit(c) || c == '.';
    return name_character || (bracketed ? c == ':' : c == '-' || c == '_');
  });
}

std::optional<Refusal> check_host(const Request& request) {
  const size_t hosts = request.headers.count("host");
  if (hosts > 1) return Refusal{400, "more than one Host"};
  if (hosts == 0) {
    if (request.minor_version == 0) return std::nullopt;
    return Refusal{400, "no Host"};
  }
  if (!is_authority(*request.headers.find("host")))
    return Refusal{400, "Host is not a name with an optional port"};
  return std::nullopt;
}

// origin-form; "*" for OPTIONS; absolute-form when it agrees with Host, and then
// reduced to origin-form.
std::optional<Refusal> check_target_form(Request& request) {
  if (request.target.front() == '/') return std::nullopt;
  if (request.target == "*") {
    if (request.method == Method::kOptions) return std::nullopt;
    return Refusal{400, "target * is for OPTIONS"};
  }
  for (std::string_view scheme : {"http://", "https://"}) {
    const std::string_view target = request.target;
    if (!equals_ignoring_case(target.substr(0, scheme.size()), scheme)) continue;
    const std::string_view rest = target.substr(scheme.size());
    const size_t end = std::min(rest.find_first_of("/?"), rest.size());
    const std::string_view authority = rest.substr(0, end);
    const std::string_view host = request.headers.find("host").value_or("");
    if (!is_authority(authority) || !equals_ignoring_case(authority, host))
      return Refusal{400, "the target's authority differs from Host"};
    const std::string_view tail = rest.substr(end);
    request.target = (tail.empty() || tail.front() == '?' ? "/" : "") + std::string(tail);
    return std::nullopt;
  }
  return Refusal{400, "the target is neither a path nor an absolute http URI"};
}

// How long the body is, told in exactly one way or not at all.
std::optional<Refusal> check_framing(Request& request) {
  const size_t codings = request.headers.count("transfer-encoding");
  const size_t lengths = request.headers.count("content-length");
  if (codings > 0 && lengths > 0) return Refusal{400, "both Transfer-Encoding and Content-Length"};
  if (codings > 0) {
    if (codings > 1) return Refusal{400, "more than one Transfer-Encoding"};
    if (request.minor_version == 0) return Refusal{400, "Transfer-Encoding on HTTP/1.0"};
    const std::string_view coding = *request.headers.find("transfer-encoding");
    if (!equals_ignoring_case(coding, "chunked"))
      return Refusal{is_token(coding) ? 501 : 400, "a Transfer-Encoding other than chunked"};
    request.chunked = true;
    return std::nullopt;
  }
  if (lengths == 0) return std::nullopt;
  if (lengths > 1) return Refusal{400, "more than one Content-Length"};
  const std::string_view digits = *request.headers.find("content-length");
  // 18 digits hold any length that fits 63 bits without a check for overflow.
  const bool canonical = !digits.empty() && digits.size() <= 18 &&
                         std::all_of(digits.begin(), digits.end(), is_digit) &&
                         (digits.size() == 1 || digits.front() != '0');
  if (!canonical) return Refusal{400, "Content-Length is not one decimal number"};
  int64_t length = 0;
  for (char c : digits) length = length * 10 + (c - '0');
  request.content_length = length;
  return std::nullopt;
}

std::optional<Refusal> check_connection(Request& request) {
  request.keep_alive = request.minor_version >= 1;
  const std::string options = request.headers.joined("connection").value_or("");
  std::string_view rest = options;
  while (!rest.empty()) {
    std::string_view option = rest.substr(0, rest.find(','));
    rest.remove_prefix(std::min(rest.size(), option.size() + 1));
    while (!option.empty() && (option.front() == ' ' || option.front() == '\t'))
      option.remove_prefix(1);
    while (!option.empty() && (option.back() == ' ' || option.back() == '\t'))
      option.remove_suffix(1);
    if (option.empty()) continue;
    if (!is_token(option)) return Refusal{400, "Connection is not a list of tokens"};
    if (equals_ignoring_case(option, "close")) request.keep_alive = false;
  }
  return std::nullopt;
}

}  // namespace

std::optional<Refusal> check_head_bytes(std::string_view bytes, size_t from) {
  if (!bytes.empty() && from == 0 && !is_token_character(bytes.front()))
    return Refusal{400, "a request begins with its method"};
  // Two bytes of context before `from`: a line ending may have been cut in two.
  for (size_t i = from < 2 ? 0 : from - 2; i < bytes.size(); ++i) {
    const auto byte = static_cast<unsigned char>(bytes[i]);
    if (byte >= 0x20 && byte != 0x7f) continue;
    if (byte == '\t') continue;
    if (byte == '\r') {
      if (i + 1 < bytes.size() && bytes[i + 1] != '\n') return Refusal{400, "a bare CR"};
      continue;
    }
    if (byte != '\n') return Refusal{400, "a control byte in the head"};
    if (i == 0 || bytes[i - 1] != '\r') return Refusal{400, "a bare LF"};
    if (i + 1 < bytes.size() && (bytes[i + 1] == ' ' || bytes[i + 1] == '\t'))
      return Refusal{400, "a folded header line"};
  }
  return std::nullopt;
}

std::optional<Refusal> check_request_line(std::string_view line) {
  const size_t first = line.find(' ');
  const std::string_view method = line.substr(0, first);
  if (!is_token(method) || first == std::string_view::npos)
    return Refusal{400, "the request line does not begin with a method"};
  const size_t second = line.find(' ', first + 1);
  if (second == std::string_view::npos) return Refusal{400, "the request line has no version"};
  const std::string_view target = line.substr(first + 1, second - first - 1);
  const std::string_view version = line.substr(second + 1);
  if (target.size() > limits::kRequestTargetBytesMax) return Refusal{414, "the target is too long"};
  for (char c : target) {
    const auto byte = static_cast<unsigned char>(c);
    // Characters that RFC 3986 has nowhere, and the fragment, which is never sent.
    if (byte <= 0x20 || byte >= 0x7f ||
        std::string_view("\"#<>\\^`{|}").find(c) != std::string_view::npos)
      return Refusal{400, "the target has a character that must be percent-encoded"};
  }
  if (target.empty()) return Refusal{400, "the target is empty"};
  const bool version_shaped = version.size() == 8 && version.substr(0, 5) == "HTTP/" &&
                              is_digit(version[5]) && version[6] == '.' && is_digit(version[7]);
  if (!version_shaped) return Refusal{400, "the version is not HTTP/1.1"};
  if (version != "HTTP/1.1" && version != "HTTP/1.0")
    return Refusal{505, "HTTP/1.1 and HTTP/1.0 are spoken here"};
  static constexpr std::array<std::string_view, 7> kMethods = {"GET",   "HEAD",   "POST",   "PUT",
                                                               "PATCH", "DELETE", "OPTIONS"};
  if (std::find(kMethods.begin(), kMethods.end(), method) == kMethods.end())
    return Refusal{501, "unknown method"};
  return std::nullopt;
}

std::optional<Refusal> check_fields(Request& request) {
  if (request.headers.size() > limits::kRequestHeadersMax)
    return Refusal{431, "too many header fields"};
  if (auto refusal = check_host(request)) return refusal;
  if (auto refusal = check_target_form(request)) return refusal;
  if (auto refusal = check_framing(request)) return refusal;
  if (auto refusal = check_connection(request)) return refusal;
  if (const auto expect = request.headers.joined("expect")) {
    if (!equals_ignoring_case(*expect, "100-continue"))
      return Refusal{417, "Expect is 100-continue or nothing"};
    // RFC 9110, 10.1.1: an HTTP/1.0 client cannot mean it.
    request.expects_continue = request.minor_version >= 1;
  }
  if (request.headers.count("authorization") > 1)
    return Refusal{400, "more than one Authorization"};
  if (auto split = split_target(request); !split.ok()) return Refusal{400, split.error().message};
  return std::nullopt;
}

std::optional<Refusal> check_chunk_extension(std::string_view extension) {
  if (extension.empty()) return std::nullopt;
  if (extension.front() != ';') return Refusal{400, "a chunk size is hexadecimal digits"};
  if (extension.size() > kChunkExtensionBytesMax) return Refusal{400, "a chunk extension too long"};
  // Not even within quotes, where Beast lets them pass: who ends lines at a lone LF would read on
  // from there (RFC 9110, 5.6.4).
  for (const char c : extension) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte < 0x20 && c != '\t') || byte == 0x7f)
      return Refusal{400, "a control byte in a chunk extension"};
  }
  return std::nullopt;
}

}  // namespace holdfast::http
