// Signed links: minting them for an answer, and judging the one in a request.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "daemon/api/call.h"

namespace holdfast::api {

struct LinkVerdict {
  std::optional<http::Response> refusal;  // 403 of its type; nothing: the link is good
  http::Link link;
  std::optional<WorkspaceRow> workspace;
};
// Checks signature, time and revocation of the link in the request.
LinkVerdict judge_link(const Call& call);

// What the minted links of one answer have in common.
struct LinkTerms {
  UnixMillis expires_at;
  std::optional<RestoreId> restore;  // restore links ...
  Millis restore_ttl{0};             // ... good for so long after staging
  bool attachment = false;
};
struct MintedLink {
  std::string url;
  LinkId jti;
  int64_t kid = 0;
};
// One link per file, by the workspace's current signing key. kUnavailable when there is no key
// (ensure_signing_key first).
Result<std::vector<MintedLink>> mint_links(Call& call, const std::string& call_sid,
                                           const std::vector<FileRow>& files,
                                           const LinkTerms& terms);

// Mints, records each link in the access chain, and goes on with them, in the files' order. The
// workspace gets its first signing key when it has none. A key that may neither mint links nor
// read bytes gets none: asking a recording back discloses nothing of it.
void with_minted_links(CallPtr call, const Recording& recording, LinkTerms terms,
                       std::function<void(const CallPtr&, const std::vector<MintedLink>&)> next);

// How long links minted in the call's workspace are good unless the request says.
Millis link_life(const Call& call);

// Answers 200 with links to every file, good for `life`.
void answer_urls(const CallPtr& call, const Recording& recording, Millis life, bool attachment);

// Adds inbound_url, outbound_url, metadata_url (null where there is none) and files[] to an answer.
// `links` are in the files' order; none: everything is null.
void add_links(json::object& body, const Recording& recording,
               const std::vector<MintedLink>& links);

// POST /v1/{ws}/link-revocations and /v1/{ws}/signing-keys.
void revoke_links(CallPtr call);
void rotate_signing_key_call(CallPtr call);

}  // namespace holdfast::api
