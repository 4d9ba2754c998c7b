// An archive of a benchmark: every directory below one root, which nothing else uses, and no space
// kept free beside it. A benchmark changes what it measures.
#pragma once

#include <string>

#include "base/config.h"

namespace holdfast {

inline Config config_in(const std::string& root) {
  Config config;
  config.state_dir = root + "/state";
  config.run_dir = root + "/run";
  config.spool_dir = root + "/spool";
  config.mirror_dir = root + "/mirror";
  config.mirror_same_device = true;
  config.standard.path = root + "/standard";
  config.warm.path = root + "/warm";
  config.backup.path = root + "/mirror/backup";
  config.disk_reserve = Bytes(0);
  return config;
}

// The same, whose recordings are due for a pack within minutes.
inline Config quick_config_in(const std::string& root) {
  Config config = config_in(root);
  config.standard.copy_after = minutes(1);
  config.standard.release_after = minutes(2);
  config.warm.pack_seal_after = minutes(1);
  return config;
}

}  // namespace holdfast
