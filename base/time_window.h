// When in the week something may be done: "22:00-06:00", "sat-sun 00:00-24:00", or several of them
// with commas between. UTC: a window does not move with daylight saving time.
//
// A span belongs to the day on which it begins: "fri 22:00-06:00" ends on Saturday.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/types.h"

namespace holdfast {

class TimeWindow {
 public:
  // Always open.
  TimeWindow() = default;
  // kInvalid says what would be right. Days are mon … sun; 24:00 is the day's end; an end that is
  // not after the beginning lies on the next day.
  static Result<TimeWindow> from_text(std::string_view text);

  bool is_open(UnixMillis at) const;
  // The first minute at or after `at` in which it is open.
  UnixMillis opens_at(UnixMillis at) const;
  bool is_always() const { return spans_.empty(); }
  const std::string& text() const { return text_; }  // as written; empty: always

 private:
  // Minutes of the week, from Monday 00:00; an end beyond the week's lies in the next.
  struct Span {
    int begin = 0;
    int end = 0;
  };

  static std::optional<std::vector<Span>> parse(std::string_view item);

  std::string text_;
  std::vector<Span> spans_;
};

}  // namespace holdfast
