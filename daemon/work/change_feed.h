// What changed lately, for the mount's caches: a short memory of changes with
// growing numbers, and callbacks for those who wait.
//
// Invariant: whoever asks `since` a number that is still remembered gets every
// later change; otherwise it is told to forget everything (`reset`). Numbers begin
// at 1 in each run of the daemon, so whoever asks has to compare runs, too.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "base/time_text.h"
#include "base/types.h"

namespace holdfast {

struct Change {
  enum class Kind { kAdded, kChanged, kRemoved };
  Kind kind = Kind::kChanged;
  RecordingNo recording_no;
  WorkspaceId workspace;
  CalendarDay day;
  std::string call_sid;
};
std::string_view word(Change::Kind kind);

// Thread rule: any thread.
class ChangeFeed {
 public:
  struct News {
    int64_t seq = 0;     // ask for what is after this one next time
    bool reset = false;  // `since` is too old or from another run
    std::vector<Change> changes;
  };

  void publish(Change change);
  // Several at once: whoever waits is woken once.
  void publish(std::vector<Change> changes);
  // More changed than anybody can tell: whoever asks for what is after an earlier number is told to
  // forget everything, and whoever waits is woken.
  void reset();
  // Everything after `since`; at most `kKept` changes.
  News since(int64_t seq) const;

  // Calls `woken` once, from the publishing thread, at the next publish; a number to cancel with.
  int64_t wait(std::function<void()> woken);
  void cancel(int64_t waiter);

  // The daemon stops: everybody who waits is woken now, and whoever comes later at once.
  void close();
  bool is_closed() const;

 private:
  static constexpr size_t kKept =
      4096;  // some minutes of a busy archive; beyond it a reset is cheaper

  mutable std::mutex mutex_;
  std::deque<Change> recent_;
  int64_t last_ = 0;  // number of the newest change; numbers begin at 1 in each run
  std::map<int64_t, std::function<void()>> waiters_;
  int64_t next_waiter_ = 1;
  bool closed_ = false;
};

}  // namespace holdfast
