// Look-ups in secrets.db: hashes of API keys and the signing keys of links and messages. The
// connection has it attached (ReadOnlyOptions::secrets_path); the mount never does.
#pragma once

#include "index/read/database.h"
#include "index/read/records.h"

namespace holdfast {

// The API key whose SHA-256 is `hash`; nothing when unknown. Revoked and expired keys are told
// as they are: the caller judges.
Result<std::optional<ApiKeyRow>> find_api_key_by_hash(Database& index, const Digest& hash);

struct SigningKey {
  WorkspaceNo workspace_no;
  int64_t kid = 0;     // per workspace, from 1
  std::string secret;  // 32 bytes
  UnixMillis created_at;
  std::optional<UnixMillis> retired_at;  // no longer signs; verifies until links have expired
};

// A signing key of a workspace by its number, retired or not. The caller asks is_link_revoked.
Result<std::optional<SigningKey>> find_signing_key(Database& index, WorkspaceNo workspace_no,
                                                   int64_t kid);
// Every live key of a workspace, ascending by kid: at most limits::kSigningKeysLive, the last one
// signs unless it is retired. Revoked and dropped keys are not there any more.
Result<std::vector<SigningKey>> live_signing_keys(Database& index, WorkspaceNo workspace_no);
// The key that signs now: the newest that is not retired.
Result<std::optional<SigningKey>> current_signing_key(Database& index, WorkspaceNo workspace_no);

// What signs messages to others (Standard Webhooks).
struct WebhookSecret {
  int64_t number = 0;  // per workspace, from 1
  std::string secret;  // 32 bytes
  UnixMillis created_at;
  std::optional<UnixMillis> signs_until;  // of one that was followed by another
};
// Those that sign at `now`, ascending: at most two, the last one is in force.
Result<std::vector<WebhookSecret>> webhook_secrets(Database& index, WorkspaceNo workspace_no,
                                                   UnixMillis now);

}  // namespace holdfast
