#include "index/read/listing.h"

#include <algorithm>

#include "base/limits.h"
#include "index/read/columns.h"

namespace holdfast {
namespace {

// The text of the query and, in the same order, what is bound to it.
std::string listing_sql(const ListFilter& filter) {
  const bool held_index = filter.held == true && filter.workspace_no.has_value();
  // The index is named: the plan must not depend on statistics.
  std::string sql = "SELECT " + columns::kRecording + " FROM recording r INDEXED BY ";
  if (held_index)
    sql += "recording_held";
  else if (filter.workspace_no)
    sql += "recording_workspace_time";
  else
    sql += "recording_time";
  sql += " CROSS JOIN workspace w ON w.workspace_no = r.workspace_no WHERE 1";
  if (filter.workspace_no) sql += " AND r.workspace_no = ?";
  if (filter.after)
    sql += filter.newest_first ? " AND (r.started_at, r.recording_no) < (?, ?)"
                               : " AND (r.started_at, r.recording_no) > (?, ?)";
  if (filter.from) sql += " AND r.started_at >= ?";
  if (filter.to) sql += " AND r.started_at < ?";
  if (filter.tier) sql += " AND r.tier = ?";
  if (filter.state) sql += " AND r.state = ?";
  if (filter.held) sql += *filter.held ? " AND r.holds > 0" : " AND r.holds = 0";
  if (filter.direction) sql += " AND r.direction = ?";
  if (filter.flagged) sql += *filter.flagged ? " AND r.flags <> 0" : " AND r.flags = 0";
  sql += filter.newest_first ? " ORDER BY r.started_at DESC, r.recording_no DESC"
                             : " ORDER BY r.started_at, r.recording_no";
  return sql + " LIMIT ?";
}

}  // namespace

Result<ListPage> list_recordings(Database& index, const ListFilter& filter) {
  const int limit = std::clamp(filter.limit, 1, limits::kPageItemsMax);
  const std::string sql = listing_sql(filter);
  Statement statement = index.prepare(sql);
  if (filter.workspace_no) statement.bind(filter.workspace_no->value);
  if (filter.after) statement.bind(filter.after->started_at, filter.after->recording_no);
  if (filter.from) statement.bind(*filter.from);
  if (filter.to) statement.bind(*filter.to);
  if (filter.tier) statement.bind(*filter.tier);
  if (filter.state) statement.bind(*filter.state);
  if (filter.direction) statement.bind(*filter.direction);
  statement.bind(limit + 1);  // one more row tells whether there is another page
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
