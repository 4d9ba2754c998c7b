#include "index/commands/keys.h"

#include "base/limits.h"
#include "base/time_text.h"
#include "index/read/recordings.h"
#include "index/read/status.h"
#include "index/rows.h"
#include "index/secrets.h"

namespace holdfast {
namespace {

constexpr size_t kSigningSecretBytes = 32;

LineDraft neutral(std::string_view kind, std::string on, const std::string& who) {
  LineDraft line;
  line.kind = kind;
  line.who = who;
  if (!on.empty()) line.on = std::move(on);
  line.weight = Weight::kNeutral;
  return line;
}

Result<WorkspaceRow> added_workspace(WriteTxn& txn, const WorkspaceId& workspace,
                                     const std::string& name, const std::string& who) {
  HOLDFAST_ASSIGN(known, find_workspace(txn.index(), workspace));
  if (known && (name.empty() || known->name == name)) return *known;
  if (known && !known->name.empty()) return *known;
  int64_t number = known ? known->workspace_no.value : 0;
  if (!known) {
    Statement statement = txn.index().prepare("SELECT max(workspace_no) + 1 FROM workspace");
    HOLDFAST_ASSIGN(found, statement.step());
    number = found ? statement.next<int64_t>() : 1;
  }
  HOLDFAST_ASSIGN(note, txn.write_note(name));
  LineDraft line = neutral(decision::kWorkspaceAdded, workspace.text(), who);
  line.details["no"] = number;
  if (!note.empty()) line.details["name"] = note;
  HOLDFAST_TRY(txn.decide(std::move(line)));
  HOLDFAST_ASSIGN(row, find_workspace(txn.index(), workspace));
  assert(row.has_value());
  return *std::move(row);
}

Result<ApiKeyRow> need_key(Database& index, const KeyId& key) {
  HOLDFAST_ASSIGN(row, find_api_key(index, key));
  if (!row) return Error{Code::kNotFound, "there is no API key " + key.text()};
  return *std::move(row);
}

Result<ApiKeyRow> created_key(WriteTxn& txn, const NewApiKey& key, const std::string& who) {
  HOLDFAST_ASSIGN(known, find_api_key(txn.index(), key.key));
  if (known) return Error{Code::kConflict, "API key " + key.key.text() + " exists already"};
  WorkspaceNo workspace_no;
  if (key.workspace) {
    HOLDFAST_ASSIGN(workspace, added_workspace(txn, *key.workspace, "", who));
    workspace_no = workspace.workspace_no;
  }
  HOLDFAST_ASSIGN(note, txn.write_note(key.name));
  LineDraft line = neutral(decision::kKeyCreated, key.key.text(), who);
  line.details["workspace_no"] = workspace_no.value;
  line.details["scopes"] = key.scopes;
  if (key.expires_at) line.details["expires_at"] = key.expires_at->count;
  if (!note.empty()) line.details["name"] = note;
  HOLDFAST_TRY(txn.decide(std::move(line)));
  txn.touch_secrets();
  HOLDFAST_TRY(rows::run(txn.index(), "INSERT INTO secrets.key_hash (hash, key_id) VALUES (?1, ?2)",
                         key.hash, key.key));
  return need_key(txn.index(), key.key);
}

// The key that must go so that one more may live; nothing while there is room. A key is kept as
// long as a link that it signed may be good. `forced`: there is none that signs, so the oldest
// goes.
Result<std::optional<int64_t>> key_to_drop(WriteTxn& txn, WorkspaceNo workspace_no, bool forced) {
  HOLDFAST_ASSIGN(keys, live_signing_keys(txn.index(), workspace_no));
  if (keys.size() < static_cast<size_t>(limits::kSigningKeysLive)) return std::optional<int64_t>();
  const SigningKey& oldest = keys.front();
  const UnixMillis good_until =
      oldest.retired_at.value_or(txn.now()) + seconds(limits::kRestoreLinkCapSeconds);
  if (forced || good_until <= txn.now()) return std::optional<int64_t>(oldest.kid);
  return Error{Code::kConflict, "rotate the signing key: links of key " +
                                    std::to_string(oldest.kid) + " may be good until " +
                                    to_iso(good_until) +
                                    "; wait, or revoke that key and its links"};
}

Result<int64_t> rotated_key(WriteTxn& txn, WorkspaceNo workspace_no, const std::string& who,
                            bool forced = false) {
  HOLDFAST_ASSIGN(workspace, find_workspace(txn.index(), workspace_no));
  if (!workspace)
    return Error{Code::kNotFound,
                 "there is no workspace number " + std::to_string(workspace_no.value)};
  int64_t kid = 1;
  {
    Statement statement = txn.index().prepare(
        "SELECT max(coalesce((SELECT max(kid) FROM secrets.signing_key WHERE workspace_id = ?1), "
        "0), coalesce((SELECT CAST(value AS INTEGER) FROM setting WHERE name = ?2), 0)) + 1");
    statement.bind(workspace->workspace, "signing_key." + workspace->workspace.text());
    HOLDFAST_ASSIGN(found, statement.step());
    if (found) kid = statement.next<int64_t>();
  }
  HOLDFAST_ASSIGN(drops, key_to_drop(txn, workspace_no, forced));
  LineDraft line = neutral(decision::kSigningKeyRotated, workspace->workspace.text(), who);
  line.details["kid"] = kid;
  if (drops) line.details["drops"] = *drops;
  HOLDFAST_TRY(txn.decide(std::move(line)));
  std::array<std::byte, kSigningSecretBytes> secret;
  txn.random().fill(secret);
  HOLDFAST_TRY(rows::run(txn.index(),
                         "INSERT INTO secrets.signing_key (workspace_id, kid, secret, created_at) "
                         "VALUES (?1, ?2, ?3, ?4)",
                         workspace->workspace, kid, ByteSpan(secret), txn.now()));
  return kid;
}

}  // namespace

Command<WorkspaceRow> add_workspace(WorkspaceId workspace, std::string name, std::string who) {
  const auto apply = [workspace, name = std::move(name), who = std::move(who)](WriteTxn& txn) {
    return added_workspace(txn, workspace, name, who);
  };
  return {"add a workspace", apply};
}

Command<ApiKeyRow> create_api_key(NewApiKey key, std::string who) {
  const auto apply = [key = std::move(key), who = std::move(who)](WriteTxn& txn) {
    return created_key(txn, key, who);
  };
  return {"create an API key", apply};
}

Command<ApiKeyRow> revoke_api_key(KeyId key, std::string who) {
  const auto apply = [key, who = std::move(who)](WriteTxn& txn) -> Result<ApiKeyRow> {
    HOLDFAST_ASSIGN(row, need_key(txn.index(), key));
    if (row.revoked_at) return row;
    HOLDFAST_TRY(txn.decide(neutral(decision::kKeyRevoked, key.text(), who)));
    return need_key(txn.index(), key);
  };
  return {"revoke an API key", apply};
}

Command<void> revoke_link(LinkRevocation revocation, std::string who) {
  const auto apply = [revocation, who = std::move(who)](WriteTxn& txn) -> Status {
    const int given = int{revocation.jti.has_value()} + int{revocation.kid.has_value()} +
                      int{revocation.key.has_value()};
    if (given != 1)
      return Error{Code::kInvalid, "exactly one of link id, signing key and API key is revoked"};
    LineDraft line = neutral(decision::kLinkRevoked, "", who);
    if (revocation.jti) line.details["jti"] = revocation.jti->text();
    if (revocation.key) line.details["key"] = revocation.key->text();
    if (revocation.kid) line.details["kid"] = *revocation.kid;
    if (!revocation.key) line.details["workspace_no"] = revocation.workspace_no.value;
    HOLDFAST_ASSIGN(signing, current_signing_key(txn.index(), revocation.workspace_no));
    HOLDFAST_TRY(txn.decide(std::move(line)));
    if (!revocation.kid || !signing || signing->kid != *revocation.kid) return Status();
    // The key that signed is gone: the next link needs another.
    HOLDFAST_ASSIGN(next, rotated_key(txn, revocation.workspace_no, who));
    static_cast<void>(next);
    return Status();
  };
  return {"revoke links", apply};
}

Command<int64_t> rotate_signing_key(WorkspaceNo workspace_no, std::string who) {
  return {"rotate a signing key", [workspace_no, who = std::move(who)](WriteTxn& txn) {
            return rotated_key(txn, workspace_no, who);
          }};
}

Command<int64_t> ensure_signing_key(WorkspaceNo workspace_no, std::string who) {
  const auto apply = [workspace_no, who = std::move(who)](WriteTxn& txn) -> Result<int64_t> {
    HOLDFAST_ASSIGN(current, current_signing_key(txn.index(), workspace_no));
    if (current) return current->kid;
    return rotated_key(txn, workspace_no, who, true);
  };
  return {"make a signing key", apply};
}

Command<void> config_applied(Digest sha256, std::string who) {
  const auto apply = [sha256, who = std::move(who)](WriteTxn& txn) -> Status {
    HOLDFAST_ASSIGN(known, find_setting(txn.index(), "config_sha256"));
    if (known == sha256.hex()) return Status();
    LineDraft line = neutral(decision::kConfigApplied, "", who);
    line.details["sha256"] = sha256.hex();
    return txn.decide(std::move(line));
  };
  return {"note the configuration in force", apply};
}

Command<void> ledger_healed(int64_t segments, std::string who) {
  const auto apply = [segments, who = std::move(who)](WriteTxn& txn) -> Status {
    LineDraft line = neutral(decision::kLedgerHealed, "", who);
    line.details["segments"] = segments;
    return txn.decide(std::move(line));
  };
  return {"note that the ledger was healed", apply};
}

}  // namespace holdfast
