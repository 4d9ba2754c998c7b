// What the mount asks of the daemon: to write an access line before a file opens (P4), and to
// tell what changed. Everything else the mount reads itself, so that a crash of either process
// leaves the other alive.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "base/time_text.h"
#include "base/types.h"

namespace holdfast {

// One file that somebody opens.
struct OpenNotice {
  RecordingNo recording_no;
  int part = 1;
  std::string file;
  uint32_t uid = 0;  // of the caller, as the kernel tells it
  int32_t pid = 0;   // 0 when the caller lives in another pid namespace
};

struct Change {
  enum class Kind { kAdded, kChanged, kRemoved };
  Kind kind = Kind::kChanged;
  RecordingNo recording_no;
  WorkspaceId workspace;
  CalendarDay day;
  std::string call_sid;
};

struct ChangeBatch {
  int64_t seq = 0;     // asked from in the next call
  bool reset = false;  // the daemon does not know what happened since: everything may have changed
  std::vector<Change> changes;
  std::string run = {};  // of the daemon, from start to end; its numbers mean nothing in another
};

class DaemonLink {
 public:
  virtual ~DaemonLink() = default;

  // Ok only when the access line is durable. kUnavailable when the daemon does not answer within
  // mount_limits::kOpenTimeoutMs. Thread rule: any thread.
  virtual Status record_open(const OpenNotice& notice) = 0;

  // Waits for changes after `since`, up to `wait` (whole seconds); an empty batch is normal.
  // Thread rule: one thread.
  virtual Result<ChangeBatch> changes(int64_t since, Millis wait) = 0;

  // Ends a waiting changes() and refuses later ones. Thread rule: any thread.
  virtual void cancel_changes() = 0;
};

}  // namespace holdfast
