// One line per event on standard error, with the priority prefix that journald
// reads (sd-daemon(3)); or, where somebody has set a sink, there, with fields of its
// own. Never a phone number, a key or a token.
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

// What a line is about, for those who search a journal: {"RECORDING", id}. Capital letters and
// underscores.
struct Field {
  std::string_view name;
  std::string value;
};

struct Line {
  Level level = Level::kInfo;
  std::string_view event;  // "move.failed"; empty: a line like others
  std::string_view message;
  const std::vector<Field>& fields;
};

// Takes a line; false when it cannot, and standard error gets it. Any thread.
using Sink = bool (*)(const Line& line);
// Null: standard error. Before other threads are started.
void set_sink(Sink sink);

// Lines above `level` are dropped. Default kInfo. Any thread.
void set_level(Level level);
// Thread rule: any thread; a line is written by one write(2).
void write(const Line& line);
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
// One that has a name, so that it is found, and fields.
template <typename... Args>
void event(Level level, std::string_view name, const std::vector<Field>& fields,
           fmt::format_string<Args...> format, Args&&... args) {
  const std::string message = fmt::format(format, std::forward<Args>(args)...);
  write(Line{level, name, message, fields});
}

}  // namespace holdfast::log
