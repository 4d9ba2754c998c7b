// A small JSON Schema checker (draft 2020-12), of the keywords that /openapi.json uses:
//
//   type enum $ref anyOf oneOf · properties required dependentRequired additionalProperties
//   items minItems maxItems
//   minimum maximum exclusiveMinimum · minLength maxLength pattern format (uuid date-time uri)
//
// One thing is stricter than the standard: a member of an object that `properties` does not name is
// told, unless `additionalProperties` allows it, so that the document is the whole truth.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/json.h"

namespace holdfast::testing {

using Complaints = std::vector<std::string>;

class SchemaChecker {
 public:
  // `schemas` is components/schemas; it outlives the checker.
  explicit SchemaChecker(const json::object& schemas) : schemas_(schemas) {}

  // What is wrong with `value`, each with its place; empty: it is valid.
  Complaints check(const json::value& schema, const json::value& value) const;
  // What is wrong with a schema: an unknown keyword, a $ref into nothing, an object that says
  // nothing of its members.
  Complaints check_schema(const json::value& schema) const;
  // The schema that a chain of $ref names, or the schema itself. Throws when there is none.
  const json::object& resolve(const json::object& schema) const;
  const json::object& resolve(const json::value& schema) const {
    return resolve(schema.get_object());
  }

 private:
  void check(const json::object& schema, const json::value& value, const std::string& at,
             Complaints& out) const;
  void check_choices(const json::array& choices, const json::value& value, const std::string& at,
                     bool exactly_one, Complaints& out) const;
  void check_object(const json::object& schema, const json::object& value, const std::string& at,
                    Complaints& out) const;
  void check_array(const json::object& schema, const json::array& value, const std::string& at,
                   Complaints& out) const;
  void check_schema(const json::value& schema, const std::string& at, Complaints& out) const;

  const json::object& schemas_;
};

// The types that a schema allows: "string", "null", …; empty: any.
std::vector<std::string> types_of(const json::object& schema);

// All of the complaints, for a message.
std::string text_of(const Complaints& complaints);

}  // namespace holdfast::testing
