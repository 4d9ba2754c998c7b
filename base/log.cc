#include "base/log.h"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <string>

namespace holdfast::log {
namespace {

std::atomic<int> level_limit{static_cast<int>(Level::kInfo)};
std::atomic<Sink> the_sink{nullptr};

}  // namespace

const std::vector<std::string>& level_words() {
  static const std::vector<std::string> kWords = {"error", "warning", "notice", "info", "debug"};
  return kWords;
}

std::optional<Level> level_of(std::string_view word) {
  const auto& words = level_words();
  const auto found = std::find(words.begin(), words.end(), word);
  if (found == words.end()) return std::nullopt;
  return static_cast<Level>(static_cast<int>(Level::kError) + (found - words.begin()));
}

void set_level(Level level) { level_limit = static_cast<int>(level); }

void set_sink(Sink sink) { the_sink = sink; }

void write(Level level, std::string_view message) {
  static const std::vector<Field> kNone;
  write(Line{level, "", message, kNone});
}

void write(const Line& told) {
  if (static_cast<int>(told.level) > level_limit) return;
  if (const Sink sink = the_sink; sink != nullptr && sink(told)) return;
  std::string line = fmt::format("<{}>{}\n", static_cast<int>(told.level), told.message);
  // A line feed within a message would start a line of its own without a priority.
  std::replace(line.begin(), line.end() - 1, '\n', ' ');
  // Standard error is the last place to complain at: a failure here has nowhere to go.
  [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, line.data(), line.size());
}

}  // namespace holdfast::log
