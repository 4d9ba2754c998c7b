// What decisions do not say and the media do: the last step of a rebuild, in SQL
// alone, on an index that nobody else has open. Every statement may be repeated.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "index/database.h"

namespace holdfast {

struct SettleOptions {
  std::string catalogue_path;
  MediumId standard;  // what is in the standard tier's place now
  MediumId warm;
  // How long after its call's end a recording is due for its first move: of all, and of workspaces
  // with a rule of their own.
  Millis copy_after;
  std::vector<std::pair<WorkspaceId, Millis>> own_copy_after;
  UnixMillis now;
};

// - parts that do not wait in .incoming are placed, and their recordings live;
// - rows of copies that were going go where the medium no longer shows their bytes;
// - rows of copies on lost media go;
// - a pack that was never verified gets a move that verifies it;
// - what policy has to look at is due.
Status settle_rebuilt_index(Database& index, const SettleOptions& options);

struct RebuiltTotals {
  int64_t recordings = 0;
  int64_t unlocated = 0;
};
Result<RebuiltTotals> rebuilt_totals(Database& index);

}  // namespace holdfast
