// HTTP POST to others, several at once, by libcurl: to the pinned addresses alone, following no
// redirect, through no proxy, within time and size limits.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "daemon/outbound/policy.h"

namespace holdfast::outbound {

struct Post {
  PinnedTarget target;
  std::vector<std::pair<std::string, std::string>> headers;  // without CR and LF
  std::string body;
};

struct PostOptions {
  Millis timeout = seconds(10);  // of each, from its beginning
  std::string ca_file;           // empty: the system's
};

// Sends all of them at once and waits until each has ended: its HTTP status in its place, or why
// there is none (kUnavailable: no connection, no certificate that is trusted, out of time, no
// HTTP). What an answer says is not read. Blocks for at most about the timeout.
std::vector<Result<int>> post_all(const std::vector<Post>& posts, const PostOptions& options);

}  // namespace holdfast::outbound
