#include "daemon/outbound/policy.h"

#include <curl/curl.h>
#include <netdb.h>

#include <algorithm>
#include <charconv>
#include <memory>

#include "base/limits.h"

namespace holdfast::outbound {
namespace {

struct FreeUrl {
  void operator()(CURLU* url) const { ::curl_url_cleanup(url); }
};
using Url = std::unique_ptr<CURLU, FreeUrl>;

// One part of the URL; empty when it has none.
std::string part_of(const Url& url, CURLUPart part) {
  char* text = nullptr;
  if (::curl_url_get(url.get(), part, &text, 0) != CURLUE_OK) return "";
  std::string out(text);
  ::curl_free(text);
  return out;
}

Error wrong(const std::string& what) { return Error{Code::kInvalid, what}; }

// Printable ASCII alone: what the library, a proxy and a log might read differently is refused.
bool is_plain(std::string_view url) {
  return std::all_of(url.begin(), url.end(),
                     [](char c) { return c > ' ' && c < '\x7f' && c != '\\' && c != '#'; });
}

bool is_listed(const Rules& rules, const std::string& host) {
  if (IpAddress::from_text(host).ok())  // an address is no name below "*."
    return std::find(rules.hosts.begin(), rules.hosts.end(), host) != rules.hosts.end();
  return std::any_of(rules.hosts.begin(), rules.hosts.end(),
                     [&](const std::string& pattern) { return matches_host(pattern, host); });
}

Status check_address(const Target& target, const IpAddress& address, const Rules& rules) {
  const auto special = special_purpose(address);
  if (!special) return Status();
  const bool allowed =
      std::any_of(rules.networks.begin(), rules.networks.end(),
                  [&](const IpNetwork& network) { return network.contains(address); });
  if (allowed) return Status();
  return Error{Code::kForbidden, "call " + target.host + ": its address " + address.text() +
                                     " is " + std::string(*special) +
                                     "; outbound.networks would have to hold it"};
}

}  // namespace

Result<Target> check_url(std::string_view text, const Rules& rules) {
  if (text.empty() || text.size() > limits::kOutboundUrlBytesMax)
    return wrong("a URL of 1 to " + std::to_string(limits::kOutboundUrlBytesMax) +
                 " bytes is expected");
  if (!is_plain(text))
    return wrong("the URL must be printable ASCII, percent-encoded, without a fragment");
  const Url url(::curl_url());
  const std::string copy(text);
  if (!url || ::curl_url_set(url.get(), CURLUPART_URL, copy.c_str(), 0) != CURLUE_OK)
    return wrong("the URL must be absolute, such as \"https://crm.example.com/done\"");
  const size_t begin = copy.find("//") + 2;
  const std::string authority = copy.substr(begin, copy.find_first_of("/?", begin) - begin);
  if (!part_of(url, CURLUPART_USER).empty() || !part_of(url, CURLUPART_PASSWORD).empty() ||
      authority.find('@') != std::string::npos)
    return wrong("the URL must not hold a user or a password");
  Target target;
  target.url = copy;
  target.scheme = part_of(url, CURLUPART_SCHEME);
  target.host = part_of(url, CURLUPART_HOST);
  std::transform(target.host.begin(), target.host.end(), target.host.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  if (target.host.starts_with('[') && target.host.ends_with(']'))
    target.host = target.host.substr(1, target.host.size() - 2);
  if (target.scheme != "https" && target.scheme != "http")
    return wrong("the URL must begin with https://");
  if (target.scheme == "http" && !rules.plaintext)
    return wrong("the URL must begin with https:// (outbound.plaintext is false)");
  // Names that libcurl's own lists could read otherwise than as a name ("-x" removes a pin).
  if (!IpAddress::from_text(target.host).ok() &&
      (!is_host_pattern(target.host) || target.host.starts_with("*")))
    return wrong("the URL's host must be a name of letters, digits and hyphens, or an address");
  if (!is_listed(rules, target.host))
    return wrong("the host \"" + target.host + "\" is not among outbound.hosts, which names " +
                 (rules.hosts.empty() ? "none" : std::to_string(rules.hosts.size())));
  target.port = target.scheme == "https" ? 443 : 80;
  if (const std::string port = part_of(url, CURLUPART_PORT); !port.empty()) {
    const auto [end, failed] = std::from_chars(port.data(), port.data() + port.size(), target.port);
    if (failed != std::errc() || *end != '\0' || target.port < 1 || target.port > 65'535)
      return wrong("the URL's port must be 1 to 65535");
  }
  return target;
}

Result<std::vector<IpAddress>> system_resolve(const std::string& host) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (const int failed = ::getaddrinfo(host.c_str(), nullptr, &hints, &found); failed != 0)
    return Error{Code::kUnavailable, "look up " + host + ": " + ::gai_strerror(failed)};
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owned(found, &::freeaddrinfo);
  std::vector<IpAddress> addresses;
  for (const addrinfo* at = found; at != nullptr; at = at->ai_next)
    if (auto address = IpAddress::from_socket(*at->ai_addr)) addresses.push_back(*address);
  return addresses;
}

Result<PinnedTarget> pin(std::string_view url, const Rules& rules, const Resolver& resolve) {
  HOLDFAST_ASSIGN(target, check_url(url, rules));
  PinnedTarget pinned;
  static_cast<Target&>(pinned) = target;
  if (const Result<IpAddress> literal = IpAddress::from_text(target.host); literal.ok()) {
    pinned.addresses = {*literal};
  } else {
    HOLDFAST_ASSIGN(addresses, resolve(target.host));
    pinned.addresses = std::move(addresses);
  }
  if (pinned.addresses.empty())
    return Error{Code::kUnavailable, "look up " + target.host + ": it has no address"};
  for (const IpAddress& address : pinned.addresses)
    HOLDFAST_TRY(check_address(target, address, rules));
  return pinned;
}

}  // namespace holdfast::outbound
