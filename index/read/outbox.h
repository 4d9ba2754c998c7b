// The outbox: what the archive has to tell others and has not yet been able to. A row stands until
// its receiver has taken it; one that nobody took for three days is parked, and told.
#pragma once

#include "index/read/database.h"
#include "index/read/records.h"

namespace holdfast {

using MessageId = Id<struct MessageTag>;

struct MessageRow {
  int64_t message_no = 0;
  MessageId message;
  WorkspaceId workspace;
  WorkspaceNo workspace_no;
  std::string url;
  std::string event;  // "recording.restored"
  std::string body;   // JSON, as it is sent
  UnixMillis created_at;
  int attempts = 0;
  UnixMillis not_before;
  std::string error;  // of the last try
  std::optional<UnixMillis> parked_at;
};

// Those that may be tried at `now`, at most `limit` of each workspace, the longest due first.
Result<std::vector<MessageRow>> due_messages(Database& index, UnixMillis now, int limit);
// Newest first; of one workspace, or of all. `before` is the last message_no of the page before.
struct MessageFilter {
  std::optional<WorkspaceNo> workspace_no;
  bool parked_only = false;
  std::optional<int64_t> before;
};
Result<std::vector<MessageRow>> list_messages(Database& index, const MessageFilter& filter,
                                              int limit);

// Whether the workspace has `count` messages or more, parked ones too. Costs `count` entries of an
// index at most.
Result<bool> has_messages(Database& index, WorkspaceNo workspace_no, int64_t count);

// Rows in all, and of them those that are parked: counters.
struct OutboxCount {
  int64_t waiting = 0;
  int64_t parked = 0;
};
Result<OutboxCount> outbox_count(Database& index);

}  // namespace holdfast
