// Decisions about workspaces, keys, links, the configuration, and what is paused.
#include "index/decisions_apply.h"
#include "index/details.h"
#include "index/read/recordings.h"
#include "index/rows.h"

namespace holdfast::apply {

using rows::run;

namespace {

std::string signing_key_setting(const WorkspaceId& workspace) {
  return "signing_key." + workspace.text();
}

// Where a pause of "all" or of a tier is kept.
Result<std::string> pause_setting(const std::string& scope) {
  if (scope != "all") HOLDFAST_TRY(tier_from(scope));
  return "pause." + scope;
}

}  // namespace

// on: the workspace's UUID. details: name (a note), no
Status workspace_added(WriteTxn& txn, const Decision& line, DecisionSource&) {
  HOLDFAST_ASSIGN(workspace, WorkspaceId::from_text(line.on));
  HOLDFAST_ASSIGN(number, need_integer(line.details, "no"));
  HOLDFAST_ASSIGN(note, details::note_of(line.details, "name"));
  HOLDFAST_ASSIGN(name, txn.read_note(note));
  HOLDFAST_TRY(rows::known_workspace(txn, workspace, WorkspaceNo(number), name.value_or("")));
  return Status();
}

// on: the workspace's UUID. details: link_life_ms (absent: as configured)
Status workspace_changed(WriteTxn& txn, const Decision& line, DecisionSource&) {
  HOLDFAST_ASSIGN(workspace, WorkspaceId::from_text(line.on));
  HOLDFAST_ASSIGN(life, find_integer(line.details, "link_life_ms"));
  return run(txn.index(), "UPDATE workspace SET link_life_ms = ?2 WHERE workspace_id = ?1",
             workspace, life);
}

// on: the key's id. details: expires_at (absent: never), name (a note), scopes, workspace_no
Status key_created(WriteTxn& txn, const Decision& line, DecisionSource&) {
  HOLDFAST_ASSIGN(key, KeyId::from_text(line.on));
  HOLDFAST_ASSIGN(workspace_no, need_integer(line.details, "workspace_no"));
  HOLDFAST_ASSIGN(scopes, need_integer(line.details, "scopes"));
  HOLDFAST_ASSIGN(expires_at, find_integer(line.details, "expires_at"));
  HOLDFAST_ASSIGN(note, details::note_of(line.details, "name"));
  HOLDFAST_ASSIGN(name, txn.read_note(note));
  return run(txn.index(),
             "INSERT INTO api_key (key_id, workspace_no, name, scopes, created_at, expires_at) "
             "VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (key_id) DO NOTHING",
             key, workspace_no, name.value_or(""), scopes, txn.now(), expires_at);
}

// on: the key's id
Status key_revoked(WriteTxn& txn, const Decision& line, DecisionSource&) {
  HOLDFAST_ASSIGN(key, KeyId::from_text(line.on));
  return run(txn.index(),
             "UPDATE api_key SET revoked_at = ?2 WHERE key_id = ?1 AND revoked_at IS NULL", key,
             txn.now());
}

// details: key; or one of jti and kid with workspace_no. A revoked signing key is dropped.
Status link_revoked(WriteTxn& txn, const Decision& line, DecisionSource&) {
  HOLDFAST_ASSIGN(jti, details::find_id<LinkId>(line.details, "jti"));
  HOLDFAST_ASSIGN(key, details::find_id<KeyId>(line.details, "key"));
  HOLDFAST_ASSIGN(kid, find_integer(line.details, "kid"));
  const std::string_view sql =
      "INSERT INTO link_revocation (kind, mark, revoked_at) VALUES (?1, ?2, ?3) "
      "ON CONFLICT (kind, mark) DO NOTHING";
  if (key) return run(txn.index(), sql, 2, *key, txn.now());
  if (!jti && !kid)
    return Error{Code::kInvalid, "revoke a link: neither jti nor kid nor key is given"};
  HOLDFAST_ASSIGN(workspace_no, need_integer(line.details, "workspace_no"));
  if (jti)
    return run(txn.index(), sql, 0, as_bytes(link_mark(WorkspaceNo(workspace_no), *jti)),
               txn.now());
  txn.touch_secrets();
  HOLDFAST_TRY(run(txn.index(),
                   "DELETE FROM secrets.signing_key WHERE kid = ?2 AND workspace_id = "
                   "(SELECT workspace_id FROM workspace WHERE workspace_no = ?1)",
                   workspace_no, *kid));
  const std::string mark = signing_key_mark(WorkspaceNo(workspace_no), *kid);
  return run(txn.index(), sql, 1, as_bytes(mark), txn.now());
}

// on: the workspace's UUID. details: kid; drops (a kid), when an old key goes. The new secret is
// not in the line: after a crash between the two there is no current key, and ensure_signing_key
// makes the next.
Status signing_key_rotated(WriteTxn& txn, const Decision& line, DecisionSource&) {
  HOLDFAST_ASSIGN(workspace, WorkspaceId::from_text(line.on));
  HOLDFAST_ASSIGN(kid, need_integer(line.details, "kid"));
  HOLDFAST_ASSIGN(drops, find_integer(line.details, "drops"));
  txn.touch_secrets();
  if (drops)
    HOLDFAST_TRY(run(txn.index(),
                     "DELETE FROM secrets.signing_key WHERE workspace_id = ?1 AND kid = ?2",
                     workspace, *drops));
  // A kid is never given twice, not even when secrets.db was lost: one that was revoked stays so.
  HOLDFAST_TRY(rows::raise_setting(txn.index(), signing_key_setting(workspace), kid));
  return run(txn.index(),
             "UPDATE secrets.signing_key SET retired_at = ?3 "
             "WHERE workspace_id = ?1 AND kid < ?2 AND retired_at IS NULL",
             workspace, kid, txn.now());
}

// on: the workspace's UUID. details: number. It is told; the secret is in secrets.db alone, and
// when that is lost the next message makes another.
Status webhook_secret_rotated(WriteTxn&, const Decision& line, DecisionSource&) {
  HOLDFAST_TRY(WorkspaceId::from_text(line.on));
  HOLDFAST_ASSIGN(number, need_integer(line.details, "number"));
  if (number > 0) return Status();
  return Error{Code::kInvalid, "webhook-secret.rotated: \"number\" must be 1 or more"};
}

// on: "all" or a tier. details: reason (a note; absent: none)
Status moves_paused(WriteTxn& txn, const Decision& line, DecisionSource&) {
  HOLDFAST_ASSIGN(name, pause_setting(line.on));
  HOLDFAST_ASSIGN(note, details::note_of(line.details, "reason"));
  HOLDFAST_ASSIGN(reason, txn.read_note(note));
  const json::object value{
      {"reason", reason.value_or("")}, {"since", line.t.count}, {"who", line.who}};
  return rows::store_setting(txn.index(), name, canonical(value));
}

// on: "all" or a tier
Status moves_resumed(WriteTxn& txn, const Decision& line, DecisionSource&) {
  HOLDFAST_ASSIGN(name, pause_setting(line.on));
  return run(txn.index(), "DELETE FROM setting WHERE name = ?1", name);
}

// details: sha256
Status config_applied(WriteTxn& txn, const Decision& line, DecisionSource&) {
  HOLDFAST_ASSIGN(sha256, details::need_digest(line.details, "sha256"));
  return rows::store_setting(txn.index(), "config_sha256", sha256.hex());
}

// details: segments. It is told; there is nothing to do about it.
Status ledger_healed(WriteTxn&, const Decision& line, DecisionSource&) {
  HOLDFAST_ASSIGN(segments, need_integer(line.details, "segments"));
  if (segments > 0) return Status();
  return Error{Code::kInvalid, "ledger.healed: \"segments\" must be 1 or more"};
}

}  // namespace holdfast::apply
