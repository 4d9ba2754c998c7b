#include "base/retention.h"

#include <algorithm>
#include <charconv>
#include <chrono>

#include "base/limits.h"
#include "base/time_text.h"

namespace holdfast {
namespace {

struct UnitWord {
  std::string_view suffix;
  PeriodUnit unit;
  int64_t most;
};
constexpr UnitWord kUnits[] = {{"d", PeriodUnit::kDays, 36'500},
                               {"mo", PeriodUnit::kMonths, 1200},
                               {"y", PeriodUnit::kYears, 100}};

UnixMillis after_months(UnixMillis from, int64_t months) {
  using std::chrono::sys_days;
  const sys_days day{std::chrono::days(from.count / kDayMs)};
  std::chrono::year_month_day date{day};
  date += std::chrono::months(months);
  if (!date.ok()) date = date.year() / date.month() / std::chrono::last;
  return UnixMillis(sys_days(date).time_since_epoch().count() * kDayMs + from.count % kDayMs);
}

}  // namespace

Result<RetentionPeriod> parse_period(std::string_view text) {
  if (text == "forever") return RetentionPeriod{0, PeriodUnit::kForever};
  int64_t amount = 0;
  const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), amount);
  const std::string_view suffix(rest, static_cast<size_t>(text.data() + text.size() - rest));
  for (const UnitWord& unit : kUnits)
    if (error == std::errc() && unit.suffix == suffix && amount >= 0 && amount <= unit.most)
      return RetentionPeriod{amount, unit.unit};
  return Error{Code::kInvalid,
               "expected a period such as \"30d\", \"18mo\", \"7y\" or \"forever\", got \"" +
                   std::string(text) + "\""};
}

std::string to_text(const RetentionPeriod& period) {
  for (const UnitWord& unit : kUnits)
    if (unit.unit == period.unit) return std::to_string(period.amount) + std::string(unit.suffix);
  return "forever";
}

bool is_retention_class_name(std::string_view text) {
  const auto is_plain = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  return !text.empty() && text.size() <= limits::kRetentionNameBytesMax && is_plain(text[0]) &&
         std::all_of(text.begin(), text.end(),
                     [&](char c) { return is_plain(c) || c == '.' || c == '_' || c == '-'; });
}

std::string end_text(UnixMillis end) { return end == kForever ? "forever" : to_iso(end); }

UnixMillis period_end(UnixMillis from, const RetentionPeriod& period) {
  switch (period.unit) {
    case PeriodUnit::kDays:
      return from + days(period.amount);
    case PeriodUnit::kMonths:
      return after_months(from, period.amount);
    case PeriodUnit::kYears:
      return after_months(from, 12 * period.amount);
    case PeriodUnit::kForever:
      break;
  }
  return kForever;
}

RetentionEnd retention_end(const RetentionRule& rule, const RetentionTimes& times,
                           Millis not_before) {
  RetentionEnd end;
  if (rule.period.is_forever()) {
    end.retain_until = kForever;
    return end;
  }
  const bool by_arrival = rule.event == RetentionEvent::kReceived || !times.is_end_known;
  const UnixMillis from = by_arrival ? times.received_at : times.ended_at;
  const UnixMillis until = period_end(from, rule.period);
  if (rule.period.amount > 0) end.retain_until = until;
  end.expires_at = std::max(until, times.received_at + not_before);
  return end;
}

}  // namespace holdfast
