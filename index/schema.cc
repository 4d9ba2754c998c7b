#include "index/schema.h"

#include "index/schema_text.h"

namespace holdfast {

const std::vector<Migration>& index_migrations() {
  static const std::vector<Migration> migrations = {{schema::kTables1, schema::kTriggers1}};
  return migrations;
}

const std::vector<Migration>& secrets_migrations() {
  static const std::vector<Migration> migrations = {{schema::kSecrets1, {}}};
  return migrations;
}

}  // namespace holdfast
