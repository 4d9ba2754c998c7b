#include "base/json.h"

#include <algorithm>
#include <boost/json/basic_parser_impl.hpp>
#include <cassert>
#include <charconv>
#include <cmath>
#include <optional>
#include <vector>

namespace holdfast {
namespace {

void write_canonical(const json::value& value, std::string& out) {
  if (const json::object* object = value.if_object()) {
    std::vector<const json::key_value_pair*> members;
    members.reserve(object->size());
    for (const json::key_value_pair& member : *object) members.push_back(&member);
    std::sort(members.begin(), members.end(), [](auto* a, auto* b) { return a->key() < b->key(); });
    out += '{';
    for (const json::key_value_pair* member : members) {
      if (out.back() != '{') out += ',';
      out += json::serialize(json::string_view(member->key()));
      out += ':';
      write_canonical(member->value(), out);
    }
    out += '}';
  } else if (const json::array* array = value.if_array()) {
    out += '[';
    bool first = true;
    for (const json::value& element : *array) {
      if (!first) out += ',';
      first = false;
      write_canonical(element, out);
    }
    out += ']';
  } else {
    out += json::serialize(value);
  }
}

const json::value* member(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains(key);
  return value == nullptr || value->is_null() ? nullptr : value;
}

Error wrong_type(std::string_view key, std::string_view expected) {
  return Error{Code::kInvalid, "\"" + std::string(key) + "\" must be " + std::string(expected)};
}

// Boost.JSON keeps the last of two equal keys; an evidence file with two
// answers to one question is refused instead; and so is a number that it reads as infinite, for
// which JSON has no text. The handler only watches keys and numbers.
struct MistakeFinder {
  constexpr static std::size_t max_object_size = std::size_t(-1);
  constexpr static std::size_t max_array_size = std::size_t(-1);
  constexpr static std::size_t max_key_size = std::size_t(-1);
  constexpr static std::size_t max_string_size = std::size_t(-1);

  std::vector<std::vector<std::string>> open_objects;
  std::string partial_key;
  std::optional<std::string> duplicate;  // an empty key is one, too
  bool has_infinity = false;
  std::string partial_number;
  std::vector<double> doubles;  // in the order of the text

  bool on_document_begin(json::error_code&) { return true; }
  bool on_document_end(json::error_code&) { return true; }
  bool on_array_begin(json::error_code&) { return true; }
  bool on_array_end(std::size_t, json::error_code&) { return true; }
  bool on_object_begin(json::error_code&) { return open_objects.emplace_back(), true; }
  bool on_object_end(std::size_t, json::error_code&) {
    std::vector<std::string>& keys = open_objects.back();
    std::sort(keys.begin(), keys.end());
    if (auto twice = std::adjacent_find(keys.begin(), keys.end()); twice != keys.end())
      duplicate = *twice;
    return open_objects.pop_back(), true;
  }
  bool on_string_part(json::string_view, std::size_t, json::error_code&) { return true; }
  bool on_string(json::string_view, std::size_t, json::error_code&) { return true; }
  bool on_key_part(json::string_view part, std::size_t, json::error_code&) {
    return partial_key.append(part.data(), part.size()), true;
  }
  bool on_key(json::string_view part, std::size_t, json::error_code&) {
    partial_key.append(part.data(), part.size());
    open_objects.back().push_back(std::move(partial_key));
    return partial_key.clear(), true;
  }
  bool on_number_part(json::string_view part, json::error_code&) {
    return partial_number.append(part.data(), part.size()), true;
  }
  bool on_int64(int64_t, json::string_view, json::error_code&) {
    return partial_number.clear(), true;
  }
  bool on_uint64(uint64_t, json::string_view, json::error_code&) {
    return partial_number.clear(), true;
  }
  bool on_double(double value, json::string_view part, json::error_code&) {
    partial_number.append(part.data(), part.size());
    // Out of range it stays as it is: infinite, or zero.
    std::from_chars(partial_number.data(), partial_number.data() + partial_number.size(), value);
    has_infinity = has_infinity || !std::isfinite(value);
    doubles.push_back(value);
    return partial_number.clear(), true;
  }
  bool on_bool(bool, json::error_code&) { return true; }
  bool on_null(json::error_code&) { return true; }
  bool on_comment_part(json::string_view, json::error_code&) { return true; }
  bool on_comment(json::string_view, json::error_code&) { return true; }
};

// Boost.JSON may read a double one bit beside what stands there, which would then be written as
// another number, and so on each time: every double is replaced by the nearest one to its text.
void put_doubles(json::value& value, std::vector<double>::const_iterator& next) {
  if (value.is_double()) value = *next++;
  if (json::array* array = value.if_array())
    for (json::value& element : *array) put_doubles(element, next);
  if (json::object* object = value.if_object())
    for (json::key_value_pair& member : *object) put_doubles(member.value(), next);
}

}  // namespace

std::string canonical(const json::value& value) {
  std::string out;
  write_canonical(value, out);
  return out;
}

Result<json::value> parse_json(std::string_view text) {
  json::parse_options options;
  options.max_depth = 32;
  json::error_code error;
  json::basic_parser<MistakeFinder> finder(options);
  const std::size_t used = finder.write_some(false, text.data(), text.size(), error);
  if (error || used != text.size())
    return Error{Code::kInvalid, "not JSON at byte " + std::to_string(used) +
                                     (error ? ": " + error.message() : "")};
  if (const std::optional<std::string>& key = finder.handler().duplicate)
    return Error{Code::kInvalid, "the key \"" + *key + "\" stands twice"};
  if (finder.handler().has_infinity)
    return Error{Code::kInvalid, "a number is larger than a double can be (1.8e308)"};
  json::value value = json::parse(json::string_view(text.data(), text.size()), error, {}, options);
  if (error) return Error{Code::kInvalid, "not JSON: " + error.message()};
  auto next = finder.handler().doubles.cbegin();
  put_doubles(value, next);
  assert(next == finder.handler().doubles.cend());
  return value;
}

Result<std::optional<std::string>> find_string(const json::object& object, std::string_view key) {
  const json::value* value = member(object, key);
  if (value == nullptr) return std::optional<std::string>();
  if (!value->is_string()) return wrong_type(key, "a string");
  return std::optional<std::string>(std::string(value->get_string()));
}

Result<std::optional<int64_t>> find_integer(const json::object& object, std::string_view key) {
  const json::value* value = member(object, key);
  if (value == nullptr) return std::optional<int64_t>();
  if (!value->is_int64()) return wrong_type(key, "an integer");
  return std::optional<int64_t>(value->get_int64());
}

Result<std::optional<double>> find_number(const json::object& object, std::string_view key) {
  const json::value* value = member(object, key);
  if (value == nullptr) return std::optional<double>();
  if (!value->is_number()) return wrong_type(key, "a number");
  return std::optional<double>(value->to_number<double>());
}

Result<std::optional<bool>> find_bool(const json::object& object, std::string_view key) {
  const json::value* value = member(object, key);
  if (value == nullptr) return std::optional<bool>();
  if (!value->is_bool()) return wrong_type(key, "true or false");
  return std::optional<bool>(value->get_bool());
}

Result<std::string> need_string(const json::object& object, std::string_view key) {
  HOLDFAST_ASSIGN(value, find_string(object, key));
  if (!value) return wrong_type(key, "a string and is missing");
  return *std::move(value);
}

Result<int64_t> need_integer(const json::object& object, std::string_view key) {
  HOLDFAST_ASSIGN(value, find_integer(object, key));
  if (!value) return wrong_type(key, "an integer and is missing");
  return *value;
}

}  // namespace holdfast
