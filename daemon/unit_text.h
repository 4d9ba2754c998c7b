// What of the configuration systemd must know: media lie where the operator wants them, and the
// unit's sandbox lets the daemon write nowhere else. holdfast-media-generator asks for this text at
// boot and at each `systemctl daemon-reload`, and makes it a drop-in of holdfastd.service.
#pragma once

#include <string>

#include "base/config.h"

namespace holdfast {

// - ReadWritePaths= of every directory of the configuration. A directory that is absent is no
// error:
//   a medium may be away.
// - RequiresMountsFor= of what the daemon cannot start without (state and standard tier), and
// After=
//   of the mounts that the others may lie on, so that a disk that comes is there and one that does
//   not is waited for by nobody.
// - BindPaths= of what lies where the sandbox shows something else (/home, /root, /tmp).
// kInvalid for a path with control characters: no unit can hold it.
Result<std::string> unit_text(const Config& config);

// The name of the unit that mounts something there: "/mnt/a-b" → "mnt-a\x2db.mount".
std::string mount_unit(std::string_view path);

}  // namespace holdfast
