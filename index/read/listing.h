// Pages of recordings. Pagination is by key, never by offset: a page starts
// after the last row of the one before, so rows that come in meanwhile neither
// repeat nor hide another.
#pragma once

#include "index/read/database.h"
#include "index/read/records.h"

namespace holdfast {

// The last row of a page: where the next one goes on.
struct ListKey {
  UnixMillis started_at;
  RecordingNo recording_no;
};

struct ListFilter {
  std::optional<WorkspaceNo> workspace_no;  // none: all (operators)
  std::optional<Tier> tier;
  std::optional<RecordingState> state;
  std::optional<UnixMillis> from;  // started at or after
  std::optional<UnixMillis> to;    // started before
  std::optional<bool> held;
  std::optional<Direction> direction;
  std::optional<bool> flagged;
  bool newest_first = true;
  std::optional<ListKey> after;  // the next page
  int limit = 100;               // 1 to limits::kPageItemsMax
};

struct ListPage {
  std::vector<RecordingRow> rows;
  std::optional<ListKey> next;  // none: this was the last page
};

// A page in the order of (started_at, recording_no). Scans from the key on; a filter other than
// workspace, time and held is tested row by row.
Result<ListPage> list_recordings(Database& index, const ListFilter& filter);

}  // namespace holdfast
