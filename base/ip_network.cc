#include "base/ip_network.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <charconv>
#include <cstring>

namespace holdfast {
namespace {

constexpr std::array<uint8_t, 12> kMapped = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

IpAddress mapped(const void* four) {
  IpAddress out;
  std::copy(kMapped.begin(), kMapped.end(), out.bytes.begin());
  std::memcpy(out.bytes.data() + kMapped.size(), four, 4);
  return out;
}

struct Purpose {
  std::string_view network;
  std::string_view word;
};

// IANA's special-purpose registries of IPv4 and IPv6 (RFC 6890), without the few ranges that are
// global. Ranges that carry an IPv4 address inside (NAT64, 6to4, Teredo) could reach what the IPv4
// rules forbid.
constexpr Purpose kPurposes[] = {
    {"0.0.0.0/8", "this network"},
    {"10.0.0.0/8", "private"},
    {"100.64.0.0/10", "shared (carrier-grade NAT)"},
    {"127.0.0.0/8", "loopback"},
    {"169.254.0.0/16", "link-local"},
    {"172.16.0.0/12", "private"},
    {"192.0.0.0/24", "reserved for protocols"},
    {"192.0.2.0/24", "for documentation"},
    {"192.88.99.0/24", "6to4 relay"},
    {"192.168.0.0/16", "private"},
    {"198.18.0.0/15", "for benchmarks"},
    {"198.51.100.0/24", "for documentation"},
    {"203.0.113.0/24", "for documentation"},
    {"224.0.0.0/4", "multicast"},
    {"240.0.0.0/4", "reserved"},
    {"::/128", "unspecified"},
    {"::1/128", "loopback"},
    {"::/96", "IPv4-compatible"},
    {"64:ff9b::/96", "NAT64"},
    {"64:ff9b:1::/48", "NAT64"},
    {"100::/64", "discarded"},
    {"2001::/23", "reserved for protocols"},
    {"2001:db8::/32", "for documentation"},
    {"2002::/16", "6to4"},
    {"3fff::/20", "for documentation"},
    {"5f00::/16", "segment routing"},
    {"fc00::/7", "private"},
    {"fe80::/10", "link-local"},
    {"fec0::/10", "site-local"},
    {"ff00::/8", "multicast"},
};

}  // namespace

Result<IpAddress> IpAddress::from_text(std::string_view text) {
  const std::string copy(text);
  const bool is_text = text.find('\0') == std::string_view::npos;
  in_addr four{};
  if (is_text && ::inet_pton(AF_INET, copy.c_str(), &four) == 1) return mapped(&four);
  IpAddress out;
  if (is_text && ::inet_pton(AF_INET6, copy.c_str(), out.bytes.data()) == 1) return out;
  return Error{Code::kInvalid, "\"" + copy.substr(0, 80) + "\" is no IP address"};
}

std::optional<IpAddress> IpAddress::from_socket(const sockaddr& address) {
  if (address.sa_family == AF_INET) {
    sockaddr_in four{};
    std::memcpy(&four, &address, sizeof four);
    return mapped(&four.sin_addr);
  }
  if (address.sa_family != AF_INET6) return std::nullopt;
  sockaddr_in6 six{};
  std::memcpy(&six, &address, sizeof six);
  IpAddress out;
  std::memcpy(out.bytes.data(), &six.sin6_addr, out.bytes.size());
  return out;
}

bool IpAddress::is_v4() const { return std::equal(kMapped.begin(), kMapped.end(), bytes.begin()); }

std::string IpAddress::text() const {
  char buffer[INET6_ADDRSTRLEN] = {};
  if (is_v4())
    ::inet_ntop(AF_INET, bytes.data() + kMapped.size(), buffer, sizeof buffer);
  else
    ::inet_ntop(AF_INET6, bytes.data(), buffer, sizeof buffer);
  return buffer;
}

Result<IpNetwork> IpNetwork::from_text(std::string_view text) {
  const size_t slash = text.find('/');
  HOLDFAST_ASSIGN(base, IpAddress::from_text(text.substr(0, slash)));
  IpNetwork out{base, 128};
  const Error wrong{Code::kInvalid, "\"" + std::string(text.substr(0, 80)) +
                                        "\" is no network such as 10.0.0.0/8 or fd00::/8"};
  if (slash != std::string_view::npos) {
    const std::string_view digits = text.substr(slash + 1);
    const int most = base.is_v4() ? 32 : 128;
    int prefix = -1;
    const auto [end, failed] =
        std::from_chars(digits.data(), digits.data() + digits.size(), prefix);
    if (failed != std::errc() || end != digits.data() + digits.size() || prefix < 0 ||
        prefix > most)
      return wrong;
    out.prefix = prefix + (128 - most);
  }
  for (int bit = out.prefix; bit < 128; ++bit)
    if ((base.bytes[static_cast<size_t>(bit / 8)] & (0x80 >> (bit % 8))) != 0) return wrong;
  return out;
}

bool IpNetwork::contains(const IpAddress& address) const {
  const auto whole = static_cast<size_t>(prefix / 8);
  if (!std::equal(base.bytes.begin(), base.bytes.begin() + static_cast<std::ptrdiff_t>(whole),
                  address.bytes.begin()))
    return false;
  if (prefix % 8 == 0) return true;
  const int mask = 0xff00 >> (prefix % 8) & 0xff;
  return ((base.bytes[whole] ^ address.bytes[whole]) & mask) == 0;
}

std::optional<std::string_view> special_purpose(const IpAddress& address) {
  for (const Purpose& purpose : kPurposes) {
    const Result<IpNetwork> network = IpNetwork::from_text(purpose.network);
    assert(network.ok());
    // ::/96 would hold nothing mapped: IPv4 addresses have their own rows.
    if (network->base.is_v4() == address.is_v4() && network->contains(address)) return purpose.word;
  }
  return std::nullopt;
}

bool is_host_pattern(std::string_view text) {
  if (text.starts_with("*.")) text.remove_prefix(2);
  if (text.empty() || text.size() > 253) return false;
  size_t length = 0;  // of the label
  char before = '.';
  for (const char c : text) {
    const bool word = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    if (c == '.') {
      if (length == 0 || before == '-') return false;
      length = 0;
    } else if ((!word && (c != '-' || length == 0)) || ++length > 63) {
      return false;
    }
    before = c;
  }
  return length > 0 && before != '-';
}

bool matches_host(std::string_view pattern, std::string_view host) {
  if (!pattern.starts_with("*.")) return pattern == host;
  return host.size() > pattern.size() - 1 && host.ends_with(pattern.substr(1));
}

}  // namespace holdfast
