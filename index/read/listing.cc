#include "index/read/listing.h"

#include <algorithm>

#include "base/limits.h"
#include "index/read/columns.h"

namespace holdfast {
namespace {

// Days whose numbers are looked up for a search; of a longer time none is.
constexpr int kNarrowedDaysMax = 400;

bool is_unsettled(const ListFilter& filter) {
  return filter.state && *filter.state != RecordingState::kLive;
}

// The index that has the rows in the order of the page. It is named: the plan must not depend on
// statistics.
std::string_view index_of(const ListFilter& filter) {
  if (!filter.workspace_no) return "recording_time";
  if (is_unsettled(filter)) return "recording_state";
  if (filter.held == true) return "recording_held";
  if (filter.flagged == true) return "recording_flagged";
  if (filter.service) return "recording_agent";
  if (filter.tier) return "recording_tier";
  return "recording_workspace_time";
}

// The recording numbers, first and last, that a search looks at.
struct NumberRange {
  int64_t first = 0;
  int64_t last = INT64_MAX;
};

// Of the recordings that started on the days of the filter's time: numbers follow arrival, so
// that a search within a week passes over what came long before or after. Two probes for each day.
Result<NumberRange> range_of_days(Database& index, const ListFilter& filter) {
  // A day more on either side: `day` is what it was at ingest.
  int64_t day = 0;
  int64_t end = INT64_MAX;
  if (filter.from) day = day_of(std::max(UnixMillis(0), *filter.from - days(2))).packed();
  if (filter.to) end = day_of(*filter.to + days(1)).packed();
  NumberRange range{INT64_MAX, 0};
  for (int seen = 0; seen < kNarrowedDaysMax; ++seen) {
    Statement next_day = index.prepare(
        "SELECT day, recording_no FROM recording INDEXED BY recording_day WHERE workspace_no = ?1 "
        "AND day > ?2 AND day <= ?3 ORDER BY day, recording_no LIMIT 1");
    next_day.bind(filter.workspace_no->value, day, end);
    HOLDFAST_ASSIGN(found, next_day.step());
    if (!found) return range;
    day = next_day.next<int64_t>();
    range.first = std::min(range.first, next_day.next<int64_t>());
    Statement last_of_day = index.prepare(
        "SELECT recording_no FROM recording INDEXED BY recording_day WHERE workspace_no = ?1 "
        "AND day = ?2 ORDER BY recording_no DESC LIMIT 1");
    last_of_day.bind(filter.workspace_no->value, day);
    HOLDFAST_ASSIGN(there, last_of_day.step());
    if (there) range.last = std::max(range.last, last_of_day.next<int64_t>());
  }
  return NumberRange();
}

// With the key that a page begins after.
Result<NumberRange> range_of(Database& index, const ListFilter& filter) {
  NumberRange range;
  if (filter.workspace_no && (filter.from || filter.to)) {
    HOLDFAST_ASSIGN(narrowed, range_of_days(index, filter));
    range = narrowed;
  }
  if (!filter.after) return range;
  const int64_t key = filter.after->recording_no.value;
  if (filter.newest_first)
    range.last = std::min(range.last, key - 1);
  else
    range.first = std::max(range.first, key + 1);
  return range;
}

std::string tables_of(const ListFilter& filter, bool searches) {
  return searches ? " FROM recording_search s CROSS JOIN recording r ON r.recording_no = s.rowid"
                  : " FROM recording r INDEXED BY " + std::string(index_of(filter));
}

// The condition that a page begins after another, and the order of both.
std::string after_key(bool newest_first) {
  return newest_first ? " AND (r.started_at, r.recording_no) < (?, ?)"
                      : " AND (r.started_at, r.recording_no) > (?, ?)";
}

std::string order_of(bool searches, bool newest_first) {
  if (searches) return newest_first ? " ORDER BY s.rowid DESC" : " ORDER BY s.rowid";
  return newest_first ? " ORDER BY r.started_at DESC, r.recording_no DESC"
                      : " ORDER BY r.started_at, r.recording_no";
}

// What is bound has the same order in bind_listing.
std::string listing_sql(const ListFilter& filter, bool searches) {
  std::string sql = "SELECT " + columns::kRecording + tables_of(filter, searches) +
                    " CROSS JOIN workspace w ON w.workspace_no = r.workspace_no WHERE 1";
  if (searches) sql += " AND s.recording_search MATCH ? AND s.rowid >= ? AND s.rowid <= ?";
  if (filter.workspace_no) sql += " AND r.workspace_no = ?";
  if (filter.after && !searches) sql += after_key(filter.newest_first);
  if (filter.from) sql += " AND r.started_at >= ?";
  if (filter.to) sql += " AND r.started_at < ?";
  if (filter.tier) sql += " AND r.tier = ?";
  if (filter.state) sql += " AND r.state = ?";
  if (is_unsettled(filter)) sql += " AND r.state <> 1";  // what recording_state asks for
  if (filter.held) sql += *filter.held ? " AND r.holds > 0" : " AND r.holds = 0";
  if (filter.direction) sql += " AND r.direction = ?";
  if (filter.flagged) sql += *filter.flagged ? " AND r.flags <> 0" : " AND r.flags = 0";
  if (filter.service) sql += " AND r.service_id = ?";
  return sql + order_of(searches, filter.newest_first) + " LIMIT ?";
}

struct Search {
  std::string match;
  NumberRange range;
};

void bind_listing(Statement& statement, const ListFilter& filter,
                  const std::optional<Search>& search, int limit) {
  if (search) statement.bind(search->match, search->range.first, search->range.last);
  if (filter.workspace_no) statement.bind(filter.workspace_no->value);
  if (filter.after && !search) statement.bind(filter.after->started_at, filter.after->recording_no);
  if (filter.from) statement.bind(*filter.from);
  if (filter.to) statement.bind(*filter.to);
  if (filter.tier) statement.bind(*filter.tier);
  if (filter.state) statement.bind(*filter.state);
  if (filter.direction) statement.bind(*filter.direction);
  if (filter.service) statement.bind(*filter.service);
  statement.bind(limit);
}

}  // namespace

Result<ListPage> list_recordings(Database& index, const ListFilter& filter) {
  const int limit = std::clamp(filter.limit, 1, limits::kPageItemsMax);
  std::optional<Search> search;
  if (!filter.search.is_empty()) {
    HOLDFAST_ASSIGN(expression, match_expression(filter.search, filter.workspace_no));
    HOLDFAST_ASSIGN(range, range_of(index, filter));
    search = Search{std::move(expression), range};
  }
  const std::string sql = listing_sql(filter, search.has_value());
  Statement statement = index.prepare(sql);
  // One more row tells whether there is another page.
  bind_listing(statement, filter, search, limit + 1);
  HOLDFAST_ASSIGN(rows, columns::read_all(std::move(statement), columns::read_recording));
  ListPage page;
  page.rows = std::move(rows);
  if (page.rows.size() > static_cast<size_t>(limit)) {
    page.rows.pop_back();
    page.next = ListKey{page.rows.back().started_at, page.rows.back().recording_no};
  }
  return page;
}

}  // namespace holdfast
