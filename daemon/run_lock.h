// One holdfastd to a run_dir: the daemon, or a rebuild in its place.
#pragma once

#include "base/config.h"
#include "io/fd.h"

namespace holdfast {

// Held as long as the descriptor is open. kConflict while another process has it.
Result<Fd> lock_run_dir(const Config& config);

}  // namespace holdfast
