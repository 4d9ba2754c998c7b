// Empties the outbox: a lane of its own, since others' servers are slow when they like.
//
//   due row ──pin, sign, post──▶ 2xx: the row goes
//                            └─▶ anything else: tried again later, parked after three days
//
// At least once: who is killed after the answer and before the row sends the same bytes under the
// same webhook-id again. Several messages go at once, few of them to one host, so that one that
// does not answer holds up the others for one time limit at most, and has its next turn in the
// next run.
#pragma once

#include <set>

#include "daemon/outbound/lookups.h"
#include "daemon/outbound/post.h"
#include "daemon/work/archive.h"
#include "index/read/outbox.h"

namespace holdfast {

class Deliverer {
 public:
  // How messages leave; tests put their own in its place.
  struct Ways {
    outbound::Resolver resolve = &outbound::system_resolve;  // as in Lookups
    std::function<std::vector<Result<int>>(const std::vector<outbound::Post>&,
                                           const outbound::PostOptions&)>
        post = &outbound::post_all;
  };

  explicit Deliverer(const Archive& archive) : Deliverer(archive, Ways{}) {}
  Deliverer(const Archive& archive, Ways ways);

  // Tries what is due, until nothing is or it is to stop. Errors are told in the rows and the log.
  // Thread rule: one thread, its lane's.
  void run();
  // Any thread. The batch under way ends; a look-up is not waited for.
  void request_stop() {
    stop_ = true;
    lookups_.request_stop();
  }

 private:
  // How many were tried. `silent` are the hosts that gave no answer in this run.
  Result<size_t> run_batch(std::set<std::string>& silent);
  std::vector<Result<outbound::PinnedTarget>> pin_all(const std::vector<MessageRow>& batch);
  // The message as it goes.
  Result<outbound::Post> sign(Database& index, const MessageRow& message,
                              outbound::PinnedTarget target);
  Result<std::vector<std::string>> secrets_of(Database& index, WorkspaceNo workspace_no);

  const Archive archive_;
  const Ways ways_;
  outbound::Lookups lookups_;
  std::atomic<bool> stop_{false};
};

}  // namespace holdfast
