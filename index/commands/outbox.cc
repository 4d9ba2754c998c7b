#include "index/commands/outbox.h"

#include <algorithm>

#include "base/limits.h"
#include "base/time_text.h"
#include "index/read/recordings.h"
#include "index/rows.h"
#include "index/secrets.h"

namespace holdfast {
namespace {

using rows::run;

constexpr size_t kSecretBytes = 32;

// Until the next try, after so many: 5 s, 20 s, 80 s, … up to the cap.
Millis pause_after(int attempts) {
  int64_t pause_ms = limits::kOutboxRetryMs;
  for (int i = 1; i < attempts && pause_ms < limits::kOutboxRetryMsMax; ++i) pause_ms *= 4;
  return Millis(std::min(pause_ms, limits::kOutboxRetryMsMax));
}

Status settle(WriteTxn& txn, const MessageOutcome& outcome) {
  Database& index = txn.index();
  if (outcome.error.empty())
    return run(index, "DELETE FROM outbox WHERE message_no = ?1", outcome.message_no);
  Statement statement =
      index.prepare("SELECT attempts, created_at FROM outbox WHERE message_no = ?1");
  statement.bind(outcome.message_no);
  HOLDFAST_ASSIGN(found, statement.step());
  if (!found) return Status();
  const int attempts = statement.next<int>() + 1;
  const auto created_at = statement.next<UnixMillis>();
  HOLDFAST_TRY(statement.step());
  const UnixMillis next = txn.now() + pause_after(attempts);
  const bool over = outcome.final || next > created_at + Millis(limits::kOutboxGiveUpMs);
  return run(index,
             "UPDATE outbox SET attempts = ?2, not_before = ?3, error = ?4, parked_at = ?5 "
             "WHERE message_no = ?1",
             outcome.message_no, attempts, next, outcome.error.substr(0, limits::kErrorBytesMax),
             over ? std::optional<UnixMillis>(txn.now()) : std::nullopt);
}

// The parked rows that are meant: `change` is "UPDATE …" or "DELETE …" up to its WHERE.
Result<int64_t> change_parked(WriteTxn& txn, std::string_view change, const ParkedMessages& which) {
  std::string sql(change);
  sql +=
      " WHERE parked_at IS NOT NULL AND (?2 IS NULL OR workspace_no = ?2) "
      "AND (?3 IS NULL OR message_id = ?3)";
  std::optional<int64_t> workspace;
  if (which.workspace_no) workspace = which.workspace_no->value;
  HOLDFAST_TRY(run(txn.index(), sql, txn.now(), workspace, which.message));
  return int64_t{txn.index().changes()};
}

Result<int64_t> rotated_secret(WriteTxn& txn, WorkspaceNo workspace_no, const std::string& who) {
  Database& index = txn.index();
  HOLDFAST_ASSIGN(workspace, find_workspace(index, workspace_no));
  if (!workspace)
    return Error{Code::kNotFound,
                 "there is no workspace number " + std::to_string(workspace_no.value)};
  HOLDFAST_ASSIGN(secrets, webhook_secrets(index, workspace_no, UnixMillis(INT64_MIN)));
  const int64_t number = secrets.empty() ? 1 : secrets.back().number + 1;
  LineDraft line;
  line.kind = decision::kWebhookSecretRotated;
  line.who = who;
  line.on = workspace->workspace.text();
  line.weight = Weight::kNeutral;
  line.details["number"] = number;
  HOLDFAST_TRY(txn.decide(std::move(line)));
  std::array<std::byte, kSecretBytes> secret;
  txn.random().fill(secret);
  // Two at most: the one in force, and the one before it.
  HOLDFAST_TRY(run(index,
                   "DELETE FROM secrets.webhook_secret WHERE workspace_id = ?1 "
                   "AND signs_until IS NOT NULL",
                   workspace->workspace));
  HOLDFAST_TRY(run(index,
                   "UPDATE secrets.webhook_secret SET signs_until = ?2 WHERE workspace_id = ?1",
                   workspace->workspace, txn.now() + Millis(limits::kWebhookSecretOverlapMs)));
  HOLDFAST_TRY(run(index,
                   "INSERT INTO secrets.webhook_secret (workspace_id, number, secret, created_at) "
                   "VALUES (?1, ?2, ?3, ?4)",
                   workspace->workspace, number, ByteSpan(secret), txn.now()));
  return number;
}

}  // namespace

Status enqueue_message(WriteTxn& txn, const NewMessage& message) {
  const json::object body{
      {"type", message.event}, {"timestamp", to_iso(txn.now())}, {"data", message.data}};
  return run(txn.index(),
             "INSERT INTO outbox (message_id, workspace_no, url, event, body, created_at, "
             "not_before, recording_no) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6, ?7)",
             txn.random().id<MessageId>(), message.workspace_no.value, message.url, message.event,
             canonical(body), txn.now(), message.recording_no);
}

Command<void> settle_messages(std::vector<MessageOutcome> outcomes) {
  const auto apply = [outcomes = std::move(outcomes)](WriteTxn& txn) -> Status {
    for (const MessageOutcome& outcome : outcomes) HOLDFAST_TRY(settle(txn, outcome));
    return Status();
  };
  return {"settle messages", apply};
}

Command<int64_t> retry_messages(ParkedMessages which) {
  return {"try parked messages again", [which](WriteTxn& txn) {
            // created_at is its beginning anew: it has three more days.
            return change_parked(txn,
                                 "UPDATE outbox SET parked_at = NULL, not_before = ?1, "
                                 "created_at = ?1, attempts = 0",
                                 which);
          }};
}

Command<int64_t> drop_messages(ParkedMessages which) {
  return {"drop parked messages",
          [which](WriteTxn& txn) { return change_parked(txn, "DELETE FROM outbox", which); }};
}

Command<int64_t> rotate_webhook_secret(WorkspaceNo workspace_no, std::string who) {
  return {"rotate a webhook secret", [workspace_no, who = std::move(who)](WriteTxn& txn) {
            return rotated_secret(txn, workspace_no, who);
          }};
}

Command<int64_t> ensure_webhook_secret(WorkspaceNo workspace_no, std::string who) {
  const auto apply = [workspace_no, who = std::move(who)](WriteTxn& txn) -> Result<int64_t> {
    HOLDFAST_ASSIGN(secrets, webhook_secrets(txn.index(), workspace_no, txn.now()));
    if (!secrets.empty() && !secrets.back().signs_until) return secrets.back().number;
    return rotated_secret(txn, workspace_no, who);
  };
  return {"make a webhook secret", apply};
}

}  // namespace holdfast
