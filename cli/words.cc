#include "cli/words.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/time_text.h"

namespace holdfast::cli {
namespace {

const json::value* find(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains(key);
  return value == nullptr || value->is_null() ? nullptr : value;
}

}  // namespace

std::string size_in_words(int64_t bytes) {
  static constexpr const char* kUnits[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
  auto value = static_cast<double>(bytes);
  size_t unit = 0;
  while (value >= 1024 && unit + 1 < std::size(kUnits)) value /= 1024, ++unit;
  if (unit == 0) return fmt::format("{} B", bytes);
  return fmt::format("{:.{}f} {}", value, value < 9.95 ? 1 : 0, kUnits[unit]);
}

std::string time_in_words(std::string_view iso) {
  const auto time = from_iso(iso);
  if (!time.ok()) return printable(iso);
  std::string text = to_iso(*time).substr(0, 19);  // to the second
  text[10] = ' ';
  return text;
}

std::string length_in_words(double seconds) {
  const auto whole = static_cast<int64_t>(std::llround(std::max(0.0, seconds)));
  if (whole < 60) return fmt::format("{} s", whole);
  struct Unit {
    int64_t size;
    const char* name;
    int64_t next_size;
    const char* next_name;
  };
  static constexpr Unit kUnits[] = {
      {86'400, "d", 3600, "h"}, {3600, "h", 60, "min"}, {60, "min", 1, "s"}};
  for (const Unit& unit : kUnits) {
    if (whole < unit.size) continue;
    const int64_t rest = whole % unit.size / unit.next_size;
    if (rest == 0) return fmt::format("{} {}", whole / unit.size, unit.name);
    return fmt::format("{} {} {} {}", whole / unit.size, unit.name, rest, unit.next_name);
  }
  return {};
}

std::string printable(std::string_view text) {
  std::string safe(text);
  for (char& c : safe)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) c = '?';
  // U+0080 to U+009F are control characters too: C2 80 to C2 9F.
  for (size_t i = 0; i + 1 < safe.size(); ++i)
    if (safe[i] == '\xC2' && static_cast<unsigned char>(safe[i + 1]) < 0xA0)
      safe.replace(i, 2, "?");
  return safe;
}

std::string text_of(const json::object& object, std::string_view key) {
  const json::value* value = find(object, key);
  if (value == nullptr) return "-";
  if (value->is_bool()) return value->as_bool() ? "yes" : "no";
  if (value->is_string()) return value->as_string().empty() ? "-" : printable(value->as_string());
  return printable(canonical(*value));
}

std::string size_of(const json::object& object, std::string_view key) {
  const json::value* value = find(object, key);
  return value != nullptr && value->is_number()
             ? size_in_words(static_cast<int64_t>(number_of(object, key)))
             : "-";
}

std::string time_of(const json::object& object, std::string_view key) {
  const json::value* value = find(object, key);
  if (value == nullptr) return "-";
  if (value->is_int64()) return time_in_words(to_iso(UnixMillis(value->as_int64())));
  return value->is_string() ? time_in_words(value->as_string()) : text_of(object, key);
}

std::string length_of(const json::object& object, std::string_view key) {
  const json::value* value = find(object, key);
  return value != nullptr && value->is_number() ? length_in_words(number_of(object, key)) : "-";
}

std::string list_of(const json::object& object, std::string_view key) {
  const json::value* value = find(object, key);
  if (value == nullptr || !value->is_array() || value->as_array().empty()) return "-";
  std::string text;
  for (const json::value& item : value->as_array()) {
    if (!text.empty()) text += ", ";
    text += item.is_string() ? printable(item.as_string()) : printable(canonical(item));
  }
  return text;
}

double number_of(const json::object& object, std::string_view key) {
  const json::value* value = find(object, key);
  if (value == nullptr || !value->is_number()) return 0;
  if (value->is_int64()) return static_cast<double>(value->as_int64());
  if (value->is_uint64()) return static_cast<double>(value->as_uint64());
  return value->as_double();
}

std::vector<const json::object*> objects_of(const json::object& object, std::string_view key) {
  std::vector<const json::object*> found;
  const json::value* value = find(object, key);
  if (value == nullptr || !value->is_array()) return found;
  for (const json::value& item : value->as_array())
    if (item.is_object()) found.push_back(&item.as_object());
  return found;
}

std::string pause_words(const json::object& pause) {
  const std::string tier = text_of(pause, "tier");
  std::string words = (tier == "-" ? "everything" : tier) + " is paused by " +
                      text_of(pause, "by") + " since " + time_of(pause, "since") + " UTC";
  const std::string reason = text_of(pause, "reason");
  if (!reason.empty() && reason != "-") words += ": " + reason;
  return words;
}

std::string retention_words(const json::object& retention) {
  const std::string until = text_of(retention, "retain_until");
  std::string words = fmt::format("{} (version {}), {} mode", text_of(retention, "class"),
                                  text_of(retention, "version"), text_of(retention, "mode"));
  if (until == "forever")
    words += ", kept for ever";
  else if (until != "-")
    words += fmt::format(", {} until {} UTC",
                         text_of(retention, "locked") == "yes" ? "locked" : "was locked",
                         time_in_words(until));
  if (const std::string expires = time_of(retention, "expires_at"); expires != "-")
    words += fmt::format(", expires {} UTC", expires);
  return words;
}

Result<const json::object*> object_of(const json::value& value, std::string_view what) {
  if (value.is_object()) return &value.as_object();
  return Error{Code::kIo, fmt::format("{}: the daemon's answer is not a JSON object", what)};
}

}  // namespace holdfast::cli
