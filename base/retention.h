// Retention: how long a recording must be kept, from which event, and who may shorten that. Pure.
//
// A class's period is calendar time, UTC: "7y" from 29 February ends on 28 February. The end is
// reckoned once, when the class is assigned, and kept with the recording.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/rows.h"
#include "base/types.h"

namespace holdfast {

// An end that never comes.
constexpr UnixMillis kForever{INT64_MAX};

struct RetentionPeriod {
  int64_t amount = 0;  // of units; 0 days: no lock; of no meaning with kForever
  PeriodUnit unit = PeriodUnit::kForever;
  bool operator==(const RetentionPeriod&) const = default;
  bool is_forever() const { return unit == PeriodUnit::kForever; }
};

// "30d", "18mo", "7y" or "forever"; up to 36500d, 1200mo, 100y. kInvalid otherwise.
Result<RetentionPeriod> parse_period(std::string_view text);
std::string to_text(const RetentionPeriod& period);
// 1 to 64 of [a-z0-9._-], beginning with a letter or digit: it stands in the ledger for ever.
bool is_retention_class_name(std::string_view text);
// "forever", or the time in ISO 8601.
std::string end_text(UnixMillis end);

// `from` plus the period; a day of the month that there is not becomes the last one.
UnixMillis period_end(UnixMillis from, const RetentionPeriod& period);

struct RetentionRule {
  RetentionMode mode = RetentionMode::kGovernance;
  RetentionEvent event = RetentionEvent::kCallEnd;
  RetentionPeriod period;
  bool operator==(const RetentionRule&) const = default;
};

struct RetentionTimes {
  UnixMillis ended_at;
  bool is_end_known = true;  // false: absent, or later than its arrival; the arrival counts
  UnixMillis received_at;
};

struct RetentionEnd {
  std::optional<UnixMillis> retain_until;  // not destroyed before; none: no lock; kForever
  std::optional<UnixMillis> expires_at;    // expiry takes it then; none: never
  bool operator==(const RetentionEnd&) const = default;
};

// `not_before`: nothing expires before this long after it came in.
RetentionEnd retention_end(const RetentionRule& rule, const RetentionTimes& times,
                           Millis not_before);

}  // namespace holdfast
