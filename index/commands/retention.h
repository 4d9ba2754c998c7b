// Commands of retention: classes and their versions, defaults for new recordings, and what one
// recording is given.
#pragma once

#include "base/retention.h"
#include "index/read/retention.h"
#include "index/writer.h"

namespace holdfast {

struct SetRetentionClass {
  std::string name;  // is_retention_class_name
  RetentionRule rule;
  std::string who;
};
// The class with this rule: its first version, or the next one. The latest version when that says
// the same. What was given an earlier version keeps it. Decision retention-class.set.
Command<RetentionClassRow> set_retention_class(SetRetentionClass request);

// What new recordings of the workspace (none: of all that have no default of their own) are given;
// no name: none. kNotFound when there is no such class or workspace. Decision
// retention-default.set.
Command<void> set_retention_default(std::optional<WorkspaceId> workspace,
                                    std::optional<std::string> name, std::string who);

struct AssignRetention {
  RecordingNo recording;
  std::optional<std::string> name;  // its latest version is given; none: no retention
  bool bypass = false;              // shortens governance mode, with a reason
  std::string reason;               // an erasable note
  std::string who;
  Millis not_before = days(30);             // expiry.not_before
  std::optional<WorkspaceNo> workspace_no;  // whose it must be: kNotFound when it was moved
};
struct Retained {
  bool changed = false;
  RecordingRow after;
};
// A longer end is given to anybody; a condemned recording that it locks is live again. An earlier
// one while the present has not come, or a weaker mode: kLocked, told as "retention: …", in
// compliance mode always, in governance mode without `bypass`. kInvalid for a bypass without a
// reason; kConflict "already-destroyed" when destroying, kConflict when unlocated. Decision
// recording.retained, weakening when it shortens, else protecting.
Command<Retained> assign_retention(AssignRetention request);

// Adds to the line of a part when it came in by the compliance clock, where the system's is behind
// that; gives its arrival. Within a command.
Result<UnixMillis> add_arrival(WriteTxn& txn, const IngestRow& row, LineDraft& line);
// Adds that, and what the workspace's default says, to the line of an ingest. Within a command.
Status add_default_retention(WriteTxn& txn, WorkspaceNo workspace_no, const IngestRow& row,
                             Millis not_before, LineDraft& line);

}  // namespace holdfast
