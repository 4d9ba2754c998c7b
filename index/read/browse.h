// The tree of the mount: workspace, year, month, day, call, file. Each level is
// a skip-scan over (workspace_no, day) or a keyset page; nothing is counted.
#pragma once

#include "index/read/database.h"
#include "index/read/records.h"

namespace holdfast {

// Years, months of a year (1 to 12) and days of a month (1 to 31) in which a workspace has
// recordings, ascending.
Result<std::vector<int>> years_of(Database& index, WorkspaceNo workspace_no);
Result<std::vector<int>> months_of(Database& index, WorkspaceNo workspace_no, int year);
Result<std::vector<int>> days_of(Database& index, WorkspaceNo workspace_no, int year, int month);

// Calls of a day, ascending by recording_no, after the given one.
Result<std::vector<RecordingRow>> calls_of_day(Database& index, WorkspaceNo workspace_no,
                                               CalendarDay day, RecordingNo after, int limit);
// True when the workspace has a recording in the days from `first` to `last`, both included.
Result<bool> has_recordings(Database& index, WorkspaceNo workspace_no, CalendarDay first,
                            CalendarDay last);

}  // namespace holdfast
