#include "cli/progress.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "base/json.h"
#include "cli/words.h"

namespace holdfast::cli {
namespace {

constexpr Millis kBarEvery{200};       // as often as an eye follows
constexpr Millis kLinesEvery{5000};    // as often as a log bears
constexpr Millis kFirstBar{500};       // what takes less needs no bar
constexpr Millis kRateWindow{10'000};  // the rate is that of the last ten seconds
constexpr Millis kMarkEvery{250};
constexpr int kBarWidth = 16;
constexpr int kColumnsMin = 20;

}  // namespace

Progress::Progress(const Clock& clock, Look look, Out out, std::string what)
    : clock_(clock), look_(look), out_(std::move(out)), what_(std::move(what)) {
  const Millis first = look_.style == Style::kBar ? kFirstBar : kLinesEvery;
  due_ = Millis(clock_.monotonic().count + first.count);
}

Progress::~Progress() { end(); }

bool Progress::is_due() const { return clock_.monotonic().count >= due_.count; }

void Progress::at(int64_t done, std::optional<int64_t> total) {
  if (ended_) return;
  const Millis now = clock_.monotonic();
  if (done_ && done < *done_) marks_.clear();
  done_ = done;
  total_ = total;
  if (marks_.empty() || now.count - marks_.back().at.count >= kMarkEvery.count)
    marks_.push_back({now, done});
  // One mark before the window stays, so that a slow transfer has a rate, too.
  while (marks_.size() > 2 && now.count - marks_[1].at.count >= kRateWindow.count)
    marks_.pop_front();
  if (is_due()) draw();
}

void Progress::waits(std::string_view state, std::string_view words) {
  if (ended_) return;
  const bool is_news = state != state_;
  state_ = state;
  words_ = words;
  if (is_news || is_due()) draw();
}

void Progress::end() {
  if (ended_) return;
  ended_ = true;
  if (look_.style == Style::kBar && is_drawn_)
    out_("\r" + std::string(static_cast<size_t>(std::max(look_.columns, kColumnsMin) - 1), ' ') +
         "\r");
}

std::optional<double> Progress::rate() const {
  if (marks_.empty() || !done_) return std::nullopt;
  const int64_t elapsed_ms = clock_.monotonic().count - marks_.front().at.count;
  if (elapsed_ms <= 0) return std::nullopt;
  return static_cast<double>(*done_ - marks_.front().done) * 1000 / static_cast<double>(elapsed_ms);
}

void Progress::draw() {
  is_drawn_ = true;
  const bool is_bar = look_.style == Style::kBar;
  due_ = Millis(clock_.monotonic().count + (is_bar ? kBarEvery : kLinesEvery).count);
  if (!is_bar) return out_(line() + "\n");
  // One column stays free: a terminal that wraps would begin a line of its own.
  const auto columns = static_cast<size_t>(std::max(look_.columns, kColumnsMin) - 1);
  std::string text = bar();
  if (text.size() > columns) text.resize(columns);
  text.resize(columns, ' ');
  out_("\r" + text);
}

std::string Progress::bar() const {
  std::string text = printable(what_);
  if (!words_.empty()) text += "  " + printable(words_);
  if (!done_) return text;
  if (total_ && *total_ > 0) {
    const double share =
        std::clamp(static_cast<double>(*done_) / static_cast<double>(*total_), 0.0, 1.0);
    const int full = static_cast<int>(share * kBarWidth);
    text +=
        fmt::format("  [{}{}]  {} %  {} of {}", std::string(static_cast<size_t>(full), '#'),
                    std::string(static_cast<size_t>(kBarWidth - full), '-'),
                    static_cast<int>(share * 100), size_in_words(*done_), size_in_words(*total_));
  } else {
    text += "  " + size_in_words(*done_);
  }
  const std::optional<double> speed = rate();
  if (!speed) return text;
  text += fmt::format("  {}/s", size_in_words(static_cast<int64_t>(*speed)));
  if (total_ && *speed >= 1 && *total_ > *done_)
    text +=
        fmt::format("  {} left", length_in_words(static_cast<double>(*total_ - *done_) / *speed));
  return text;
}

std::string Progress::line() const {
  json::object told{{"what", what_}, {"state", state_}};
  if (done_) told["done"] = *done_;
  if (total_) told["total"] = *total_;
  if (const auto speed = rate()) {
    told["rate"] = static_cast<int64_t>(*speed);
    if (total_ && *speed >= 1 && *total_ >= *done_)
      told["remaining_seconds"] =
          static_cast<int64_t>(static_cast<double>(*total_ - *done_) / *speed);
  }
  return canonical(told);
}

Progress::Look look_of_stderr() {
  Progress::Look look;
  if (::isatty(STDERR_FILENO) == 0) return look;
  look.style = Progress::Style::kBar;
  struct winsize size {};
  if (::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) look.columns = size.ws_col;
  return look;
}

void to_stderr(std::string_view text) {
  std::fflush(stdout);  // on a terminal both appear in the order in which they were said
  std::fwrite(text.data(), 1, text.size(), stderr);
  std::fflush(stderr);
}

}  // namespace holdfast::cli
