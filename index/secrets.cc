#include "index/secrets.h"

#include "index/read/columns.h"

namespace holdfast {
namespace {

SigningKey read_signing_key(Statement& row) {
  SigningKey out;
  out.workspace_no = row.next<WorkspaceNo>();
  out.kid = row.next<int64_t>();
  out.secret = std::string(as_text(row.blob(2)));
  out.created_at = row.column<UnixMillis>(3);
  out.retired_at = row.column<std::optional<UnixMillis>>(4);
  return out;
}

const std::string kSelectSigningKey =
    "SELECT w.workspace_no, s.kid, s.secret, s.created_at, s.retired_at "
    "FROM workspace w CROSS JOIN secrets.signing_key s ON s.workspace_id = w.workspace_id "
    "WHERE w.workspace_no = ?1 ";

WebhookSecret read_webhook_secret(Statement& row) {
  WebhookSecret out;
  out.number = row.next<int64_t>();
  out.secret = std::string(as_text(row.blob(1)));
  out.created_at = row.column<UnixMillis>(2);
  out.signs_until = row.column<std::optional<UnixMillis>>(3);
  return out;
}

}  // namespace

Result<std::optional<ApiKeyRow>> find_api_key_by_hash(Database& index, const Digest& hash) {
  static const std::string sql = "SELECT " + columns::kApiKey +
                                 " FROM secrets.key_hash s"
                                 " CROSS JOIN api_key k ON k.key_id = s.key_id"
                                 " CROSS JOIN workspace w ON w.workspace_no = k.workspace_no"
                                 " WHERE s.hash = ?1";
  Statement statement = index.prepare(sql);
  statement.bind(hash);
  return columns::read_one(std::move(statement), columns::read_api_key);
}

Result<std::optional<SigningKey>> find_signing_key(Database& index, WorkspaceNo workspace_no,
                                                   int64_t kid) {
  static const std::string sql = kSelectSigningKey + "AND s.kid = ?2";
  Statement statement = index.prepare(sql);
  statement.bind(workspace_no.value, kid);
  return columns::read_one(std::move(statement), read_signing_key);
}

Result<std::vector<SigningKey>> live_signing_keys(Database& index, WorkspaceNo workspace_no) {
  static const std::string sql = kSelectSigningKey + "ORDER BY s.kid";
  Statement statement = index.prepare(sql);
  statement.bind(workspace_no.value);
  return columns::read_all(std::move(statement), read_signing_key);
}

Result<std::optional<SigningKey>> current_signing_key(Database& index, WorkspaceNo workspace_no) {
  static const std::string sql =
      kSelectSigningKey + "AND s.retired_at IS NULL ORDER BY s.kid DESC LIMIT 1";
  Statement statement = index.prepare(sql);
  statement.bind(workspace_no.value);
  return columns::read_one(std::move(statement), read_signing_key);
}

Result<std::vector<WebhookSecret>> webhook_secrets(Database& index, WorkspaceNo workspace_no,
                                                   UnixMillis now) {
  Statement statement = index.prepare(
      "SELECT s.number, s.secret, s.created_at, s.signs_until FROM workspace w "
      "CROSS JOIN secrets.webhook_secret s ON s.workspace_id = w.workspace_id "
      "WHERE w.workspace_no = ?1 AND (s.signs_until IS NULL OR s.signs_until > ?2) "
      "ORDER BY s.number");
  statement.bind(workspace_no.value, now);
  return columns::read_all(std::move(statement), read_webhook_secret);
}

}  // namespace holdfast
