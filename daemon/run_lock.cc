#include "daemon/run_lock.h"

#include <fcntl.h>
#include <sys/file.h>

#include <cerrno>

namespace holdfast {

Result<Fd> lock_run_dir(const Config& config) {
  const std::string path = config.run_dir + "/holdfastd.lock";
  Fd lock(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!lock) return system_error(errno, "open " + path);
  if (::flock(lock.get(), LOCK_EX | LOCK_NB) == 0) return lock;
  if (errno != EWOULDBLOCK) return system_error(errno, "lock " + path);
  return Error{Code::kConflict, "another holdfastd has " + config.run_dir +
                                    "; stop it first, or give this one a run_dir of its own"};
}

}  // namespace holdfast
