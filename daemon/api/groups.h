// Which local users are in which groups, as the system's databases say. They may be behind LDAP
// and block for seconds: they are asked on a worker, and what they said is kept for a minute.
#pragma once

#include <sys/types.h>

#include <map>
#include <optional>
#include <utility>

#include "base/clock.h"

namespace holdfast::api {

// Thread rule: loop thread only, but for ask_group().
class Groups {
 public:
  explicit Groups(const Clock& clock) : clock_(clock) {}

  // What was said within limits::kGroupsKeptMs; nothing: ask.
  std::optional<bool> known(uid_t uid, gid_t group) const;
  // Beyond limits::kGroupsKept answers all are forgotten and asked anew.
  void keep(uid_t uid, gid_t group, bool is_member);

 private:
  struct Answer {
    bool is_member = false;
    Millis asked;  // by the monotonic clock
  };
  const Clock& clock_;
  std::map<std::pair<uid_t, gid_t>, Answer> answers_;
};

// Asks the system whether `group` is one of the user's; `primary` is what the socket told. May
// block: on a worker.
bool ask_group(uid_t uid, gid_t primary, gid_t group);

}  // namespace holdfast::api
