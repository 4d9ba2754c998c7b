// The directory on which the view appears, before it does: is it usable, is a stale mount in the
// way, and who will be let in.
#pragma once

#include <string>

#include "base/config.h"
#include "base/result.h"
#include "fuse/tree.h"

namespace holdfast {

// The real path of a directory that can be mounted on. kUnavailable with the command that clears
// it when a mount of a process that is gone is in the way; kConflict when this view is mounted
// there already; kInvalid when it is not a directory.
Result<std::string> check_mount_point(const std::string& path);

// Owner and groups of the nodes: this process's user, config.mount_group (empty: this process's
// group) and holdfast-compliance (absent: the former). kInvalid for a mount_group that the system
// does not know.
Result<Ownership> ownership_of(const Config& config);

// May others than this user be let in? Root may; everybody else needs user_allow_other in
// /etc/fuse.conf (`fuse_conf` is its path).
bool may_allow_others(const std::string& fuse_conf);

}  // namespace holdfast
