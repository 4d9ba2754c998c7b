// Retention periods and ends: calendar time, and what an unknown end of a call means.
#include "base/retention.h"

#include <boost/test/unit_test.hpp>

#include "base/time_text.h"

using namespace holdfast;

namespace {

UnixMillis at(const char* iso) { return *from_iso(iso); }
RetentionPeriod period(const char* text) { return *parse_period(text); }
std::string after(const char* iso, const char* length) {
  return to_iso(period_end(at(iso), period(length)));
}

}  // namespace

BOOST_AUTO_TEST_SUITE(retention)

BOOST_AUTO_TEST_CASE(periods_are_read_and_told) {
  for (const char* text : {"0d", "1d", "90d", "36500d", "18mo", "1200mo", "7y", "100y", "forever"})
    BOOST_TEST(to_text(period(text)) == text);
  for (const char* text : {"", "d", "7", "7 y", "-1d", "7m", "7w", "1.5y", "36501d", "1201mo",
                           "101y", "99999999999999999999d", "7yy", "Forever"})
    BOOST_TEST(!parse_period(text).ok(), text);
  BOOST_TEST(parse_period("7w").error().message.find("\"7y\"") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(months_and_years_are_those_of_the_calendar) {
  BOOST_TEST(after("2026-11-21T03:36:00.123Z", "7y") == "2033-11-21T03:36:00.123Z");
  BOOST_TEST(after("2026-01-31T12:00:00Z", "1mo") == "2026-02-28T12:00:00.000Z");
  BOOST_TEST(after("2028-01-31T12:00:00Z", "1mo") == "2028-02-29T12:00:00.000Z");
  BOOST_TEST(after("2028-02-29T00:00:00Z", "1y") == "2029-02-28T00:00:00.000Z");
  BOOST_TEST(after("2028-02-29T00:00:00Z", "4y") == "2032-02-29T00:00:00.000Z");
  BOOST_TEST(after("2026-12-31T23:59:59Z", "2mo") == "2027-02-28T23:59:59.000Z");
  BOOST_TEST(after("2026-11-21T00:00:00Z", "90d") == "2027-02-19T00:00:00.000Z");
  BOOST_TEST((period_end(at("2026-11-21T00:00:00Z"), period("forever")) == kForever));
  BOOST_TEST(end_text(kForever) == "forever");
}

BOOST_AUTO_TEST_CASE(names_are_plain) {
  for (const char* name : {"a", "mifid", "mifid-ii.v2", "7y", "a_b"})
    BOOST_TEST(is_retention_class_name(name), name);
  for (const char* name : {"", "-a", ".a", "A", "a b", "é", "a/b"})
    BOOST_TEST(!is_retention_class_name(name), name);
  BOOST_TEST(!is_retention_class_name(std::string(65, 'a')));
  BOOST_TEST(is_retention_class_name(std::string(64, 'a')));
}

BOOST_AUTO_TEST_CASE(an_end_counts_from_its_event) {
  const UnixMillis ended = at("2026-01-01T10:00:00Z");
  const UnixMillis received = at("2026-03-01T10:00:00Z");
  RetentionRule rule{RetentionMode::kGovernance, RetentionEvent::kCallEnd, period("1y")};
  const RetentionTimes known{ended, true, received};
  BOOST_TEST((retention_end(rule, known, days(30)).retain_until == at("2027-01-01T10:00:00Z")));
  rule.event = RetentionEvent::kReceived;
  BOOST_TEST((retention_end(rule, known, days(30)).retain_until == at("2027-03-01T10:00:00Z")));
  // Absent, or in the future: the arrival counts.
  rule.event = RetentionEvent::kCallEnd;
  const RetentionTimes unknown{ended, false, received};
  BOOST_TEST((retention_end(rule, unknown, days(30)).retain_until == at("2027-03-01T10:00:00Z")));
}

BOOST_AUTO_TEST_CASE(nothing_expires_soon_after_it_came_in) {
  const UnixMillis received = at("2026-03-01T10:00:00Z");
  // An old call that was imported: its lock has ended, and it stays for a while all the same.
  const RetentionRule rule{RetentionMode::kCompliance, RetentionEvent::kCallEnd, period("1y")};
  const RetentionTimes old{at("2019-01-01T00:00:00Z"), true, received};
  RetentionEnd end = retention_end(rule, old, days(30));
  BOOST_TEST((end.retain_until == at("2020-01-01T00:00:00Z")));
  BOOST_TEST((end.expires_at == received + days(30)));
  // 0 days: no lock at all. For ever: never.
  end = retention_end({RetentionMode::kGovernance, RetentionEvent::kCallEnd, period("0d")}, old,
                      days(30));
  BOOST_TEST(!end.retain_until.has_value());
  BOOST_TEST((end.expires_at == received + days(30)));
  end = retention_end({RetentionMode::kGovernance, RetentionEvent::kCallEnd, period("forever")},
                      old, days(30));
  BOOST_TEST((end.retain_until == kForever));
  BOOST_TEST(!end.expires_at.has_value());
}

BOOST_AUTO_TEST_SUITE_END()
