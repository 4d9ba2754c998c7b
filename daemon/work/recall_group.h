// Recalls of one batch that are made side by side, in media order: what makes each of them durable
// (their files and names, their rows) is waited for once for all of them.
//
//   take → [commit: recalling, space reserved] → read → … → publish (synced, named)
//        → [commit: staged]                       └─ every second, or 32 parts, in between
//
// Invariants
// - Each recall ends on its own: one that fails keeps no other back, and leaves nothing staged.
// - A staged copy is published only when every file had the right digest (P5), and told as staged
//   only when it is durable.
// - Nobody waits for the others of the group longer than a second beyond what is read just then.
// - Open files are bounded: at most kPartsTogether parts are read and not published.
#pragma once

#include <atomic>
#include <deque>
#include <memory>
#include <vector>

#include "daemon/work/archive.h"
#include "daemon/work/part_stager.h"
#include "daemon/work/turns.h"

namespace holdfast {

// Thread rule: one thread, the lane's.
class RecallGroup {
 public:
  explicit RecallGroup(const Archive& archive);
  ~RecallGroup();
  RecallGroup(const RecallGroup&) = delete;
  RecallGroup& operator=(const RecallGroup&) = delete;

  // Takes those that come next in `recalls` from `from` on; gives how many it has dealt with, one
  // at least. It waits for the turn of the first alone: one whose recording another thread is at
  // comes with a later group. Those that were cancelled or served meanwhile count, and are done.
  size_t take(const std::vector<QueuedRecall>& recalls, size_t from);

  // Recalls them; those that are not begun when `stop` is set stay as they are, for the next run.
  // True when something was done; errors are told to those who wait, and in the log.
  bool run(Io& io, const std::atomic<bool>& stop);

 private:
  struct Member;
  // A part that was read and is not durable yet.
  struct ReadPart {
    Member* member;
    PartWriter writer;
  };

  enum class Admission : uint8_t { kTaken, kDone, kBusy };
  Result<Admission> admit(const QueuedRecall& recall);
  void begin();
  void read(Io& io, Member& member);
  Status stage(Io& io, Member& member);
  Status clear_the_way(Io& io, const Recording& recording);
  void publish(Io& io);
  void end_those_read(Io& io);
  void end_staged(const std::vector<Member*>& staged);
  Status end_failed(Io& io, const Member& member);
  Status give_up_for_now(const Member& member);
  void count_staged(const RestoreRow& row);
  void tell(const Recording& recording);

  Archive archive_;
  PartStager stager_;
  std::vector<std::unique_ptr<Member>> members_;  // in media order
  std::deque<ReadPart> unpublished_;
  bool worked_ = false;
};

}  // namespace holdfast
