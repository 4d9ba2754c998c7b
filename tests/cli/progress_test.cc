// The line that tells how far something is: bars for people, JSON for programs.
#include "cli/progress.h"

#include <boost/test/unit_test.hpp>
#include <memory>

#include "base/json.h"

namespace holdfast::cli {
namespace {

struct Shown {
  explicit Shown(Progress::Style style, int columns = 100)
      : progress(std::make_unique<Progress>(
            clock, Progress::Look{style, columns}, [this](std::string_view text) { all += text; },
            "CA1")) {}

  // What stands on the terminal's line now.
  std::string row() const {
    std::string text = all.substr(all.rfind('\r') + 1);
    text.erase(text.find_last_not_of(' ') + 1);
    return text;
  }
  json::object last_line() const {
    const size_t begin = all.rfind('\n', all.size() - 2);
    const size_t first = begin == std::string::npos ? 0 : begin + 1;
    return parse_json(all.substr(first, all.size() - 1 - first))->as_object();
  }

  ManualClock clock{UnixMillis(1'790'000'000'000)};
  std::string all;
  std::unique_ptr<Progress> progress;
};

constexpr int64_t kMiB = 1 << 20;

BOOST_AUTO_TEST_SUITE(progress)

BOOST_AUTO_TEST_CASE(a_bar_has_share_rate_and_what_is_left) {
  Shown shown(Progress::Style::kBar);
  for (int i = 0; i <= 8; ++i) {
    shown.progress->at(i * kMiB, 32 * kMiB);
    shown.clock.advance(Millis(500));
  }
  shown.progress->at(8 * kMiB, 32 * kMiB);
  BOOST_TEST(shown.row() ==
             "CA1  [####------------]  25 %  8.0 MiB of 32 MiB  1.8 MiB/s  14 s left");
  shown.progress->end();
  BOOST_TEST(shown.row().empty());
  const size_t length = shown.all.size();
  shown.progress->at(9 * kMiB, 32 * kMiB);
  BOOST_TEST(shown.all.size() == length);
}

BOOST_AUTO_TEST_CASE(what_is_quick_leaves_no_trace) {
  for (const auto style : {Progress::Style::kBar, Progress::Style::kLines}) {
    Shown shown(style);
    shown.progress->at(1, 10);
    shown.clock.advance(Millis(400));
    shown.progress->at(10, 10);
    shown.progress.reset();
    BOOST_TEST(shown.all.empty());
  }
}

BOOST_AUTO_TEST_CASE(a_bar_fits_its_terminal_and_is_not_drawn_too_often) {
  for (const int columns : {0, 20, 40, 80}) {
    Shown shown(Progress::Style::kBar, columns);
    for (int i = 0; i < 100; ++i) {
      shown.clock.advance(Millis(10));
      shown.progress->at(i, std::nullopt);
    }
    shown.progress->waits("queued", std::string(300, 'x'));
    const auto draws = std::count(shown.all.begin(), shown.all.end(), '\r');
    BOOST_TEST(draws <= 5);
    BOOST_TEST(shown.row().size() < static_cast<size_t>(std::max(columns, 20)));
  }
}

// A terminal's escape sequences in a name stay words.
BOOST_AUTO_TEST_CASE(what_is_shown_is_printable) {
  Shown shown(Progress::Style::kBar);
  shown.progress->waits("queued", "\x1b[2J\nboo");
  BOOST_TEST(shown.all.find('\x1b') == std::string::npos);
  BOOST_TEST(shown.all.find('\n') == std::string::npos);
}

BOOST_AUTO_TEST_CASE(lines_are_json_at_each_state_and_seldom_between) {
  Shown shown(Progress::Style::kLines);
  shown.progress->waits("queued", "on cold, about 12 min");
  shown.progress->waits("queued", "on cold, about 11 min");
  shown.progress->waits("recalling", "on cold");
  BOOST_TEST(
      shown.all ==
      "{\"state\":\"queued\",\"what\":\"CA1\"}\n{\"state\":\"recalling\",\"what\":\"CA1\"}\n");
  for (int second = 0; second <= 20; ++second) {
    shown.progress->at(second * 1000, 100'000);
    shown.clock.advance(seconds(1));
  }
  const auto lines = std::count(shown.all.begin(), shown.all.end(), '\n');
  BOOST_TEST(lines == 2 + 4);
  const json::object line = shown.last_line();
  BOOST_TEST(line.at("done").as_int64() == 20'000);
  BOOST_TEST(line.at("total").as_int64() == 100'000);
  BOOST_TEST(line.at("rate").as_int64() == 1000);
  BOOST_TEST(line.at("remaining_seconds").as_int64() == 80);
}

// A download that is begun anew has the rate of its new beginning.
BOOST_AUTO_TEST_CASE(what_is_begun_anew_has_a_new_rate) {
  Shown shown(Progress::Style::kLines);
  shown.progress->at(0, 1000);
  shown.clock.advance(seconds(6));
  shown.progress->at(900, 1000);
  BOOST_TEST(shown.last_line().at("rate").as_int64() == 150);
  shown.progress->at(0, 1000);
  shown.clock.advance(seconds(6));
  shown.progress->at(60, 1000);
  BOOST_TEST(shown.last_line().at("rate").as_int64() == 10);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace holdfast::cli
