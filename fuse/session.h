// The life of one mount, from the first look at the mount point to the clean end:
//
//   check the mount point → mount → (detach) → droppers → invalidator → signals → serve
//   → SIGTERM, SIGINT, SIGHUP or fusermount3 -u → invalidator and droppers end → serving ends
//   → unmounted
//
// The droppers end while requests are still answered: they may wait for a directory that a request
// holds. Those that have not ended kStopPatienceMs later, or when serving ended by itself, do not
// keep the mount: it is unmounted and its connection aborted, which frees whoever waits for an
// answer. A program that hangs in memory of its own keeps its dropper in the kernel, where nothing
// ends it; this process then ends when that program does.
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
