#include "base/time_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>

namespace holdfast {
namespace {

using std::chrono::sys_days;

constexpr std::array<std::string_view, 7> kWeekdays = {"Sun", "Mon", "Tue", "Wed",
                                                       "Thu", "Fri", "Sat"};
constexpr std::array<std::string_view, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

// Reads `digits` decimal digits at `at`; -1 when they are not all digits.
int number_at(std::string_view text, size_t at, size_t digits) {
  if (at + digits > text.size()) return -1;
  int value = 0;
  for (char c : text.substr(at, digits)) {
    if (c < '0' || c > '9') return -1;
    value = value * 10 + (c - '0');
  }
  return value;
}

struct WallTime {
  int year, month, day, hour, minute, second;
};

Result<UnixMillis> to_unix(const WallTime& w) {
  const std::chrono::year_month_day date{std::chrono::year(w.year),
                                         std::chrono::month(static_cast<unsigned>(w.month)),
                                         std::chrono::day(static_cast<unsigned>(w.day))};
  const bool sane = w.year >= 1970 && w.month >= 1 && w.day >= 1 && date.ok() && w.hour >= 0 &&
                    w.hour < 24 && w.minute >= 0 && w.minute < 60 && w.second >= 0 &&
                    w.second <= 60;
  if (!sane) return Error{Code::kInvalid, "not a date and time between 1970 and 9999"};
  const int64_t days_since = sys_days(date).time_since_epoch().count();
  return UnixMillis(days_since * kDayMs +
                    ((w.hour * 60 + w.minute) * 60 + w.second) * int64_t{1000});
}

WallTime wall_time(UnixMillis time) {
  const CalendarDay day = day_of(time);
  const int64_t second = (time.count % kDayMs) / 1000;
  return {day.year,
          day.month,
          day.day,
          static_cast<int>(second / 3600),
          static_cast<int>(second / 60 % 60),
          static_cast<int>(second % 60)};
}

}  // namespace

CalendarDay CalendarDay::from_packed(int32_t packed) {
  return CalendarDay{packed / 10000, packed / 100 % 100, packed % 100};
}

std::string CalendarDay::path() const { return fmt::format("{:04}/{:02}/{:02}", year, month, day); }

CalendarDay day_of(UnixMillis time) {
  const std::chrono::year_month_day date{sys_days(std::chrono::days(time.count / kDayMs))};
  return CalendarDay{int(date.year()), static_cast<int>(unsigned(date.month())),
                     static_cast<int>(unsigned(date.day()))};
}

std::string to_iso(UnixMillis time) {
  const WallTime w = wall_time(time);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", w.year, w.month, w.day, w.hour,
                     w.minute, w.second, time.count % 1000);
}

Result<UnixMillis> from_iso(std::string_view text) {
  const Error wrong{Code::kInvalid, "expected an ISO 8601 time such as 2026-11-21T03:36:00.000Z"};
  if (text.size() < 19 || text[4] != '-' || text[7] != '-' ||
      (text[10] != 'T' && text[10] != ' ') || text[13] != ':' || text[16] != ':')
    return wrong;
  const WallTime w{number_at(text, 0, 4),  number_at(text, 5, 2),  number_at(text, 8, 2),
                   number_at(text, 11, 2), number_at(text, 14, 2), number_at(text, 17, 2)};
  HOLDFAST_ASSIGN(time, to_unix(w));
  size_t at = 19;
  if (at < text.size() && text[at] == '.') {
    int64_t scale = 100;
    size_t digits = 0;
    for (++at; at < text.size() && text[at] >= '0' && text[at] <= '9'; ++at, ++digits, scale /= 10)
      time.count += (text[at] - '0') * scale;
    if (digits == 0) return wrong;
  }
  const std::string_view zone = text.substr(at);
  // The leap second of the last year is of another.
  const auto in_range = [&]() -> Result<UnixMillis> {
    if (time.count < 0 || day_of(time).year > 9999) return wrong;
    return time;
  };
  if (zone.empty() || zone == "Z" || zone == "z") return in_range();
  const int zone_hours = number_at(zone, 1, 2);
  const size_t minute_at = zone.size() == 6 && zone[3] == ':' ? 4 : 3;
  const int zone_minutes = number_at(zone, minute_at, 2);
  if ((zone[0] != '+' && zone[0] != '-') || zone.size() != minute_at + 2 || zone_hours < 0 ||
      zone_hours > 23 || zone_minutes < 0 || zone_minutes > 59)
    return wrong;
  const Millis offset = minutes(zone_hours * 60 + zone_minutes);
  time = zone[0] == '+' ? time - offset : time + offset;
  return in_range();
}

std::string to_http_date(UnixMillis time) {
  const WallTime w = wall_time(time);
  const auto weekday =
      static_cast<size_t>((time.count / kDayMs + 4) % 7);  // 1970-01-01 was a Thursday
  return fmt::format("{}, {:02} {} {:04} {:02}:{:02}:{:02} GMT", kWeekdays[weekday], w.day,
                     kMonths[static_cast<size_t>(w.month - 1)], w.year, w.hour, w.minute, w.second);
}

Result<UnixMillis> from_http_date(std::string_view text) {
  const Error wrong{Code::kInvalid,
                    "expected an IMF-fixdate such as Sat, 21 Nov 2026 03:36:00 GMT"};
  if (text.size() != 29 || text.substr(3, 2) != ", " || text.substr(25) != " GMT" ||
      text[7] != ' ' || text[11] != ' ' || text[16] != ' ' || text[19] != ':' || text[22] != ':' ||
      std::find(kWeekdays.begin(), kWeekdays.end(), text.substr(0, 3)) == kWeekdays.end())
    return wrong;
  for (size_t month = 0; month < kMonths.size(); ++month) {
    if (text.substr(8, 3) != kMonths[month]) continue;
    return to_unix({number_at(text, 12, 4), static_cast<int>(month) + 1, number_at(text, 5, 2),
                    number_at(text, 17, 2), number_at(text, 20, 2), number_at(text, 23, 2)});
  }
  return wrong;
}

std::string to_words(Millis length) {
  const int64_t s = (length.count + 500) / 1000;
  if (s < 120) return fmt::format("{} s", s);
  if (s < 7200) return fmt::format("{} min", (s + 30) / 60);
  if (s < 172'800) return fmt::format("{} h", (s + 1800) / 3600);
  return fmt::format("{} d", (s + 43'200) / 86'400);
}

}  // namespace holdfast
