// The words of the index's rows: what a number in a column means, and how it is
// told to people and programs. The numbers are on disk: they never change.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/result.h"

namespace holdfast {

// The fastest place where a recording has a live copy.
enum class Tier : int8_t { kStandard = 0, kWarm = 1, kCold = 2 };

// committed (acknowledged, still in .incoming) → live → condemned → destroying → (row gone,
// tombstone). unlocated: the ledger speaks of it, no medium has shown it yet; always locked.
enum class RecordingState : int8_t {
  kCommitted = 0,
  kLive = 1,
  kCondemned = 2,
  kDestroying = 3,
  kUnlocated = 4
};

// One part on one medium.
// planned (a place in an open or moving pack) → copied (durable, not yet re-read)
// → verified (re-read past the page cache) → releasing (committed; source going) → row gone.
// A staged copy is kStaged on the standard medium. A bad one is kQuarantined.
enum class CopyState : int8_t {
  kPlanned = 0,
  kCopied = 1,
  kVerified = 2,
  kReleasing = 3,
  kStaged = 4,
  kQuarantined = 5
};

// How a copy was last re-read: past the page cache by O_DIRECT, after dropping
// the cache, or not at all. Only the first two satisfy P2.
enum class VerifyMode : int8_t { kNone = 0, kDirect = 1, kDropped = 2 };

// open (members are being gathered; nothing is on media) → sealed (complete on at least one
// medium).
enum class PackState : int8_t { kOpen = 0, kSealed = 1, kGone = 2 };

// design.md, Moves. kFailed waits for its next try and stays visible.
enum class MoveState : int8_t {
  kPlanned = 0,
  kCopying = 1,
  kCopied = 2,
  kVerified = 3,
  kSwitched = 4,
  kReleased = 5,
  kFailed = 6
};

enum class RestoreState : int8_t {
  kQueued = 0,
  kRecalling = 1,
  kStaged = 2,
  kExpired = 3,
  kFailed = 4,
  kCancelled = 5
};
enum class RestorePriority : int8_t { kExpedited = 0, kStandard = 1, kBulk = 2 };

enum class MediumState : int8_t { kOnline = 0, kOffline = 1, kFull = 2, kLost = 3, kRetired = 4 };

enum class Direction : int8_t { kInbound = 0, kOutbound = 1 };

// Who may shorten a retention: with a bypass that is audited, or nobody.
enum class RetentionMode : int8_t { kGovernance = 0, kCompliance = 1 };
// What a retention counts from.
enum class RetentionEvent : int8_t { kCallEnd = 0, kReceived = 1 };
enum class PeriodUnit : int8_t { kDays = 0, kMonths = 1, kYears = 2, kForever = 3 };

// What a file of a recording is to the call.
enum class Channel : int8_t { kNone = 0, kInbound = 1, kOutbound = 2, kBoth = 3 };

// What ingest noticed: a bit mask in recording.flags. Evidence is never refused for being ugly.
enum class Flag : int32_t {
  kEmptyAudio = 1 << 0,
  kTruncatedAudio = 1 << 1,
  kDurationMismatch = 1 << 2,
  kChannelMismatch = 1 << 3,
  kUnfinishedWav = 1 << 4,       // data length 0 from an interrupted recorder
  kEventTimeAbsent = 1 << 5,     // received_at stands in
  kEventTimeInFuture = 1 << 6,   // later than received + 1 h
  kMetadataIncomplete = 1 << 7,  // a field of contracts section 1 is absent
  kSizeMismatch = 1 << 8,        // *_size_bytes differs from the file
  kUndecodableAudio = 1 << 9,
};

// Actions an API key may be scoped to (contracts, Conventions): a bit mask.
enum class Scope : int32_t {
  kCallsRead = 1 << 0,
  kRecordingsDownload = 1 << 1,
  kRecordingsWrite = 1 << 2,
  kRecordingsRestore = 1 << 3,
  kRecordingsDelete = 1 << 4,
  kHoldsPlace = 1 << 5,
  kHoldsRelease = 1 << 6,
  kBypassGovernance = 1 << 7,
  kAuditRead = 1 << 8,
  kExport = 1 << 9,
  kAdmin = 1 << 10,
  kMetricsRead = 1 << 11,
};
constexpr int32_t kAllScopes = (1 << 12) - 1;

std::string_view word(Tier value);
std::string_view word(RecordingState value);
std::string_view word(CopyState value);
std::string_view word(VerifyMode value);
std::string_view word(PackState value);
std::string_view word(MoveState value);
std::string_view word(RestoreState value);
std::string_view word(RestorePriority value);
std::string_view word(MediumState value);
std::string_view word(Direction value);
std::string_view word(RetentionMode value);
std::string_view word(RetentionEvent value);
std::string_view word(PeriodUnit value);
std::string_view word(Channel value);
std::string_view word(Flag value);
std::string_view word(Scope value);

// The value of a word; kInvalid that lists the words there are.
Result<Tier> tier_from(std::string_view text);
Result<RestorePriority> priority_from(std::string_view text);
Result<Scope> scope_from(std::string_view text);
Result<RetentionMode> retention_mode_from(std::string_view text);
Result<RetentionEvent> retention_event_from(std::string_view text);
std::optional<Direction> direction_from(std::string_view text);
// Calls `see` with the word of each flag that is set in `mask`.
template <typename See>
void each_flag(int32_t mask, See see) {
  for (int32_t bit = 1; bit <= static_cast<int32_t>(Flag::kUndecodableAudio); bit <<= 1)
    if ((mask & bit) != 0) see(word(static_cast<Flag>(bit)));
}

}  // namespace holdfast
