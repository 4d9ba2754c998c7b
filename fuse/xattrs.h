// Extended attributes of calls, parts and files, read-only:
//   user.holdfast.tier          standard, warm or cold
//   user.holdfast.state         committed, live or condemned
//   user.holdfast.holds         unreleased holds, "0" and up
//   user.holdfast.sha256        of the original bytes, hexadecimal; files only
//   user.holdfast.retain_until  ISO 8601 or "forever"; absent when no retention keeps it
//   user.holdfast.restore_eta   ISO 8601; absent unless a restore was asked. Staged: when it
//                               became ready. Under way: the latest time that is promised.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "fuse/inode.h"
#include "index/read/database.h"

namespace holdfast {

constexpr std::string_view kXattrPrefix = "user.holdfast.";

using Xattr = std::pair<std::string, std::string>;  // full name, value

// All of a node's attributes; none for nodes other than calls, parts and files. kNotFound when
// the node is not there.
Result<std::vector<Xattr>> xattrs_of(Database& index, const Node& node);

}  // namespace holdfast
