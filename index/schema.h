// The schema of index.db and secrets.db, as numbered migrations: migration n
// takes a file from version n - 1 to n. A migration that has been released is
// never edited; tests/index/schema_golden.sql is what all of them make.
#pragma once

#include <string_view>
#include <vector>

namespace holdfast {

// The text of one or more statements each; either may be empty.
struct Migration {
  std::string_view tables;
  std::string_view triggers;
};

// Numbered from 1; as many as kIndexSchemaVersion says.
const std::vector<Migration>& index_migrations();
// Of secrets.db, which they address as schema `secrets`.
const std::vector<Migration>& secrets_migrations();

}  // namespace holdfast
