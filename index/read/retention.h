// Retention classes, the compliance clock as it was kept, and what is due to expire.
#pragma once

#include "base/compliance_clock.h"
#include "base/retention.h"
#include "index/read/database.h"
#include "index/read/records.h"

namespace holdfast {

struct RetentionClassRow {
  int64_t class_no = 0;
  std::string name;
  int version = 1;
  RetentionRule rule;
  UnixMillis created_at;
  std::string created_by;
};

// Its rule was lost with its line: it locks what was given it, and is given to nothing new.
inline bool is_stand_in(const RetentionClassRow& row) { return row.created_by.empty(); }

// The latest version of each class whose rule is known, by name; of others a stand-in.
Result<std::vector<RetentionClassRow>> list_retention_classes(Database& index);
// The latest version whose rule is known, else a stand-in; nothing when there is no such class.
Result<std::optional<RetentionClassRow>> find_retention_class(Database& index,
                                                              std::string_view name);
Result<std::optional<RetentionClassRow>> find_retention_class(Database& index,
                                                              std::string_view name, int version);

struct RetentionDefaultRow {
  WorkspaceNo workspace_no;  // 0: of all that have none of their own
  std::optional<WorkspaceId> workspace;
  std::string name;
};
Result<std::vector<RetentionDefaultRow>> list_retention_defaults(Database& index);
// What a new recording of the workspace is given; nothing: no class, or one whose rule was lost.
Result<std::optional<RetentionClassRow>> default_retention_class(Database& index,
                                                                 WorkspaceNo workspace_no);

struct ClockRow {
  ComplianceState state;
  UnixMillis noted_at;  // compliance time of the last line that told it
  int64_t epoch = 0;    // counts how often it was set
  // Where a person last set it forward; none: never.
  std::optional<UnixMillis> accepted_at;
};
// Nothing: it was never set, or its archive was rebuilt without the ledger.
Result<std::optional<ClockRow>> find_clock(Database& index);
// The compliance time that was kept last, which the triggers judge by; 0 while it was never set.
Result<UnixMillis> kept_time(Database& index);
// What has certainly come at system time `now`; 0 while the clock was never set.
Result<UnixMillis> certain_time(Database& index, UnixMillis now);
// Until when, on the compliance clock, expiry takes nothing because a person set that clock
// forward; nothing: it does not wait for that.
std::optional<UnixMillis> expiry_waits_until(const ClockRow& clock, UnixMillis certain,
                                             Millis not_before);
// Whether retention forbids that it is destroyed.
bool is_retained(const RecordingRow& row, UnixMillis certain);

struct ExpiryRow {
  UnixMillis day_from;
  int64_t expired = 0;   // in the breaker's present day
  int64_t accepted = 0;  // how many more a person lets go
  std::optional<UnixMillis> open_since;
  int64_t due = 0;  // how many were due when the breaker opened
  bool operator==(const ExpiryRow&) const = default;
};
Result<ExpiryRow> find_expiry(Database& index);

// Which recordings are due to expire: the end has come, nothing holds them, and no part of them
// came in less than `not_before` ago.
struct DueExpiry {
  UnixMillis certain;
  Millis not_before;
};
// The next ones that are in their place, by their end.
Result<std::vector<RecordingRow>> due_to_expire(Database& index, const DueExpiry& due, int limit);
// How many; counted up to `most`.
Result<int64_t> count_due_to_expire(Database& index, const DueExpiry& due, int64_t most);

struct ClassDue {
  std::string name;
  int64_t recordings = 0;
  Bytes bytes;
  UnixMillis oldest;  // end of retention
};
// All that are due, class by class; costs what is due.
Result<std::vector<ClassDue>> due_by_class(Database& index, const DueExpiry& due);

}  // namespace holdfast
