// Commands of workspaces, API keys, signing keys and revoked links.
#pragma once

#include "index/writer.h"

namespace holdfast {

// Idempotent: gives the existing row. A non-empty name replaces an empty one. Decision
// workspace.added.
Command<WorkspaceRow> add_workspace(WorkspaceId workspace, std::string name, std::string who);

struct NewApiKey {
  KeyId key;
  std::optional<WorkspaceId> workspace;  // none: an operator key. Added when new.
  std::string name;
  int32_t scopes = 0;
  std::optional<UnixMillis> expires_at;
  Digest hash;  // SHA-256 of the key's text; kept in secrets.db, never in a line
};
// kConflict when the id or the hash exists. Decision key.created.
Command<ApiKeyRow> create_api_key(NewApiKey key, std::string who);
// Idempotent; kNotFound. Links it minted are revoked with it. Decision key.revoked.
Command<ApiKeyRow> revoke_api_key(KeyId key, std::string who);

// Exactly one of the three says what is revoked.
struct LinkRevocation {
  std::optional<LinkId> jti;
  std::optional<int64_t> kid;  // signing key of workspace_no, dropped at once
  std::optional<KeyId> key;    // all links that this API key minted
  WorkspaceNo workspace_no;    // of jti and kid
};
// Idempotent. kInvalid unless exactly one is given. When the key that signs is revoked, the next
// is made with it. Decision link.revoked (and signing-key.rotated).
Command<void> revoke_link(LinkRevocation revocation, std::string who);

// Makes a new signing key of 32 random bytes and retires the one before (it still verifies).
// Gives the new kid. At most limits::kSigningKeysLive live: kConflict while a link that the oldest
// of them signed may still be good, else that one is dropped. Decision signing-key.rotated.
Command<int64_t> rotate_signing_key(WorkspaceNo workspace_no, std::string who);
// The current kid, making a key when there is none; then the oldest goes without a question.
Command<int64_t> ensure_signing_key(WorkspaceNo workspace_no, std::string who);

// The configuration in force. Decision config.applied; none when the digest is that of the last.
Command<void> config_applied(Digest sha256, std::string who);

// Segments of decisions that one place of the ledger had lost came back from the other. Decision
// ledger.healed.
Command<void> ledger_healed(int64_t segments, std::string who);

}  // namespace holdfast
