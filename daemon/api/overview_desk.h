// Overviews for those who ask, one look at a time: however many scrape, no more than one worker
// waits for the media.
//
//   ask() ──▶ nobody looks:   a look begins
//         ──▶ somebody looks: waits for the next look, which begins when this one ends and is for
//                             all who have asked by then
//
// Nobody is answered from a look that began before the question: who changed something sees it.
// A disk that hangs holds one worker and kOverviewWaitersMax questions; further ones are refused.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "daemon/api/overview.h"
#include "daemon/loop.h"
#include "daemon/work/workers.h"

namespace holdfast::api {

constexpr size_t kOverviewWaitersMax = 64;

// Thread rule: loop thread only.
class OverviewDesk final : public std::enable_shared_from_this<OverviewDesk> {
 public:
  using Look = std::function<Result<Overview>(Io&)>;  // on a worker
  using Answer = std::function<void(const Result<Overview>&)>;

  // `loop` and `workers` outlive it. Made by make_shared: a look keeps it alive.
  OverviewDesk(Loop& loop, Workers& workers, Look look);

  // `answer` gets what was seen, once, on the loop; kUnavailable at once when too many wait or the
  // workers are full.
  void ask(Answer answer);

 private:
  void begin();
  void ended(const Result<Overview>& seen);

  Loop& loop_;
  Workers& workers_;
  const Look look_;
  std::vector<Answer> next_;  // wait for the look after the one that is under way
  std::vector<Answer> now_;   // wait for the one that is under way; empty: there is none
};

}  // namespace holdfast::api
