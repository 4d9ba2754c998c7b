#include "base/rows.h"

#include <array>
#include <bit>
#include <string>

namespace holdfast {
namespace {

using Words = std::string_view;

constexpr std::array<Words, 3> kTiers = {"standard", "warm", "cold"};
constexpr std::array<Words, 5> kRecordingStates = {"committed", "live", "condemned", "destroying",
                                                   "unlocated"};
constexpr std::array<Words, 6> kCopyStates = {"planned",   "copied", "verified",
                                              "releasing", "staged", "quarantined"};
constexpr std::array<Words, 3> kVerifyModes = {"none", "direct", "dropped"};
constexpr std::array<Words, 3> kPackStates = {"open", "sealed", "gone"};
constexpr std::array<Words, 7> kMoveStates = {"planned",  "copying",  "copied", "verified",
                                              "switched", "released", "failed"};
constexpr std::array<Words, 6> kRestoreStates = {"queued",  "recalling", "staged",
                                                 "expired", "failed",    "cancelled"};
constexpr std::array<Words, 3> kPriorities = {"expedited", "standard", "bulk"};
constexpr std::array<Words, 5> kMediumStates = {"online", "offline", "full", "lost", "retired"};
constexpr std::array<Words, 2> kDirections = {"inbound", "outbound"};
constexpr std::array<Words, 2> kRetentionModes = {"governance", "compliance"};
constexpr std::array<Words, 2> kRetentionEvents = {"call-end", "received"};
constexpr std::array<Words, 4> kPeriodUnits = {"days", "months", "years", "forever"};
constexpr std::array<Words, 4> kChannels = {"none", "inbound", "outbound", "both"};
constexpr std::array<Words, 10> kFlags = {
    "empty-audio",    "truncated-audio",   "duration-mismatch",    "channel-mismatch",
    "unfinished-wav", "event-time-absent", "event-time-in-future", "metadata-incomplete",
    "size-mismatch",  "undecodable-audio"};
constexpr std::array<Words, 12> kScopes = {"calls:read",
                                           "recordings:download",
                                           "recordings:write",
                                           "recordings:restore",
                                           "recordings:delete",
                                           "holds:place",
                                           "holds:release",
                                           "retention:bypass-governance",
                                           "audit:read",
                                           "export",
                                           "admin",
                                           "metrics:read"};

template <size_t N, typename Value>
Words at(const std::array<Words, N>& words, Value value) {
  const auto index = static_cast<size_t>(value);
  return index < N ? words[index] : Words("unknown");
}

template <size_t N>
Result<size_t> index_of(const std::array<Words, N>& words, Words text, Words kind) {
  std::string all;
  for (size_t i = 0; i < N; ++i) {
    if (words[i] == text) return i;
    all += (i == 0 ? "" : ", ") + std::string(words[i]);
  }
  return Error{Code::kInvalid,
               "\"" + std::string(text) + "\" is no " + std::string(kind) + "; there are " + all};
}

size_t bit_of(int32_t value) {
  return static_cast<size_t>(std::countr_zero(static_cast<uint32_t>(value)));
}

}  // namespace

Words word(Tier value) { return at(kTiers, value); }
Words word(RecordingState value) { return at(kRecordingStates, value); }
Words word(CopyState value) { return at(kCopyStates, value); }
Words word(VerifyMode value) { return at(kVerifyModes, value); }
Words word(PackState value) { return at(kPackStates, value); }
Words word(MoveState value) { return at(kMoveStates, value); }
Words word(RestoreState value) { return at(kRestoreStates, value); }
Words word(RestorePriority value) { return at(kPriorities, value); }
Words word(MediumState value) { return at(kMediumStates, value); }
Words word(Direction value) { return at(kDirections, value); }
Words word(RetentionMode value) { return at(kRetentionModes, value); }
Words word(RetentionEvent value) { return at(kRetentionEvents, value); }
Words word(PeriodUnit value) { return at(kPeriodUnits, value); }
Words word(Channel value) { return at(kChannels, value); }
Words word(Flag value) { return at(kFlags, bit_of(static_cast<int32_t>(value))); }
Words word(Scope value) { return at(kScopes, bit_of(static_cast<int32_t>(value))); }

Result<Tier> tier_from(Words text) {
  HOLDFAST_ASSIGN(index, index_of(kTiers, text, "tier"));
  return static_cast<Tier>(index);
}

Result<RestorePriority> priority_from(Words text) {
  HOLDFAST_ASSIGN(index, index_of(kPriorities, text, "restore priority"));
  return static_cast<RestorePriority>(index);
}

Result<Scope> scope_from(Words text) {
  HOLDFAST_ASSIGN(index, index_of(kScopes, text, "scope"));
  return static_cast<Scope>(1 << index);
}

Result<RetentionMode> retention_mode_from(Words text) {
  HOLDFAST_ASSIGN(index, index_of(kRetentionModes, text, "retention mode"));
  return static_cast<RetentionMode>(index);
}

Result<RetentionEvent> retention_event_from(Words text) {
  HOLDFAST_ASSIGN(index, index_of(kRetentionEvents, text, "event that retention counts from"));
  return static_cast<RetentionEvent>(index);
}

std::optional<Direction> direction_from(Words text) {
  if (text == "inbound") return Direction::kInbound;
  if (text == "outbound") return Direction::kOutbound;
  return std::nullopt;
}

}  // namespace holdfast
