// One line per event on standard error, with the priority prefix that journald
// reads (sd-daemon(3)). Never a phone number, a key or a token.
#pragma once

#include <fmt/format.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast::log {

enum class Level { kError = 3, kWarning = 4, kNotice = 5, kInfo = 6, kDebug = 7 };

// "error", "warning", "notice", "info", "debug", as the configuration writes them.
const std::vector<std::string>& level_words();
// Nothing: no such word.
std::optional<Level> level_of(std::string_view word);

// Lines above `level` are dropped. Default kInfo. Any thread.
void set_level(Level level);
// Thread rule: any thread; a line is written by one write(2).
void write(Level level, std::string_view message);

template <typename... Args>
void error(fmt::format_string<Args...> format, Args&&... args) {
  write(Level::kError, fmt::format(format, std::forward<Args>(args)...));
}
template <typename... Args>
void warning(fmt::format_string<Args...> format, Args&&... args) {
  write(Level::kWarning, fmt::format(format, std::forward<Args>(args)...));
}
template <typename... Args>
void info(fmt::format_string<Args...> format, Args&&... args) {
  write(Level::kInfo, fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace holdfast::log
