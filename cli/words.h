// Answers in words for people: sizes, times, lengths, and text that is safe on a terminal.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"

namespace holdfast::cli {

// "0 B", "999 B", "1.5 KiB", "12 MiB": two digits are enough to compare by eye.
std::string size_in_words(int64_t bytes);
// "2026-11-21 03:36:00" (UTC) of an ISO time; other text is given back printable.
std::string time_in_words(std::string_view iso);
// "45 s", "3 min 20 s", "2 h 5 min", "3 d 4 h" of a number of seconds, 0 or more.
std::string length_in_words(double seconds);
// Control characters (a terminal's escape sequences, line feeds) as "?".
std::string printable(std::string_view text);

// Members of an answer as text for people; "-" when absent or null.
std::string text_of(const json::object& object, std::string_view key);
std::string size_of(const json::object& object, std::string_view key);
std::string time_of(const json::object& object, std::string_view key);
std::string length_of(const json::object& object, std::string_view key);
// The words of an array, with commas; "-" when there is none.
std::string list_of(const json::object& object, std::string_view key);
// A number, or nothing: 0 when absent, null or something else.
double number_of(const json::object& object, std::string_view key);
// The objects of an array; none when the key is absent. Valid as long as `object`.
std::vector<const json::object*> objects_of(const json::object& object, std::string_view key);

// "warm is paused by uid:0 since 2026-11-21 03:36:00 UTC: a disk is swapped"
std::string pause_words(const json::object& pause);

// "mifid, compliance mode, until 2033-11-21 03:36:00 UTC, expires …" of a recording's retention.
std::string retention_words(const json::object& retention);

// The whole answer as an object; kIo when the daemon answered something else.
Result<const json::object*> object_of(const json::value& value, std::string_view what);

}  // namespace holdfast::cli
