// Commands of the outbox, and of the secrets that sign what goes out of it. Rows alone: a message
// that is sent twice has one id, and no decision stands in it.
#pragma once

#include "index/read/outbox.h"
#include "index/writer.h"

namespace holdfast {

// Part of the command whose news it is: durable with it, or not at all.
struct NewMessage {
  WorkspaceNo workspace_no;
  RecordingNo recording_no;  // what it speaks of
  std::string url;
  std::string event;
  json::object data;  // of the body: {"type", "timestamp", "data"}
};
Status enqueue_message(WriteTxn& txn, const NewMessage& message);

// What came of one try. Without an error it was taken, and its row goes.
struct MessageOutcome {
  int64_t message_no = 0;
  std::string error;
  bool final = false;  // no further try can help: parked at once
};
// A message that failed is tried again after a pause that grows; one older than
// limits::kOutboxGiveUpMs is parked. Passes over rows that are gone.
Command<void> settle_messages(std::vector<MessageOutcome> outcomes);

// Parked messages are tried again: one, or all of the workspace; with none, all. Gives how many.
struct ParkedMessages {
  std::optional<WorkspaceNo> workspace_no;
  std::optional<MessageId> message;
};
Command<int64_t> retry_messages(ParkedMessages which);
// Parked messages are given up. Gives how many.
Command<int64_t> drop_messages(ParkedMessages which);

// Makes a secret of 32 random bytes that signs from now on; the one before signs along for
// limits::kWebhookSecretOverlapMs. Gives its number. Decision webhook-secret.rotated.
Command<int64_t> rotate_webhook_secret(WorkspaceNo workspace_no, std::string who);
// The number of the secret in force, making one when there is none.
Command<int64_t> ensure_webhook_secret(WorkspaceNo workspace_no, std::string who);

}  // namespace holdfast
