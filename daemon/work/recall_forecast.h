// When a restore will be served: its place in the order in which the lanes really take, and the
// estimate from what is before it and the measured history of its medium.
//
// A forecast looks at a lane's queue as the lane does (index/read/restores.h, ready_restores):
// the batch under way as the board has it, then the batches that next_batch() would choose if
// nothing else came. What waits for its next try, for room or for a medium counts as if it were
// ready.
//
// Of a queue that is longer than a look only the next batch is known so. Who is not in it is
// given the place that two streams give, each half of every batch: the oldest first, and the
// workspaces' rounds. With n waiting, whoever is at place a of one stream, in no relation to the
// other, is served after 2a - a*a/n others: what one stream has served, the other passes over.
//
// A forecast for one answer looks at each queue once, however many restores it tells. The loop's
// own is for many: it looks at a short queue each time, and at a long one once a second.
#pragma once

#include <map>

#include "daemon/work/archive.h"
#include "tiers/estimate.h"
#include "tiers/recall_order.h"

namespace holdfast {

// Thread rule: one thread; reads only. A look costs at most some 1,000 rows of the queue and is
// made inline.
class RecallForecast {
 public:
  enum class For { kOneAnswer, kManyAnswers };
  // `archive` and `index` outlive it.
  RecallForecast(const Archive& archive, Database& index, For use = For::kOneAnswer)
      : archive_(archive), index_(index), use_(use) {}

  // How long a restore will take from now. One that is staged or over answers zeros.
  Result<RestoreEstimate> of(const RestoreRow& restore);
  // The same for a recording that nobody has asked back yet: as if it were asked now.
  Result<RestoreEstimate> if_asked(const Recording& recording);

 private:
  struct Lane {
    std::vector<QueuedRecall> queue;  // as it would be served, the first first
    std::vector<int> attaches;        // media attached up to each
    std::vector<Bytes> bytes;         // yet to be read for each
    std::map<RestoreId, size_t> places;
    std::vector<QueuedRecall> waiting;  // those of them that next_batch chooses from
    size_t begun = 0;                   // in front of them: the batch under way
    std::vector<int64_t> by_workspace;  // how many each has waiting; unless the look is whole
    uint64_t turn = 0;
    bool is_whole = true;  // the look saw all that waits
    Millis looked_at{0};
  };

  // `wanted`: a restore that must be among what a whole look saw.
  Result<Lane*> lane(Tier tier, const RestoreId* wanted);
  bool is_good(const Lane& lane, const RestoreId* wanted) const;
  Result<Lane> look(Tier tier);
  Result<QueuedRecall> queued(const RestoreRow& row);
  Result<RecallsAhead> beyond(const Lane& lane, const QueuedRecall& recall);
  Result<RestoreEstimate> measured(const MediumId& medium, Tier tier, const RecallsAhead& ahead,
                                   Bytes bytes);

  const Archive& archive_;
  Database& index_;
  const For use_;
  std::map<Tier, Lane> lanes_;
  std::map<MediumId, std::vector<RecallSample>> samples_;
};

}  // namespace holdfast
