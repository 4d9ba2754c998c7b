// Pages of recordings. Pagination is by key, never by offset: a page starts
// after the last row of the one before, so rows that come in meanwhile neither
// repeat nor hide another.
#pragma once

#include "index/read/database.h"
#include "index/read/records.h"
#include "index/read/search.h"

namespace holdfast {

// The last row of a page: where the next one goes on. A search goes on by recording_no alone.
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
  std::optional<WorkspaceId> service;  // the agent
  SearchQuery search;
  bool newest_first = true;
  std::optional<ListKey> after;  // the next page
  int limit = 100;               // 1 to limits::kPageItemsMax
};

struct ListPage {
  std::vector<RecordingRow> rows;
  std::optional<ListKey> next;  // none: this was the last page
};

// A page in the order of (started_at, recording_no). Scans from the key on, along an index of the
// rarest of the filters state (not live), held, flagged, agent and tier; the others are tested row
// by row. Without a workspace all but the time are. With a search the order is that of
// recording_no, of arrival; the numbers that the time allows are narrowed by day, and every other
// filter but the workspace is tested on what was found.
// kInvalid: the search cannot be asked (match_expression).
Result<ListPage> list_recordings(Database& index, const ListFilter& filter);

}  // namespace holdfast
