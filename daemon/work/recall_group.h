// Recalls of one batch that are made side by side, in media order: what makes each of them durable
// (its files and names, its rows) is waited for once for all of them.
//
//   [commit: recalling, space reserved] → read → … → publish (synced, named) → [commit: staged]
//                └─▶ queued again: not read when the run ends   └─ once a second, or of 32 parts
//
// Invariants
// - Each recall ends on its own: one that fails keeps no other back, and leaves nothing staged.
// - A staged copy is published only when every file had the right digest (P5), and told as staged
//   only when it is durable.
// - What is read waits for the others a second at most, beyond what is read just then; so does who
//   waits for the turn of its recording, which is taken when it is read.
// - Open files are bounded: at most kPartsTogether parts are read and not published.
#pragma once

#include <atomic>
#include <deque>
#include <memory>
#include <vector>

#include "daemon/work/archive.h"
#include "daemon/work/part_stager.h"
#include "tiers/recall_order.h"

namespace holdfast {

constexpr size_t kRecallsTogether = 16;  // of a group
constexpr size_t kPartsTogether = 32;    // read and not published: some five files open of each

// Thread rule: one thread, the lane's.
class RecallGroup {
 public:
  // The first of `batch`, which lies on `medium`, from `from` on.
  RecallGroup(const Archive& archive, const RecallBatch& batch, size_t from);
  ~RecallGroup();
  RecallGroup(const RecallGroup&) = delete;
  RecallGroup& operator=(const RecallGroup&) = delete;

  size_t size() const { return members_.size(); }

  // Recalls them. Those that are not read when `stop` is set, or when their medium has just gone,
  // go back into the queue. True when something was done; errors are told to those who wait, and
  // in the log.
  bool run(Io& io, const std::atomic<bool>& stop);

 private:
  struct Member;
  struct ReadPart {
    Member* member;
    StagedPart part;
  };

  void begin();
  Status take_turn(Io& io, Member& member);
  void read(Io& io, Member& member);
  Status stage(Io& io, Member& member);
  Status clear_the_way(Io& io, const Recording& recording);
  void publish(Io& io);
  void end_those_read(Io& io);
  bool is_full() const;
  void end_staged(const std::vector<Member*>& staged);
  void end_failed(Io& io, const std::vector<Member*>& failed);
  void put_back();
  void count_staged(const RestoreRow& row);
  void tell(const Recording& recording);

  Archive archive_;
  const MediumId medium_;
  PartStager stager_;
  std::vector<std::unique_ptr<Member>> members_;  // in media order
  std::deque<ReadPart> unpublished_;
  Millis since_{0};  // when what is read and not told began to be read
  bool worked_ = false;
};

}  // namespace holdfast
