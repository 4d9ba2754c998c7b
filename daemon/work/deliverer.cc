#include "daemon/work/deliverer.h"

#include <map>
#include <set>

#include "base/log.h"
#include "daemon/outbound/signature.h"
#include "index/commands/outbox.h"
#include "index/secrets.h"

namespace holdfast {
namespace {

constexpr int kGone = 410;  // the receiver wants no more of it (Standard Webhooks)

std::string host_of(const MessageRow& row, const outbound::Rules& rules) {
  const Result<outbound::Target> target = outbound::check_url(row.url, rules);
  return target.ok() ? target->host : "";
}

// Not an address, which needs no look-up, nor the host of a URL that may not be called.
bool is_name(const std::string& host) { return !host.empty() && !IpAddress::from_text(host).ok(); }

// A batch: the longest due first, of one host no more than its share, of one that was silent in
// this run nothing more.
std::vector<MessageRow> choose(std::vector<MessageRow> due, const outbound::Rules& rules,
                               const std::set<std::string>& silent) {
  std::map<std::string, int> by_host;
  std::vector<MessageRow> batch;
  for (MessageRow& row : due) {
    if (batch.size() == static_cast<size_t>(limits::kOutboxBatch)) break;
    const std::string host = host_of(row, rules);
    if (!silent.contains(host) && by_host[host]++ < limits::kOutboxPerHost)
      batch.push_back(std::move(row));
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
    : archive_(archive), ways_(std::move(ways)), lookups_(ways_.resolve) {}

void Deliverer::run() {
  std::set<std::string> silent;
  while (!stop_) {
    const Result<size_t> tried = run_batch(silent);
    if (!tried.ok()) log::error("deliver messages: {}", tried.error().message);
    if (!tried.ok() || *tried == 0) return;
  }
}

Result<std::vector<std::string>> Deliverer::secrets_of(Database& index, WorkspaceNo workspace_no) {
  const UnixMillis now = archive_.clock.now();
  HOLDFAST_ASSIGN(secrets, webhook_secrets(index, workspace_no, now));
  if (secrets.empty() || secrets.back().signs_until) {
    HOLDFAST_TRY(archive_.writer.call(ensure_webhook_secret(workspace_no, "system")));
    HOLDFAST_ASSIGN(made, webhook_secrets(index, workspace_no, now));
    secrets = std::move(made);
  }
  std::vector<std::string> texts;
  texts.reserve(secrets.size());
  for (WebhookSecret& secret : secrets) texts.push_back(std::move(secret.secret));
  return texts;
}

Result<outbound::Post> Deliverer::sign(Database& index, const MessageRow& message,
                                       outbound::PinnedTarget target) {
  HOLDFAST_ASSIGN(secrets, secrets_of(index, message.workspace_no));
  const std::string id = "msg_" + message.message.text();
  const int64_t timestamp_s = archive_.clock.now().count / 1000;
  outbound::Post post;
  post.target = std::move(target);
  post.body = message.body;
  post.headers = {
      {"Content-Type", "application/json"},
      {"webhook-id", id},
      {"webhook-timestamp", std::to_string(timestamp_s)},
      {"webhook-signature", outbound::signature({id, timestamp_s, post.body}, secrets)}};
  return post;
}

// Look-ups first, one for each name of the batch and all at once, so that a slow one ages no
// signature.
std::vector<Result<outbound::PinnedTarget>> Deliverer::pin_all(
    const std::vector<MessageRow>& batch) {
  const Config::Outbound& rules = archive_.config().outbound;
  std::vector<std::string> names;
  for (const MessageRow& row : batch)
    if (std::string host = host_of(row, rules); is_name(host)) names.push_back(std::move(host));
  const auto answers = lookups_.resolve_all(names, rules.timeout);
  const outbound::Resolver looked_up = [&](const std::string& host) { return answers.at(host); };
  std::vector<Result<outbound::PinnedTarget>> targets;
  targets.reserve(batch.size());
  for (const MessageRow& row : batch) targets.push_back(outbound::pin(row.url, rules, looked_up));
  return targets;
}

Result<size_t> Deliverer::run_batch(std::set<std::string>& silent) {
  HOLDFAST_ASSIGN(index, archive_.index.take());
  const Config::Outbound& rules = archive_.config().outbound;
  HOLDFAST_ASSIGN(due, due_messages(*index, archive_.clock.now(), limits::kOutboxLook));
  const std::vector<MessageRow> batch = choose(std::move(due), rules, silent);
  if (batch.empty()) return size_t{0};
  std::vector<outbound::Post> posts;
  std::vector<const MessageRow*> posted;
  std::vector<MessageOutcome> outcomes;
  const auto note = [&](const MessageRow& row, const Result<int>& answer) {
    if (!answer.ok()) silent.insert(host_of(row, rules));
    outcomes.push_back(outcome_of(row, answer));
  };
  std::vector<Result<outbound::PinnedTarget>> targets = pin_all(batch);
  if (stop_) return size_t{0};  // the names that have no answer yet are no failed tries
  for (size_t i = 0; i < batch.size(); ++i) {
    if (!targets[i].ok()) {
      note(batch[i], targets[i].error());
      continue;
    }
    HOLDFAST_ASSIGN(post, sign(*index, batch[i], *std::move(targets[i])));
    posts.push_back(std::move(post));
    posted.push_back(&batch[i]);
  }
  const std::vector<Result<int>> answers = ways_.post(posts, {rules.timeout, rules.ca_file});
  for (size_t i = 0; i < answers.size(); ++i) note(*posted[i], answers[i]);
  for (const MessageOutcome& outcome : outcomes)
    if (!outcome.error.empty()) log::warning("message {}: {}", outcome.message_no, outcome.error);
  HOLDFAST_TRY(archive_.writer.call(settle_messages(std::move(outcomes))));
  return batch.size();
}

}  // namespace holdfast
