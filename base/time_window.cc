#include "base/time_window.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace holdfast {
namespace {

constexpr int kMinutesOfDay = 24 * 60;
constexpr int kMinutesOfWeek = 7 * kMinutesOfDay;
constexpr int64_t kMillisOfMinute = 60'000;
constexpr int kEpochWeekday = 3;  // 1970-01-01 was a Thursday

int minute_of_week(UnixMillis at) {
  const int64_t minute = at.count / kMillisOfMinute + int64_t{kEpochWeekday} * kMinutesOfDay;
  return static_cast<int>(minute % kMinutesOfWeek);
}

std::optional<int> weekday_from(std::string_view text) {
  static constexpr std::array<std::string_view, 7> kDays = {"mon", "tue", "wed", "thu",
                                                            "fri", "sat", "sun"};
  for (size_t day = 0; day < kDays.size(); ++day)
    if (kDays[day] == text) return static_cast<int>(day);
  return std::nullopt;
}

std::optional<int> two_digits(std::string_view text) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.size() != 2 || error != std::errc() || end != text.data() + text.size() || value < 0)
    return std::nullopt;
  return value;
}

// "22:00" in minutes; "24:00" is the day's end.
std::optional<int> time_from(std::string_view text) {
  if (text.size() != 5 || text[2] != ':') return std::nullopt;
  const auto hour = two_digits(text.substr(0, 2));
  const auto minute = two_digits(text.substr(3));
  if (!hour || !minute || *minute > 59) return std::nullopt;
  const int minutes_of_day = *hour * 60 + *minute;
  if (minutes_of_day > kMinutesOfDay) return std::nullopt;
  return minutes_of_day;
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

}  // namespace

// One item, "22:00-06:00" or "sat-sun 00:00-24:00"; nothing when it is not one.
std::optional<std::vector<TimeWindow::Span>> TimeWindow::parse(std::string_view item) {
  int first_day = 0;
  int last_day = 6;
  if (const size_t space = item.find(' '); space != std::string_view::npos) {
    const std::string_view days = item.substr(0, space);
    const size_t dash = days.find('-');
    const auto first = weekday_from(days.substr(0, dash));
    const auto last = dash == std::string_view::npos ? first : weekday_from(days.substr(dash + 1));
    if (!first || !last) return std::nullopt;
    first_day = *first;
    last_day = *last < *first ? *last + 7 : *last;  // "sat-mon"
    item = trimmed(item.substr(space));
  }
  const size_t dash = item.find('-');
  if (dash == std::string_view::npos) return std::nullopt;
  const auto from = time_from(item.substr(0, dash));
  const auto to = time_from(item.substr(dash + 1));
  if (!from || !to || *from == kMinutesOfDay) return std::nullopt;
  std::vector<Span> spans;
  for (int day = first_day; day <= last_day; ++day) {
    const int begin = (day % 7) * kMinutesOfDay;
    const int end = *to > *from ? *to : *to + kMinutesOfDay;
    spans.push_back({begin + *from, begin + end});
  }
  return spans;
}

Result<TimeWindow> TimeWindow::from_text(std::string_view text) {
  TimeWindow window;
  window.text_ = text;
  for (std::string_view rest = text;;) {
    const size_t comma = rest.find(',');
    const auto spans = parse(trimmed(rest.substr(0, comma)));
    if (!spans)
      return Error{
          Code::kInvalid,
          "expected times such as \"22:00-06:00\" or \"sat-sun 00:00-24:00\" (UTC), got \"" +
              std::string(text) + "\""};
    window.spans_.insert(window.spans_.end(), spans->begin(), spans->end());
    if (comma == std::string_view::npos) return window;
    rest.remove_prefix(comma + 1);
  }
}

bool TimeWindow::is_open(UnixMillis at) const {
  const int now = minute_of_week(at);
  return spans_.empty() || std::any_of(spans_.begin(), spans_.end(), [&](const Span& span) {
           return (span.begin <= now && now < span.end) ||
                  (span.begin <= now + kMinutesOfWeek && now + kMinutesOfWeek < span.end);
         });
}

UnixMillis TimeWindow::opens_at(UnixMillis at) const {
  if (is_open(at)) return at;
  const int now = minute_of_week(at);
  int wait = kMinutesOfWeek;
  for (const Span& span : spans_)
    wait = std::min(wait, (span.begin - now + kMinutesOfWeek) % kMinutesOfWeek);
  const int64_t minute = at.count / kMillisOfMinute + wait;
  return UnixMillis(minute * kMillisOfMinute);
}

}  // namespace holdfast
