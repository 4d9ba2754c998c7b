// Signatures of messages, by the Standard Webhooks convention
// (https://www.standardwebhooks.com, version 1 of its symmetric scheme).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/types.h"

namespace holdfast::outbound {

// "whsec_<base64 of the secret's bytes>": how a secret is told to whoever checks.
std::string secret_text(std::string_view secret);

// The value of the header webhook-signature: "v1,<base64 of HMAC-SHA256>" for each secret, with
// spaces between, over "<id>.<seconds since 1970>.<body>".
struct Signed {
  std::string_view id;  // webhook-id; without a full stop
  int64_t timestamp_s = 0;
  std::string_view body;
};
std::string signature(const Signed& message, const std::vector<std::string>& secrets);

}  // namespace holdfast::outbound
