// What one lane recalls next: the queue's rows, joined with where their bytes are
// by now.
//
// Invariants
// - A restore's row says whose lane serves it. When its best copy has since
//   changed its tier, the lane that finds it hands it to the other; when none is
//   left, the lane keeps it and says so by failing it.
// - A look costs what it returns (index/read/restores.h), and memory is bounded:
//   at most kUnderWay + 256 + 512 + 512 rows.
// - What waits for a removal, for room or for a medium that is away uses up no try.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "daemon/work/archive.h"
#include "index/commands/restores.h"
#include "tiers/recall_order.h"

namespace holdfast {

constexpr int kUnderWay = 256;  // left by the last run; more than a batch there never are

// The verified pack copy from which a part would be recalled: the fastest tier that is not offline
// or away first. Null when there is none.
const CopyRow* best_pack_copy(const Recording& recording, int part, const AwayMedia& away = {});
// Whether the part has a plain copy, staged or not, on the standard medium.
bool has_plain_copy(const Recording& recording, int part, const MediumId& standard);
// The first part that must be recalled; 0 when none must.
int first_archived_part(const Recording& recording, const MediumId& standard);

// Thread rule: one thread, the lane's.
class RecallQueue {
 public:
  // Of the restores of one tier, kWarm or kCold.
  RecallQueue(const Archive& archive, Tier tier) : archive_(archive), tier_(tier) {}

  // The next batch with at most `room` bytes of staged copies, in media order. Rows that it had to
  // put right (another lane's, or waiting for a removal) are so when it returns.
  // What lies on media that are away alone is not among them: it waits until they are asked again.
  Result<RecallBatch> next(Bytes room);
  // Of the batch after the last one.
  uint64_t turn() const { return turn_; }

 private:
  // Rows to be put right, in one command each.
  struct Findings {
    std::vector<QueuedRecall> waiting;
    std::vector<RestoreSource> moved;
    std::vector<RestoreId> behind_removals;
    std::map<MediumId, std::vector<RestoreId>> behind_media;
  };
  Result<std::vector<RestoreRow>> look(Database& index);
  void place(const RestoreRow& row, const std::optional<Recording>& recording,
             const AwayMedia& away, Findings& findings);
  Status put_right(Findings findings, const AwayMedia& away);

  Archive archive_;
  const Tier tier_;
  WorkspaceNo begin_with_{};
  uint64_t turn_ = 0;
};

}  // namespace holdfast
