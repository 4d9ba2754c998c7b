#include "fuse/mount_point.h"

#include <fcntl.h>
#include <grp.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <climits>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <optional>
#include <sstream>

#include "io/fd.h"

namespace holdfast {

namespace {

constexpr const char* kComplianceGroup = "holdfast-compliance";

Result<std::optional<gid_t>> find_group(const std::string& name) {
  std::array<char, 64 * 1024> buffer;
  struct group entry {};
  struct group* found = nullptr;
  const int error = ::getgrnam_r(name.c_str(), &entry, buffer.data(), buffer.size(), &found);
  if (error != 0) return system_error(error, "look up group " + name);
  if (found == nullptr) return std::optional<gid_t>();
  return std::optional<gid_t>(found->gr_gid);
}

// In mountinfo (proc(5)) blanks and backslashes of a path are octal: "\040".
std::string unescape(const std::string& text) {
  std::string plain;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 3 < text.size()) {
      plain += static_cast<char>(std::strtol(text.substr(i + 1, 3).c_str(), nullptr, 8));
      i += 3;
    } else {
      plain += text[i];
    }
  }
  return plain;
}

// Is a Holdfast view mounted on exactly this path?
bool is_mounted(const std::string& path) {
  std::ifstream mounts("/proc/self/mountinfo");
  for (std::string line; std::getline(mounts, line);) {
    const size_t dash = line.find(" - ");
    if (dash == std::string::npos || !line.substr(dash + 3).starts_with("fuse.holdfast ")) continue;
    std::istringstream fields(line);
    std::string id, parent, device, root, target;
    fields >> id >> parent >> device >> root >> target;
    if (unescape(target) == path) return true;
  }
  return false;
}

}  // namespace

Result<std::string> check_mount_point(const std::string& path) {
  // Asked for its space: of a dead mount the kernel still answers stat(2) and open(2) by itself.
  const Fd directory(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  struct statfs space {};
  if (!directory || ::fstatfs(directory.get(), &space) != 0) {
    const int error = errno;
    if (error == ENOTCONN)
      return Error{Code::kUnavailable,
                   "mount on " + path +
                       ": the mount of a process that is gone is still there; "
                       "clear it with: fusermount3 -u " +
                       path,
                   error};
    if (error == ENOTDIR) return Error{Code::kInvalid, "mount on " + path + ": not a directory"};
    return system_error(error, "mount on " + path);
  }
  const std::unique_ptr<char, decltype(&std::free)> real(::realpath(path.c_str(), nullptr),
                                                         &std::free);
  if (real == nullptr) return system_error(errno, "mount on " + path);
  if (is_mounted(real.get()))
    return Error{Code::kConflict, "mount on " + path +
                                      ": the view is mounted there already; "
                                      "end it with: fusermount3 -u " +
                                      path};
  return std::string(real.get());
}

Result<Ownership> ownership_of(const Config& config) {
  Ownership ownership{::geteuid(), ::getegid(), ::getegid()};
  if (!config.mount_group.empty()) {
    HOLDFAST_ASSIGN(group, find_group(config.mount_group));
    if (!group.has_value())
      return Error{
          Code::kInvalid,
          config.source_path + ": archive.mount_group: there is no group " + config.mount_group};
    ownership.gid = *group;
  }
  HOLDFAST_ASSIGN(compliance, find_group(kComplianceGroup));
  ownership.compliance_gid = compliance.value_or(ownership.gid);
  return ownership;
}

bool may_allow_others(const std::string& fuse_conf) {
  if (::geteuid() == 0) return true;
  std::ifstream lines(fuse_conf);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string word;
    if (words >> word && word == "user_allow_other") return true;
  }
  return false;
}

}  // namespace holdfast
