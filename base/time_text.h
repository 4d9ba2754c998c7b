// Times as text: ISO 8601 / RFC 3339 and the HTTP date of RFC 9110, UTC.
#pragma once

#include <string>
#include <string_view>

#include "base/types.h"

namespace holdfast {

struct CalendarDay {
  int year = 1970;
  int month = 1;  // 1 to 12
  int day = 1;    // 1 to 31
  auto operator<=>(const CalendarDay&) const = default;
  // yyyymmdd, as stored in the index: 20261121.
  int32_t packed() const { return year * 10000 + month * 100 + day; }
  static CalendarDay from_packed(int32_t packed);
  std::string path() const;  // "2026/11/21"
};

// "2026-11-21T03:36:00.123Z"; milliseconds always present.
std::string to_iso(UnixMillis time);
// Accepts yyyy-mm-ddThh:mm:ss, an optional fraction, then Z or +hh:mm / -hh:mm
// (no zone: UTC), years 1970 to 9999; kInvalid otherwise.
Result<UnixMillis> from_iso(std::string_view text);
// IMF-fixdate: "Sat, 21 Nov 2026 03:36:00 GMT".
std::string to_http_date(UnixMillis time);
// IMF-fixdate only; kInvalid otherwise (a recipient may then ignore the header).
Result<UnixMillis> from_http_date(std::string_view text);
// The UTC day in which `time` falls.
CalendarDay day_of(UnixMillis time);
// "45 s", "12 min", "3 h", "2 d": for people.
std::string to_words(Millis length);

}  // namespace holdfast
