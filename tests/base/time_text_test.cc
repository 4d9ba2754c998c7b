// Times as text, checked against fixed points and against themselves over the calendar.
#include "base/time_text.h"

#include <boost/test/unit_test.hpp>
#include <ctime>
#include <string>

using namespace holdfast;

BOOST_AUTO_TEST_SUITE(time_text)

BOOST_AUTO_TEST_CASE(iso_fixed_points) {
  BOOST_TEST(to_iso(UnixMillis(0)) == "1970-01-01T00:00:00.000Z");
  BOOST_TEST(to_iso(UnixMillis(1'795'232'160'123)) == "2026-11-21T03:36:00.123Z");
  BOOST_TEST(to_iso(UnixMillis(951'782'400'000)) == "2000-02-29T00:00:00.000Z");
}

BOOST_AUTO_TEST_CASE(iso_spellings_of_one_instant) {
  for (const char* text :
       {"2026-11-21T03:36:00Z", "2026-11-21T03:36:00", "2026-11-21T03:36:00.000000Z",
        "2026-11-21T04:36:00+01:00", "2026-11-20T22:06:00-05:30", "2026-11-21T04:36:00+0100"})
    BOOST_TEST(from_iso(text).value().count == 1'795'232'160'000, text);
  BOOST_TEST(from_iso("2026-11-21T03:36:00.5Z").value().count == 1'795'232'160'500);
  BOOST_TEST(from_iso("2026-11-21T03:36:00.1239Z").value().count == 1'795'232'160'123);
}

BOOST_AUTO_TEST_CASE(iso_mistakes_are_refused) {
  for (const char* text :
       {"", "2026", "2026-11-21", "2026-13-01T00:00:00Z", "2026-02-30T00:00:00Z",
        "2026-11-21T24:00:00Z", "2026-11-21T03:60:00Z", "2026-11-21T03:36:61Z",
        "2026-11-21T03:36:00.Z", "2026-11-21T03:36:00X", "2026-11-21T03:36:00+1",
        "2026-11-21T03:36:00+24:00", "2026-11-21T03:36:00+01:60", "2026-11-21T03:36:00ZZ",
        "1969-12-31T23:59:59Z", "1970-01-01T00:00:00+01:00", "-026-11-21T03:36:00Z",
        "9999-12-31T23:59:59-01:00"})
    BOOST_TEST(!from_iso(text).ok(), text);
  // The last leap second is of a year that no text tells.
  for (const char* text : {"9999-12-31T23:59:60Z", "9999-12-31T23:59:60"})
    BOOST_TEST(!from_iso(text).ok(), text);
}

BOOST_AUTO_TEST_CASE(http_dates) {
  // RFC 9110, section 5.6.7.
  const UnixMillis time(784'111'777'000);
  BOOST_TEST(to_http_date(time) == "Sun, 06 Nov 1994 08:49:37 GMT");
  BOOST_TEST((from_http_date("Sun, 06 Nov 1994 08:49:37 GMT").value() == time));
  for (const char* text : {"", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994",
                           "Sun, 06 Nov 1994 08:49:37 UTC", "Sun, 06xNov 1994 08:49:37 GMT",
                           "Son, 06 Nov 1994 08:49:37 GMT", "Sun, 06 Nox 1994 08:49:37 GMT",
                           "Sun, 31 Feb 1994 08:49:37 GMT"})
    BOOST_TEST(!from_http_date(text).ok(), text);
}

BOOST_AUTO_TEST_CASE(agrees_with_the_c_library_over_a_century) {
  for (int64_t day = 0; day < 36'600; ++day) {
    const UnixMillis time(day * 86'400'000 + (day * 7919) % 86'400 * 1000);
    const std::time_t seconds_since = time.count / 1000;
    std::tm broken{};
    gmtime_r(&seconds_since, &broken);
    char expected[40];
    std::strftime(expected, sizeof expected, "%Y-%m-%dT%H:%M:%S.000Z", &broken);
    BOOST_REQUIRE_EQUAL(to_iso(time), expected);
    BOOST_REQUIRE(from_iso(expected).value() == time);
    std::strftime(expected, sizeof expected, "%a, %d %b %Y %H:%M:%S GMT", &broken);
    BOOST_REQUIRE_EQUAL(to_http_date(time), expected);
    BOOST_REQUIRE(from_http_date(expected).value() == time);
  }
}

BOOST_AUTO_TEST_CASE(calendar_days) {
  const CalendarDay day = day_of(UnixMillis(1'795'232'160'123));
  BOOST_TEST(day.packed() == 20261121);
  BOOST_TEST(day.path() == "2026/11/21");
  BOOST_TEST((CalendarDay::from_packed(20261121) == day));
}

BOOST_AUTO_TEST_CASE(lengths_in_words) {
  BOOST_TEST(to_words(Millis(0)) == "0 s");
  BOOST_TEST(to_words(seconds(45)) == "45 s");
  BOOST_TEST(to_words(minutes(12)) == "12 min");
  BOOST_TEST(to_words(hours(3)) == "3 h");
  BOOST_TEST(to_words(days(2)) == "2 d");
}

BOOST_AUTO_TEST_SUITE_END()
