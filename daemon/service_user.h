// For `holdfastd --init --user NAME`, run by root: the directories are made and given to the
// daemon's user, then the rest is done as that user, so that nothing of the archive is root's.
#pragma once

#include <string>

#include "base/config.h"

namespace holdfast {

// Makes the directories of the configuration that are absent, and gives each (itself alone, nothing
// in it) to the user, unless it is theirs. kInvalid: no such user.
Status give_directories(const Config& config, const std::string& user);

// The process goes on as the user, with all its groups, and never back.
Status become(const std::string& user);

}  // namespace holdfast
