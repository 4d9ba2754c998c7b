#include "daemon/api/groups.h"

#include <grp.h>
#include <pwd.h>

#include <algorithm>
#include <cerrno>
#include <vector>

#include "base/limits.h"

namespace holdfast::api {
namespace {

constexpr size_t kUserBytesMax = size_t{1} << 20;

// The user's name; empty when there is no such user.
std::string name_of(uid_t uid) {
  std::vector<char> buffer(4096);
  while (true) {
    struct passwd user {};
    struct passwd* found = nullptr;
    const int error = ::getpwuid_r(uid, &user, buffer.data(), buffer.size(), &found);
    if (error == ERANGE && buffer.size() < kUserBytesMax) {
      buffer.resize(buffer.size() * 2);
      continue;
    }
    return found == nullptr ? "" : found->pw_name;
  }
}

}  // namespace

std::optional<bool> Groups::known(uid_t uid, gid_t group) const {
  const auto found = answers_.find({uid, group});
  if (found == answers_.end()) return std::nullopt;
  if (clock_.monotonic().count - found->second.asked.count > limits::kGroupsKeptMs)
    return std::nullopt;
  return found->second.is_member;
}

void Groups::keep(uid_t uid, gid_t group, bool is_member) {
  if (answers_.size() >= limits::kGroupsKept) answers_.clear();
  answers_[{uid, group}] = Answer{is_member, clock_.monotonic()};
}

bool ask_group(uid_t uid, gid_t primary, gid_t group) {
  const std::string name = name_of(uid);
  if (name.empty()) return false;
  int count = 64;
  std::vector<gid_t> groups(static_cast<size_t>(count));
  if (::getgrouplist(name.c_str(), primary, groups.data(), &count) < 0) {
    groups.resize(static_cast<size_t>(count));
    if (::getgrouplist(name.c_str(), primary, groups.data(), &count) < 0) return false;
  }
  groups.resize(static_cast<size_t>(count));
  return std::find(groups.begin(), groups.end(), group) != groups.end();
}

}  // namespace holdfast::api
