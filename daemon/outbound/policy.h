// Whom the archive may call. Every call to others asks here, twice:
//
//   check_url     the text of a request: form, scheme, host on the allow-list. No look-up is made,
//                 so that whoever may ask cannot make the archive look up names of their choice
//   pin           before a call: the name is looked up once, every address it has is checked, and
//                 the call goes to these addresses and no others (a second look-up by the HTTP
//                 library could answer otherwise: DNS rebinding)
//
// The rules are the section [outbound] of the configuration, and are asked anew for each call.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/config.h"

namespace holdfast::outbound {

using Rules = Config::Outbound;

struct Target {
  std::string url;     // as given
  std::string scheme;  // "https" or "http"
  std::string host;    // lower case, without the brackets of an IPv6 address
  int port = 443;
};

// kInvalid: what is wrong, and which key of the configuration would allow it.
Result<Target> check_url(std::string_view url, const Rules& rules);

// All addresses of a name. kUnavailable when it has none now.
using Resolver = std::function<Result<std::vector<IpAddress>>(const std::string& host)>;
// The system's (getaddrinfo). Blocks.
Result<std::vector<IpAddress>> system_resolve(const std::string& host);

struct PinnedTarget : Target {
  std::vector<IpAddress> addresses;  // at least one; each may be called
};
// kForbidden when one of the addresses may not be called: then none is, since it may be the next
// answer that is used. Otherwise as check_url and the resolver.
Result<PinnedTarget> pin(std::string_view url, const Rules& rules, const Resolver& resolve);

}  // namespace holdfast::outbound
