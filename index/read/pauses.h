// What operators have stopped.
#pragma once

#include <string>
#include <vector>

#include "index/read/database.h"
#include "index/read/records.h"

namespace holdfast {

struct PauseRow {
  std::optional<Tier> tier;  // absent: everything that moves
  UnixMillis since;
  std::string who;
  std::string reason;
};

// Those in force, by name; a few rows of the table `setting`.
Result<std::vector<PauseRow>> list_pauses(Database& index);

}  // namespace holdfast
