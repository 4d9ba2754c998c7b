// Windows of the week: what is open, when the next one opens, and what is refused.
#include "base/time_window.h"

#include <boost/test/unit_test.hpp>

#include "base/time_text.h"

using namespace holdfast;

namespace {

UnixMillis instant(const char* iso) { return from_iso(iso).value(); }
TimeWindow window(const char* text) { return TimeWindow::from_text(text).value(); }

}  // namespace

BOOST_AUTO_TEST_SUITE(time_window)

BOOST_AUTO_TEST_CASE(a_night_is_open_on_both_sides_of_midnight) {
  const TimeWindow night = window("22:00-06:00");
  BOOST_TEST(night.is_open(instant("2026-11-21T22:00:00Z")));
  BOOST_TEST(night.is_open(instant("2026-11-22T05:59:59Z")));
  BOOST_TEST(!night.is_open(instant("2026-11-22T06:00:00Z")));
  BOOST_TEST(!night.is_open(instant("2026-11-22T21:59:59Z")));
  // From Sunday into Monday, where the week begins anew.
  BOOST_TEST(night.is_open(instant("2026-11-23T01:00:00Z")));
  BOOST_TEST((night.opens_at(instant("2026-11-22T12:30:30Z")) == instant("2026-11-22T22:00:00Z")));
  BOOST_TEST((night.opens_at(instant("2026-11-22T23:30:30Z")) == instant("2026-11-22T23:30:30Z")));
}

BOOST_AUTO_TEST_CASE(days_of_the_week) {
  const TimeWindow weekend = window("sat-sun 00:00-24:00");
  BOOST_TEST(!weekend.is_open(instant("2026-11-20T23:59:00Z")));  // a Friday
  BOOST_TEST(weekend.is_open(instant("2026-11-21T00:00:00Z")));
  BOOST_TEST(weekend.is_open(instant("2026-11-22T23:59:00Z")));
  BOOST_TEST(!weekend.is_open(instant("2026-11-23T00:00:00Z")));
  BOOST_TEST(
      (weekend.opens_at(instant("2026-11-23T00:00:00Z")) == instant("2026-11-28T00:00:00Z")));
  const TimeWindow both = window("mon-fri 20:00-05:00, sat-sun 00:00-24:00");
  BOOST_TEST(both.is_open(instant("2026-11-21T04:00:00Z")));
  BOOST_TEST(both.is_open(instant("2026-11-20T21:00:00Z")));
  BOOST_TEST(!both.is_open(instant("2026-11-23T04:00:00Z")));  // Sunday's span ended at midnight
  const TimeWindow wrapped = window("sat-mon 12:00-13:00");
  BOOST_TEST(wrapped.is_open(instant("2026-11-22T12:30:00Z")));
  BOOST_TEST(wrapped.is_open(instant("2026-11-23T12:30:00Z")));
  BOOST_TEST(!wrapped.is_open(instant("2026-11-24T12:30:00Z")));
  BOOST_TEST(window("fri 22:00-06:00").is_open(instant("2026-11-21T05:00:00Z")));
}

BOOST_AUTO_TEST_CASE(without_a_text_it_is_always_open) {
  BOOST_TEST(TimeWindow().is_always());
  BOOST_TEST(TimeWindow().is_open(instant("2026-11-21T22:00:00Z")));
  BOOST_TEST((TimeWindow().opens_at(UnixMillis(5)) == UnixMillis(5)));
}

// What opens_at() answers is open, and the minute before it is not.
BOOST_AUTO_TEST_CASE(it_opens_when_it_says) {
  for (const char* text :
       {"22:00-06:00", "wed 03:10-03:11", "mon-fri 20:00-05:00, sun 10:00-11:00"}) {
    const TimeWindow one = window(text);
    for (int64_t minute = 0; minute < 7 * 24 * 60; minute += 13) {
      const UnixMillis now = instant("2026-11-16T00:00:00Z") + minutes(minute);
      const UnixMillis opens = one.opens_at(now);
      BOOST_TEST(one.is_open(opens));
      if (opens > now) BOOST_TEST(!one.is_open(opens - minutes(1)));
    }
  }
}

BOOST_AUTO_TEST_CASE(what_is_no_window_is_refused) {
  for (const char* text : {"", "22:00", "22:00-", "25:00-26:00", "22:00-06:60", "24:00-06:00",
                           "22-06", "noday 22:00-06:00", "mon-x 22:00-06:00", "22:00-06:00,",
                           "mon,tue 22:00-06:00", "-1:00-06:00", "2x:00-06:00", "22:00-06:-1"}) {
    const auto refused = TimeWindow::from_text(text);
    BOOST_TEST(!refused.ok(), text);
    if (!refused.ok()) BOOST_TEST((refused.error().code == Code::kInvalid));
  }
}

BOOST_AUTO_TEST_SUITE_END()
