// Signed links: a URL that stands for a credential. docs/signed-links.md has the
// byte grammar; tests/http/signed_link_test.cc holds the golden link.
//
// Verifying says that the link is ours, whole and in time. Whether it was revoked
// (by jti, by signing key, by minting key) is known to the index: the caller asks
// there with what the link carries.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/types.h"
#include "daemon/http/request.h"

namespace holdfast::http {

using SigningKey = std::array<std::byte, 32>;

// Gives the key that a link names. Two keys of a workspace are live at a time.
class SigningKeys {
 public:
  virtual ~SigningKeys() = default;
  // Nothing when the workspace has no live key of that number.
  virtual std::optional<SigningKey> find(const WorkspaceId& workspace, int64_t kid) const = 0;
};

// HKDF-SHA256 (RFC 5869): salt = the workspace's 16 bytes, info = "holdfast signed
// link 1" ‖ 0x00 ‖ kid in decimal. `master` is a secret of 32 random bytes.
Result<SigningKey> derive_signing_key(ByteSpan master, const WorkspaceId& workspace, int64_t kid);

// What a link says.
struct Link {
  int64_t kid = 0;           // the workspace's signing key, 1 to 2^31 - 1
  std::string minted_by;     // id of the minting API key, or "uid<n>" for a local operator
  int64_t expires_at_s = 0;  // Unix seconds; valid before, not at
  LinkId jti;
  std::optional<RestoreId> restore;      // a restore link (rst) ...
  std::optional<int64_t> restore_ttl_s;  // ... good for so long after staging (ttl); both or none
  bool attachment = false;               // dl=1: Content-Disposition: attachment
};

// The query string, without '?'. `path` is the raw path of the URL, exactly as it
// will be requested. kInvalid when a field is outside its grammar.
Result<std::string> mint_link(const SigningKey& key, const WorkspaceId& workspace,
                              std::string_view path, const Link& link);

enum class LinkState {
  kValid,
  kBad,      // malformed, unknown key, or the signature differs: 403, type bad-link
  kExpired,  // ours and whole, but too late: 403, type link-expired
};

struct LinkCheck {
  LinkState state = LinkState::kBad;
  Link link;           // kValid and kExpired only
  std::string reason;  // for the log and the answer's detail; never the signature
};

// Checks the link in `request` (raw path and raw query). Constant time in the signature.
LinkCheck check_link(const Request& request, const WorkspaceId& workspace, UnixMillis now,
                     const SigningKeys& keys);

// True when the query has a parameter that only links have (v, kid, key, exp,
// jti, sig, rst, ttl): the request claims to be one, however broken.
bool claims_link(const Request& request);

}  // namespace holdfast::http
