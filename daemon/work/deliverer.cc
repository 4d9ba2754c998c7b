#include "daemon/work/deliverer.h"

#include <map>

#include "base/log.h"
#include "daemon/outbound/signature.h"
#include "index/commands/outbox.h"
#include "index/secrets.h"

namespace holdfast {
namespace {

constexpr int kGone = 410;  // the receiver wants no more of it (Standard Webhooks)

// A batch: the longest due first, of one host no more than its share.
std::vector<MessageRow> choose(std::vector<MessageRow> due, const outbound::Rules& rules) {
  std::map<std::string, int> by_host;
  std::vector<MessageRow> batch;
  for (MessageRow& row : due) {
    if (batch.size() == static_cast<size_t>(limits::kOutboxBatch)) break;
    const Result<outbound::Target> target = outbound::check_url(row.url, rules);
    const std::string host = target.ok() ? target->host : "";
    if (by_host[host]++ < limits::kOutboxPerHost) batch.push_back(std::move(row));
  }
  return batch;
}

MessageOutcome outcome_of(const MessageRow& row, const Result<int>& answer) {
  MessageOutcome outcome{row.message_no, "", false};
  if (!answer.ok()) {
    outcome.error = answer.error().message;
  } else if (*answer < 200 || *answer > 299) {
    outcome.error = "the receiver answered " + std::to_string(*answer);
    outcome.final = *answer == kGone;
  }
  return outcome;
}

}  // namespace

Deliverer::Deliverer(const Archive& archive, Ways ways)
    : archive_(archive), ways_(std::move(ways)) {}

void Deliverer::run() {
  while (!stop_) {
    const Result<size_t> tried = run_batch();
    if (!tried.ok()) log::error("deliver messages: {}", tried.error().message);
    if (!tried.ok() || *tried == 0) return;
  }
}

Result<outbound::Post> Deliverer::post_of(Database& index, const MessageRow& message) {
  HOLDFAST_ASSIGN(target, outbound::pin(message.url, archive_.config().outbound, ways_.resolve));
  const UnixMillis now = archive_.clock.now();
  HOLDFAST_ASSIGN(secrets, webhook_secrets(index, message.workspace_no, now));
  if (secrets.empty() || secrets.back().signs_until) {
    HOLDFAST_TRY(archive_.writer.call(ensure_webhook_secret(message.workspace_no, "system")));
    HOLDFAST_ASSIGN(made, webhook_secrets(index, message.workspace_no, now));
    secrets = std::move(made);
  }
  std::vector<std::string> texts;
  for (WebhookSecret& secret : secrets) texts.push_back(std::move(secret.secret));
  const std::string id = "msg_" + message.message.text();
  const int64_t timestamp_s = now.count / 1000;
  outbound::Post post;
  post.target = std::move(target);
  post.body = message.body;
  post.headers = {{"Content-Type", "application/json"},
                  {"webhook-id", id},
                  {"webhook-timestamp", std::to_string(timestamp_s)},
                  {"webhook-signature", outbound::signature({id, timestamp_s, post.body}, texts)}};
  return post;
}

Result<size_t> Deliverer::run_batch() {
  HOLDFAST_ASSIGN(index, archive_.index.take());
  const Config::Outbound& rules = archive_.config().outbound;
  HOLDFAST_ASSIGN(due, due_messages(*index, archive_.clock.now(),
                                    limits::kOutboxBatch * limits::kOutboxPerHost));
  const std::vector<MessageRow> batch = choose(std::move(due), rules);
  if (batch.empty()) return size_t{0};
  std::vector<outbound::Post> posts;
  std::vector<const MessageRow*> posted;
  std::vector<MessageOutcome> outcomes;
  for (const MessageRow& row : batch) {
    Result<outbound::Post> post = post_of(*index, row);
    if (post.ok()) {
      posts.push_back(*std::move(post));
      posted.push_back(&row);
    } else {
      outcomes.push_back(outcome_of(row, post.error()));
    }
  }
  const std::vector<Result<int>> answers = ways_.post(posts, {rules.timeout, rules.ca_file});
  for (size_t i = 0; i < answers.size(); ++i)
    outcomes.push_back(outcome_of(*posted[i], answers[i]));
  for (const MessageOutcome& outcome : outcomes)
    if (!outcome.error.empty()) log::warning("message {}: {}", outcome.message_no, outcome.error);
  HOLDFAST_TRY(archive_.writer.call(settle_messages(std::move(outcomes))));
  return batch.size();
}

}  // namespace holdfast
