#include "daemon/work/restorer.h"

#include <algorithm>
#include <thread>

#include "base/log.h"
#include "daemon/work/recall_group.h"
#include "index/commands/restores.h"
#include "index/read/restores.h"

namespace holdfast {
namespace {

// The board shows the batch as long as it lasts.
class BatchOnBoard {
 public:
  BatchOnBoard(RecallBoard& board, Tier tier, const RecallBatch& batch, uint64_t next_turn)
      : board_(board), tier_(tier) {
    std::vector<RestoreId> order;
    for (const QueuedRecall& one : batch.recalls) order.push_back(one.restore);
    board_.begin_batch(tier, std::move(order), next_turn);
  }
  ~BatchOnBoard() { board_.end_batch(tier_); }
  BatchOnBoard(const BatchOnBoard&) = delete;
  BatchOnBoard& operator=(const BatchOnBoard&) = delete;

 private:
  RecallBoard& board_;
  const Tier tier_;
};

}  // namespace

int Restorer::readers_here() {
  const auto cores = static_cast<int>(std::thread::hardware_concurrency());
  return std::clamp(cores / 2, std::clamp(cores, 1, 2), kRecallReadersMax);
}

void Restorer::run(Io& io) {
  while (!stop_) {
    Result<bool> more = run_once(io);
    if (!more.ok()) {
      log::error("restorer ({}): {}", word(tier_), more.error().message);
      return;
    }
    if (!*more) return;
  }
}

// What staged copies may take now: by configuration, and by what the file system has left.
Result<Bytes> Restorer::room(Io& io) {
  Bytes reserved;
  {
    HOLDFAST_ASSIGN(index, archive_.index.take());
    HOLDFAST_ASSIGN(staged, staged_bytes(*index));
    reserved = staged;
  }
  HOLDFAST_ASSIGN(writable, archive_.standard_root.room(io));
  const int64_t allowed = archive_.config().staging_max.count - reserved.count;
  return Bytes(std::max<int64_t>(0, std::min(allowed, writable.count)));
}

Result<bool> Restorer::run_once(Io& io) {
  HOLDFAST_ASSIGN(free, room(io));
  HOLDFAST_ASSIGN(batch, queue_.next(free));
  if (batch.waits_for_room) return wait_for_room(*batch.waits_for_room);
  const BatchOnBoard on_board(archive_.recalls, tier_, batch, queue_.turn());
  SideBySide readers(readers_);
  bool worked = false;
  for (size_t at = 0; at < batch.recalls.size();) {
    if (stop_) return false;
    // The rest of them waits for the medium, or has another copy: the queue knows.
    if (worked && archive_.recalls.away(archive_.clock.now()).contains(batch.medium)) return true;
    RecallGroup group(archive_, batch, at, readers);
    at += group.size();
    worked |= group.run(io, stop_);
  }
  return worked;
}

// Room comes when staged copies expire. One that is larger than all the room there may be would
// wait for ever, and hold up the others. True when it waits no more.
Result<bool> Restorer::wait_for_room(const RestoreId& restore) {
  constexpr std::string_view kNoRoom = "no room for staged copies on the standard tier";
  std::optional<RestoreRow> row;
  {
    HOLDFAST_ASSIGN(index, archive_.index.take());
    HOLDFAST_ASSIGN(found, find_restore(*index, restore));
    row = std::move(found);
  }
  if (!row || row->state != RestoreState::kQueued) return true;
  if (row->bytes > archive_.config().staging_max) {
    HOLDFAST_TRY(archive_.writer.call(
        restore_failed(restore, "the recording has " + std::to_string(row->bytes.count) +
                                    " bytes, more than [restore] staging_max allows: " +
                                    std::to_string(archive_.config().staging_max.count))));
    return true;
  }
  if (row->error == kNoRoom) return false;
  log::info("restore {}: {}", restore.text(), kNoRoom);
  HOLDFAST_TRY(
      archive_.writer.call(restores_wait({restore}, std::string(kNoRoom), archive_.clock.now())));
  return false;
}

}  // namespace holdfast
