// `holdfastd doctor`: is this machine as the archive needs it? Looks and changes nothing; the
// daemon may run or not. `holdfast doctor` shows it, with what the running daemon says beside it.
//
// Each finding is ok, warn (it works, and should be otherwise) or fail (it does not, or bytes are
// in danger), and says what would be right.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/config.h"
#include "io/io.h"

namespace holdfast {

enum class Health { kOk, kWarn, kFail };
std::string_view word(Health health);

struct DoctorFinding {
  Health health = Health::kOk;
  std::string check;   // "clock", "warm.path"
  std::string what;    // what was seen
  std::string advice;  // what would be right; empty when it is
};
using Findings = std::vector<DoctorFinding>;

// Kernel, io_uring, FUSE, clock.
void check_machine(Findings& findings);
// Groups and users that the configuration names, and what systemd was told of its directories.
void check_service(const Config& config, Findings& findings);
// Credentials, and the certificate and key when one of them is a credential. Whoever can read them:
// root.
void check_secrets(const Config& config, UnixMillis now, Findings& findings);
// Certificate and key, unless one of them is a credential; of those that are none, whether they
// can be read. As the daemon's user.
void check_tls_access(const Config& config, UnixMillis now, Findings& findings);
// Directories, media, their space, and whether they can be read past the page cache. As the
// daemon's user, which is the owner of the state directory: to others nothing of it says anything.
void check_storage(Io& io, const Config& config, Findings& findings);

// Of the parts of them that need no machine to be wrong.
DoctorFinding judge_kernel(std::string_view release);
struct Room {
  uint64_t size = 0, free = 0;    // bytes
  uint64_t inodes = 0, left = 0;  // 0: the file system has no fixed number
};
DoctorFinding judge_room(const std::string& check, const std::string& path, const Room& room);

}  // namespace holdfast
