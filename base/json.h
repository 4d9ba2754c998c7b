// JSON by Boost.JSON, and the canonical form in which ledger lines,
// recording.json and contents.jsonl are written: sorted keys, no spaces, UTF-8,
// integers as integers. The same value always gives the same bytes.
#pragma once

#include <boost/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace holdfast {

namespace json = boost::json;

// The canonical text of `value`, without a line feed. Keys sort by their bytes.
std::string canonical(const json::value& value);

// Parses one JSON text; kInvalid with the byte offset otherwise. Refuses
// duplicate keys, nesting deeper than 32, invalid UTF-8 and numbers beyond a double.
Result<json::value> parse_json(std::string_view text);

// Members of an object, with errors that name the key. `find_*` give nothing
// when the key is absent or null and kInvalid when it has another type;
// `need_*` give kInvalid when it is absent or null as well.
Result<std::string> need_string(const json::object& object, std::string_view key);
Result<int64_t> need_integer(const json::object& object, std::string_view key);
Result<std::optional<std::string>> find_string(const json::object& object, std::string_view key);
Result<std::optional<int64_t>> find_integer(const json::object& object, std::string_view key);
Result<std::optional<double>> find_number(const json::object& object, std::string_view key);
Result<std::optional<bool>> find_bool(const json::object& object, std::string_view key);

}  // namespace holdfast
