// Look-ups of names, several at once, with a time limit.
//
// getaddrinfo(3) has no limit and cannot be ended, so each look-up is a thread of its own:
//
//   asked ──answer in time──▶ given
//         └─none──▶ told kUnavailable; the look-up ends by itself, and its answer is thrown away
//
// Bounds
// - limits::kLookupsMax are under way at most, those that hang included; one more is refused.
// - One of each name: who asks again meanwhile waits for that one.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/limits.h"
#include "daemon/outbound/policy.h"

namespace holdfast::outbound {

class Lookups {
 public:
  using Answer = Result<std::vector<IpAddress>>;

  // `resolve` may block as long as it likes, and is called in threads that may outlive this.
  explicit Lookups(Resolver resolve, size_t most = limits::kLookupsMax);
  ~Lookups();

  // An answer for each of the hosts, after `timeout` at the latest: kUnavailable when there is none
  // by then, when too many look-ups are under way, or when it is to stop. Any thread.
  std::map<std::string, Answer> resolve_all(const std::vector<std::string>& hosts, Millis timeout);

  // Who waits goes on at once, without an answer. Any thread.
  void request_stop();

  size_t under_way() const;  // any thread

 private:
  struct Board;  // shared with the threads
  std::shared_ptr<Board> board_;
};

}  // namespace holdfast::outbound
