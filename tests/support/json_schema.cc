#include "tests/support/json_schema.h"

#include <algorithm>
#include <cmath>
#include <regex>
#include <stdexcept>

#include "base/time_text.h"
#include "base/types.h"

namespace holdfast::testing {
namespace {

constexpr std::string_view kFront = "#/components/schemas/";

std::string_view as_view(const json::string& text) { return {text.data(), text.size()}; }

bool is_type(const json::value& value, std::string_view type) {
  if (type == "null") return value.is_null();
  if (type == "boolean") return value.is_bool();
  if (type == "string") return value.is_string();
  if (type == "array") return value.is_array();
  if (type == "object") return value.is_object();
  const bool whole = value.is_int64() || value.is_uint64() ||
                     (value.is_double() && value.get_double() == std::floor(value.get_double()));
  return type == "integer" ? whole : type == "number" && value.is_number();
}

bool has_format(std::string_view text, std::string_view format) {
  if (format == "uuid") return WorkspaceId::from_text(text).ok();
  if (format == "date-time") return from_iso(text).ok();
  if (format == "uri") return text.find("://") != std::string_view::npos;
  throw std::runtime_error("no such format: " + std::string(format));
}

void check_text(const json::object& schema, const json::string& value, const std::string& at,
                Complaints& out) {
  const std::string_view text = as_view(value);
  const auto characters = static_cast<int64_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  }));
  if (const json::value* least = schema.if_contains("minLength");
      least != nullptr && characters < least->to_number<int64_t>())
    out.push_back(at + " is too short");
  if (const json::value* most = schema.if_contains("maxLength");
      most != nullptr && characters > most->to_number<int64_t>())
    out.push_back(at + " is too long");
  if (const json::value* pattern = schema.if_contains("pattern"))
    if (!std::regex_search(std::string(text), std::regex(pattern->get_string().c_str())))
      out.push_back(at + " does not match " + pattern->get_string().c_str());
  if (const json::value* format = schema.if_contains("format"))
    if (!has_format(text, as_view(format->get_string())))
      out.push_back(at + " is no " + format->get_string().c_str() + ": " + std::string(text));
}

void check_number(const json::object& schema, double value, const std::string& at,
                  Complaints& out) {
  if (const json::value* least = schema.if_contains("minimum");
      least != nullptr && value < least->to_number<double>())
    out.push_back(at + " is under the minimum");
  if (const json::value* least = schema.if_contains("exclusiveMinimum");
      least != nullptr && value <= least->to_number<double>())
    out.push_back(at + " is not over the minimum");
  if (const json::value* most = schema.if_contains("maximum");
      most != nullptr && value > most->to_number<double>())
    out.push_back(at + " is over the maximum");
}

}  // namespace

std::vector<std::string> types_of(const json::object& schema) {
  const json::value* type = schema.if_contains("type");
  if (type == nullptr) return {};
  if (type->is_string()) return {type->get_string().c_str()};
  std::vector<std::string> types;
  for (const json::value& one : type->get_array()) types.emplace_back(one.get_string().c_str());
  return types;
}

std::string text_of(const Complaints& complaints) {
  std::string text;
  for (const std::string& one : complaints) text += (text.empty() ? "" : "; ") + one;
  return text;
}

const json::object& SchemaChecker::resolve(const json::object& schema) const {
  const json::value* reference = schema.if_contains("$ref");
  if (reference == nullptr) return schema;
  const std::string_view name = as_view(reference->get_string());
  const json::value* found =
      name.starts_with(kFront) ? schemas_.if_contains(name.substr(kFront.size())) : nullptr;
  if (found == nullptr) throw std::runtime_error(std::string(name) + " names nothing");
  return resolve(*found);
}

Complaints SchemaChecker::check(const json::value& schema, const json::value& value) const {
  Complaints out;
  check(resolve(schema), value, "the body", out);
  return out;
}

void SchemaChecker::check(const json::object& schema, const json::value& value,
                          const std::string& at, Complaints& out) const {
  if (const json::value* choices = schema.if_contains("anyOf"))
    check_choices(choices->get_array(), value, at, false, out);
  if (const json::value* choices = schema.if_contains("oneOf"))
    check_choices(choices->get_array(), value, at, true, out);
  const std::vector<std::string> types = types_of(schema);
  const bool fits = types.empty() || std::any_of(types.begin(), types.end(), [&](const auto& type) {
                      return is_type(value, type);
                    });
  if (!fits) return out.push_back(at + " has another type: " + canonical(value));
  if (const json::value* allowed = schema.if_contains("enum")) {
    const json::array& all = allowed->get_array();
    if (std::find(all.begin(), all.end(), value) == all.end())
      out.push_back(at + " is none of those named: " + canonical(value));
  }
  if (value.is_string()) check_text(schema, value.get_string(), at, out);
  if (value.is_number()) check_number(schema, value.to_number<double>(), at, out);
  if (value.is_array()) check_array(schema, value.get_array(), at, out);
  if (value.is_object()) check_object(schema, value.get_object(), at, out);
}

void SchemaChecker::check_choices(const json::array& choices, const json::value& value,
                                  const std::string& at, bool exactly_one, Complaints& out) const {
  Complaints all;
  int fitting = 0;
  for (const json::value& choice : choices) {
    Complaints one;
    check(resolve(choice), value, at, one);
    fitting += one.empty();
    if (!one.empty()) all.push_back(text_of(one));
  }
  if (fitting == 0) out.push_back(at + " fits no choice: " + text_of(all));
  if (fitting > 1 && exactly_one) out.push_back(at + " fits more than one choice");
}

void SchemaChecker::check_object(const json::object& schema, const json::object& value,
                                 const std::string& at, Complaints& out) const {
  const json::value* properties = schema.if_contains("properties");
  const json::value* others = schema.if_contains("additionalProperties");
  if (const json::value* required = schema.if_contains("required"))
    for (const json::value& name : required->get_array())
      if (!value.contains(name.get_string()))
        out.push_back(at + " lacks " + name.get_string().c_str());
  if (const json::value* dependent = schema.if_contains("dependentRequired"))
    for (const auto& [name, needed] : dependent->get_object())
      for (const json::value& other : needed.get_array())
        if (value.contains(name) && !value.contains(other.get_string()))
          out.push_back(at + " has " + std::string(name) + " without " +
                        other.get_string().c_str());
  if (properties == nullptr && others == nullptr) return;  // anyOf says, or nothing does
  for (const auto& [key, member] : value) {
    const std::string place = at + "." + std::string(key);
    const json::value* named =
        properties == nullptr ? nullptr : properties->get_object().if_contains(key);
    if (named != nullptr)
      check(resolve(*named), member, place, out);
    else if (others == nullptr || (others->is_bool() && !others->get_bool()))
      out.push_back(place + " is not in the schema");
    else if (others->is_object())
      check(resolve(*others), member, place, out);
  }
}

void SchemaChecker::check_array(const json::object& schema, const json::array& value,
                                const std::string& at, Complaints& out) const {
  const auto size = static_cast<int64_t>(value.size());
  if (const json::value* least = schema.if_contains("minItems");
      least != nullptr && size < least->to_number<int64_t>())
    out.push_back(at + " has too few items");
  if (const json::value* most = schema.if_contains("maxItems");
      most != nullptr && size > most->to_number<int64_t>())
    out.push_back(at + " has too many items");
  if (const json::value* items = schema.if_contains("items"))
    for (size_t i = 0; i < value.size(); ++i)
      check(resolve(*items), value[i], at + "[" + std::to_string(i) + "]", out);
}

Complaints SchemaChecker::check_schema(const json::value& schema) const {
  Complaints out;
  check_schema(schema, "", out);
  return out;
}

void SchemaChecker::check_schema(const json::value& schema, const std::string& at,
                                 Complaints& out) const {
  static const std::vector<std::string_view> kKnown = {"type",
                                                       "enum",
                                                       "$ref",
                                                       "anyOf",
                                                       "oneOf",
                                                       "properties",
                                                       "required",
                                                       "minItems",
                                                       "maxItems",
                                                       "items",
                                                       "minimum",
                                                       "maximum",
                                                       "format",
                                                       "pattern",
                                                       "minLength",
                                                       "maxLength",
                                                       "description",
                                                       "additionalProperties",
                                                       "exclusiveMinimum",
                                                       "dependentRequired"};
  if (!schema.is_object()) return out.push_back(at + " is no schema");
  const json::object& object = schema.get_object();
  for (const auto& [key, value] : object)
    if (std::find(kKnown.begin(), kKnown.end(), std::string_view(key)) == kKnown.end())
      out.push_back(at + ": the checker does not know the keyword " + std::string(key));
  if (const json::value* reference = object.if_contains("$ref")) {
    const std::string_view name = as_view(reference->get_string());
    if (!name.starts_with(kFront) || !schemas_.contains(name.substr(kFront.size())))
      out.push_back(at + ": " + std::string(name) + " names nothing");
  }
  const json::value* properties = object.if_contains("properties");
  const std::vector<std::string> types = types_of(object);
  const bool is_object = std::find(types.begin(), types.end(), "object") != types.end();
  if (is_object && properties == nullptr && !object.contains("additionalProperties"))
    out.push_back(at + " must name its properties, or say additionalProperties");
  if (properties != nullptr)
    for (const auto& [key, one] : properties->get_object())
      check_schema(one, at + "." + std::string(key), out);
  if (const json::value* required = object.if_contains("required"); required && properties)
    for (const json::value& name : required->get_array())
      if (!properties->get_object().contains(name.get_string()))
        out.push_back(at + " requires what it does not name: " + name.get_string().c_str());
  if (const json::value* items = object.if_contains("items")) check_schema(*items, at + "[]", out);
  if (const json::value* others = object.if_contains("additionalProperties");
      others != nullptr && !others->is_bool())
    check_schema(*others, at + ".*", out);
  for (const char* word : {"anyOf", "oneOf"})
    if (const json::value* choices = object.if_contains(word))
      for (const json::value& choice : choices->get_array()) check_schema(choice, at, out);
}

}  // namespace holdfast::testing
