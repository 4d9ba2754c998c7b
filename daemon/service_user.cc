#include "daemon/service_user.h"

#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>

#include "base/log.h"
#include "io/fd.h"

namespace holdfast {
namespace {

struct Account {
  uid_t uid;
  gid_t gid;
};

Result<Account> account_of(const std::string& user) {
  const struct passwd* const found = ::getpwnam(user.c_str());
  if (found == nullptr)
    return Error{Code::kInvalid, "--user: there is no user \"" + user + "\" on this machine"};
  return Account{found->pw_uid, found->pw_gid};
}

// Directories above those that are given: everybody may pass.
class OpenUmask {
 public:
  OpenUmask() : before_(::umask(0022)) {}
  ~OpenUmask() { ::umask(before_); }
  OpenUmask(const OpenUmask&) = delete;
  OpenUmask& operator=(const OpenUmask&) = delete;

 private:
  const mode_t before_;
};

}  // namespace

Status give_directories(const Config& config, const std::string& user) {
  HOLDFAST_ASSIGN(account, account_of(user));
  const OpenUmask open_umask;
  std::vector<std::string> paths = {config.state_dir,  config.run_dir,       config.spool_dir,
                                    config.mirror_dir, config.standard.path, config.warm.path};
  if (!config.warm.mirror.empty()) paths.push_back(config.warm.mirror);
  if (config.cold) paths.push_back(config.cold->path);
  if (config.backup.path != config.mirror_dir + "/backup") paths.push_back(config.backup.path);
  for (const std::string& path : paths) {
    std::error_code error;
    const bool existed = std::filesystem::exists(path, error);
    std::filesystem::create_directories(path, error);
    if (error) return system_error(error.value(), "make directory " + path);
    const Fd directory(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!directory) return system_error(errno, "open directory " + path);
    struct stat status {};
    if (::fstat(directory.get(), &status) != 0) return system_error(errno, "look at " + path);
    if (status.st_uid != account.uid) {
      if (::fchown(directory.get(), account.uid, account.gid) != 0)
        return system_error(errno, "give " + path + " to " + user);
      log::info("{} is {}'s now", path, user);
    }
    const mode_t mode = path == config.run_dir ? 0755 : 0750;
    if (!existed && ::fchmod(directory.get(), mode) != 0)
      return system_error(errno, "set the mode of " + path);
  }
  return {};
}

Status become(const std::string& user) {
  HOLDFAST_ASSIGN(account, account_of(user));
  if (::geteuid() == account.uid) return {};
  if (::initgroups(user.c_str(), account.gid) != 0 || ::setgid(account.gid) != 0 ||
      ::setuid(account.uid) != 0)
    return system_error(errno, "become the user " + user);
  return {};
}

}  // namespace holdfast
