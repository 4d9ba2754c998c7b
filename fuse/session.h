// The life of one mount, from the first look at the mount point to the clean end:
//
//   check the mount point → mount → (detach) → invalidator → signals → serve
//   → SIGTERM, SIGINT, SIGHUP or fusermount3 -u → invalidator ends → serving ends → unmounted
//
// The invalidator ends while requests are still answered: it may wait for a directory that a
// request holds, and would wait for ever once nobody answers.
#pragma once

#include <string>

#include "base/config.h"
#include "base/result.h"

namespace holdfast {

struct MountOptions {
  std::string mount_point;
  bool foreground = false;
};

// Serves until it is told to stop. Ok: unmounted in good order.
Status serve_mount(const Config& config, const MountOptions& options);

}  // namespace holdfast
