// metadata.json: what the call platform says about a call (contracts, section 1).
//
// Lenient in what it takes: an absent or null field stays empty and is flagged,
// an unknown one is kept. Strict in what would mislead: a field of the wrong
// type, a call_sid or workspace that is not one, or another's, refuses the call.
#pragma once

#include <optional>
#include <string>

#include "base/json.h"
#include "base/rows.h"
#include "base/types.h"

namespace holdfast {

struct ChannelFormat {
  std::string format;       // "mulaw", "alaw", "pcm16", "wav"; "" when the channel is absent
  int64_t sample_rate = 0;  // Hz; 0 when absent
  std::optional<int64_t> size_bytes;  // original bytes, as the platform counted them
};

struct CallMetadata {
  std::string call_sid;
  std::optional<WorkspaceId> workspace;
  std::optional<WorkspaceId> service;  // the assistant that handled the call, a UUID too
  std::optional<Direction> direction;
  std::optional<double> duration_seconds;
  ChannelFormat inbound;
  ChannelFormat outbound;
  std::string tts_provider;
  std::optional<UnixMillis> started_at;
  std::optional<UnixMillis> ended_at;
  std::optional<double> media_start_epoch_ms;
  json::object attributes;  // every key that the contract does not name

  // True when a field that the contract requires is absent.
  bool incomplete = false;
};

// `text` is the file as received. kInvalid names the key and what would be right.
Result<CallMetadata> parse_metadata(std::string_view text);

// The answer of GET …/metadata: the contract's fields, then `attributes`.
json::object describe(const CallMetadata& metadata, const WorkspaceId& workspace);

// When the call took place, for its place in the tree and its age. An absent time, or one later
// than received + 1 h, is flagged and `received` stands in (design.md, Time).
struct EventTimes {
  UnixMillis started_at;
  UnixMillis ended_at;
  int32_t flags = 0;  // kEventTimeAbsent, kEventTimeInFuture
};
EventTimes event_times(const CallMetadata& metadata, UnixMillis received);

}  // namespace holdfast
