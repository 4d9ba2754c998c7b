// What a new version of the configuration changes, and how much of that a running daemon can take.
//
// The keys that can change at run time are one table (config_change.cc). All others (directories,
// listeners, groups, threads) are told by name, and take effect at the next start. A key that
// nobody enters there is of the second kind: what is said to be in force is never more than what
// is.
#pragma once

#include <string>
#include <vector>

#include "base/config.h"

namespace holdfast {

struct ConfigChange {
  Config config;                     // `running` with what of `next` can be taken now
  std::vector<std::string> applied;  // keys, as Config::values has them
  std::vector<std::string> waiting;  // for the next start
};

// A key that `next` no longer sets goes back to its default.
ConfigChange change_config(const Config& running, const Config& next);

// Whether the key ("standard.copy_after", "workspace[<id>].cold") can change at run time.
bool is_live_key(std::string_view key);

// "standard.copy_after, warm.window"; at most a dozen, then how many more there are.
std::string key_listing(const std::vector<std::string>& keys);

}  // namespace holdfast
