#include "index/read/listing.h"

#include <algorithm>

#include "base/limits.h"
#include "index/read/columns.h"

namespace holdfast {
namespace {

// The index that has the rows in the order of the page. It is named: the plan must not depend on
// statistics.
std::string_view index_of(const ListFilter& filter) {
  if (!filter.workspace_no) return "recording_time";
  if (filter.held == true) return "recording_held";
  if (filter.service) return "recording_agent";
  return "recording_workspace_time";
}

std::string tables_of(const ListFilter& filter, bool searches) {
  return searches ? " FROM recording_search s CROSS JOIN recording r ON r.recording_no = s.rowid"
                  : " FROM recording r INDEXED BY " + std::string(index_of(filter));
}

// The condition that a page begins after another, and the order of both.
std::string after_key(bool searches, bool newest_first) {
  if (searches) return newest_first ? " AND s.rowid < ?" : " AND s.rowid > ?";
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
  if (searches) sql += " AND s.recording_search MATCH ?";
  if (filter.workspace_no) sql += " AND r.workspace_no = ?";
  if (filter.after) sql += after_key(searches, filter.newest_first);
  if (filter.from) sql += " AND r.started_at >= ?";
  if (filter.to) sql += " AND r.started_at < ?";
  if (filter.tier) sql += " AND r.tier = ?";
  if (filter.state) sql += " AND r.state = ?";
  if (filter.held) sql += *filter.held ? " AND r.holds > 0" : " AND r.holds = 0";
  if (filter.direction) sql += " AND r.direction = ?";
  if (filter.flagged) sql += *filter.flagged ? " AND r.flags <> 0" : " AND r.flags = 0";
  if (filter.service) sql += " AND r.service_id = ?";
  return sql + order_of(searches, filter.newest_first) + " LIMIT ?";
}

void bind_listing(Statement& statement, const ListFilter& filter,
                  const std::optional<std::string>& match, int limit) {
  if (match) statement.bind(*match);
  if (filter.workspace_no) statement.bind(filter.workspace_no->value);
  if (filter.after && match) statement.bind(filter.after->recording_no);
  if (filter.after && !match) statement.bind(filter.after->started_at, filter.after->recording_no);
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
  std::optional<std::string> match;
  if (!filter.search.is_empty()) {
    HOLDFAST_ASSIGN(expression, match_expression(filter.search, filter.workspace_no));
    match = std::move(expression);
  }
  const std::string sql = listing_sql(filter, match.has_value());
  Statement statement = index.prepare(sql);
  // One more row tells whether there is another page.
  bind_listing(statement, filter, match, limit + 1);
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
