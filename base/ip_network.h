// IP addresses and networks, as far as it must be decided whom the archive may call: what
// an address is for (RFC 6890 and the registries it founded), and whether it lies in a network.
// An IPv4 address is kept as its IPv4-mapped form, so that ::ffff:10.0.0.1 is 10.0.0.1.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

struct sockaddr;

namespace holdfast {

struct IpAddress {
  std::array<uint8_t, 16> bytes{};

  // "192.0.2.1", "2001:db8::1", without a zone. kInvalid.
  static Result<IpAddress> from_text(std::string_view text);
  // AF_INET and AF_INET6; nothing for other families.
  static std::optional<IpAddress> from_socket(const sockaddr& address);
  bool is_v4() const;
  std::string text() const;
  friend bool operator==(const IpAddress&, const IpAddress&) = default;
};

struct IpNetwork {
  IpAddress base;
  int prefix = 128;  // of the 128 bits; an IPv4 network's is 96 more than it is written

  // "10.0.0.0/8", "fd00::/8", or one address. kInvalid, also when bits below the prefix are set.
  static Result<IpNetwork> from_text(std::string_view text);
  bool contains(const IpAddress& address) const;
  friend bool operator==(const IpNetwork&, const IpNetwork&) = default;
};

// What keeps an address from being anybody's on the Internet: "loopback", "private", …; nothing
// for a public unicast address.
std::optional<std::string_view> special_purpose(const IpAddress& address);

// A host name, or "*." before one: labels of letters, digits and hyphens, lower case.
bool is_host_pattern(std::string_view text);
// Whether `host` (lower case) is the name, or one below "*.name".
bool matches_host(std::string_view pattern, std::string_view host);

}  // namespace holdfast
