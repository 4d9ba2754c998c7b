// Recalls of one batch that are made side by side, in media order: several threads read and decode
// them, and what makes each of them durable (its files and names, its rows) is waited for once for
// all of them.
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
// - Only reading is shared, with what comes before it (a bad copy in the way goes) and of it (a bad
//   copy is quarantined): no thread but the lane's publishes, or waits for a turn.
#pragma once

#include <atomic>
#include <deque>
#include <memory>
#include <mutex>
#include <vector>

#include "daemon/work/archive.h"
#include "daemon/work/part_stager.h"
#include "io/side_by_side.h"
#include "tiers/recall_order.h"

namespace holdfast {

constexpr size_t kRecallsTogether = 16;  // of a group
constexpr size_t kPartsTogether = 32;    // read and not published: some five files open of each
constexpr int kRecallReadersMax = 4;     // threads; each takes at most 25 MiB for its work

// Thread rule: one thread, the lane's.
class RecallGroup {
 public:
  // The first of `batch` from `from` on. `readers` outlive it.
  RecallGroup(const Archive& archive, const RecallBatch& batch, size_t from, SideBySide& readers);
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
  bool read_some(Io& io, const std::atomic<bool>& stop);
  void read_next(Io& io, const std::atomic<bool>& stop);
  void wait_for_a_turn(const std::atomic<bool>& stop);
  Status look(Member& member);
  void read(Io& io, Member& member);
  Status stage(Io& io, Member& member);
  Status clear_the_way(Io& io, const Recording& recording);
  void add_samples(const std::vector<ReadPart*>& parts);
  void publish(Io& io);
  void end_those_read(Io& io);
  bool is_left(const Member& member, const std::atomic<bool>& stop) const;
  int count_left(const std::atomic<bool>& stop) const;
  bool ends_early(const std::atomic<bool>& stop) const;
  bool is_away() const;
  bool is_full() const;
  bool take_place();
  void end_staged(const std::vector<Member*>& staged);
  void end_failed(Io& io, const std::vector<Member*>& failed);
  void discard_untold(Io& io, const Member& member);
  void put_back();
  void count_staged(const RestoreRow& row);
  void tell(const Recording& recording);

  Archive archive_;
  const MediumId medium_;
  SideBySide& readers_;
  const bool was_away_;
  std::vector<std::unique_ptr<Member>> members_;  // in media order
  // While they read, a member is one thread's, and what follows is everybody's.
  std::atomic<size_t> next_{0};       // of the members, in this round
  std::atomic<size_t> read_{0};       // of them, in part at least
  std::atomic<size_t> places_{0};     // taken, of kPartsTogether
  std::atomic<bool> in_vain_{false};  // something was tried in this round
  std::atomic<bool> worked_{false};
  Millis since_{0};   // when this round began
  std::mutex mutex_;  // of unpublished_
  std::deque<ReadPart> unpublished_;
};

}  // namespace holdfast
