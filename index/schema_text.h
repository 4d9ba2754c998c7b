// The texts of the migrations. Internal to index/schema.cc.
#pragma once

#include <string_view>

namespace holdfast::schema {

// schema_tables.cc
extern const std::string_view kTables1;
extern const std::string_view kSecrets1;
// schema_triggers.cc
extern const std::string_view kTriggers1;

}  // namespace holdfast::schema
