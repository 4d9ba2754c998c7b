#include "index/read/browse.h"

#include <climits>

#include "index/read/columns.h"

namespace holdfast {
namespace {

// The first day of the workspace from `day` on, packed; nothing when there is none. One probe.
Result<std::optional<int32_t>> next_day(Database& index, WorkspaceNo workspace_no, int32_t day) {
  Statement statement = index.prepare(
      "SELECT day FROM recording INDEXED BY recording_day "
      "WHERE workspace_no = ?1 AND day >= ?2 ORDER BY day LIMIT 1");
  statement.bind(workspace_no.value, day);
  HOLDFAST_ASSIGN(found, statement.step());
  if (!found) return std::optional<int32_t>();
  return std::optional<int32_t>(statement.next<int32_t>());
}

// Distinct values of day / divisor within [first, end), one probe each.
Result<std::vector<int>> distinct(Database& index, WorkspaceNo workspace_no, int32_t first,
                                  int32_t end, int32_t divisor) {
  std::vector<int> values;
  int32_t from = first;
  for (;;) {
    HOLDFAST_ASSIGN(day, next_day(index, workspace_no, from));
    if (!day || *day >= end) return values;
    const int32_t value = *day / divisor;
    values.push_back(value);
    from = (value + 1) * divisor;
  }
}

}  // namespace

Result<std::vector<int>> years_of(Database& index, WorkspaceNo workspace_no) {
  return distinct(index, workspace_no, 0, 10000 * 10000, 10000);
}

Result<std::vector<int>> months_of(Database& index, WorkspaceNo workspace_no, int year) {
  HOLDFAST_ASSIGN(months, distinct(index, workspace_no, year * 10000, (year + 1) * 10000, 100));
  for (int& month : months) month %= 100;
  return months;
}

Result<std::vector<int>> days_of(Database& index, WorkspaceNo workspace_no, int year, int month) {
  const int32_t first = year * 10000 + month * 100;
  HOLDFAST_ASSIGN(days, distinct(index, workspace_no, first, first + 100, 1));
  for (int& day : days) day %= 100;
  return days;
}

Result<std::vector<RecordingRow>> calls_of_day(Database& index, WorkspaceNo workspace_no,
                                               CalendarDay day, RecordingNo after, int limit) {
  static const std::string sql = "SELECT " + columns::kRecording +
                                 " FROM recording r INDEXED BY recording_day"
                                 " CROSS JOIN workspace w ON w.workspace_no = r.workspace_no"
                                 " WHERE r.workspace_no = ?1 AND r.day = ?2 AND r.recording_no > ?3"
                                 " ORDER BY r.recording_no LIMIT ?4";
  Statement statement = index.prepare(sql);
  statement.bind(workspace_no.value, day.packed(), after, limit);
  return columns::read_all(std::move(statement), columns::read_recording);
}

Result<bool> has_recordings(Database& index, WorkspaceNo workspace_no, CalendarDay first,
                            CalendarDay last) {
  HOLDFAST_ASSIGN(day, next_day(index, workspace_no, first.packed()));
  return day.has_value() && *day <= last.packed();
}

}  // namespace holdfast
