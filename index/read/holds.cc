#include "index/read/holds.h"

#include "index/read/columns.h"

namespace holdfast {
namespace {

using columns::read_all;
using columns::read_one;

const std::string kSelectMatter = "SELECT " + columns::kMatter + " FROM matter ";
const std::string kSelectHold = "SELECT " + columns::kHold + columns::kFromHold;

}  // namespace

Result<std::vector<MatterRow>> list_matters(Database& index) {
  static const std::string sql = kSelectMatter + "ORDER BY created_at, matter_id";
  return read_all(index.prepare(sql), columns::read_matter);
}

Result<std::optional<MatterRow>> find_matter(Database& index, const MatterId& matter) {
  static const std::string sql = kSelectMatter + "WHERE matter_id = ?1";
  Statement statement = index.prepare(sql);
  statement.bind(matter);
  return read_one(std::move(statement), columns::read_matter);
}

Result<std::optional<MatterRow>> find_matter(Database& index, WorkspaceNo workspace_no,
                                             std::string_view name) {
  static const std::string sql = kSelectMatter + "WHERE workspace_no = ?1 AND name = ?2";
  Statement statement = index.prepare(sql);
  statement.bind(workspace_no.value, name);
  return read_one(std::move(statement), columns::read_matter);
}

Result<std::optional<HoldRow>> find_hold(Database& index, const HoldId& hold) {
  static const std::string sql = kSelectHold + "WHERE h.hold_id = ?1";
  Statement statement = index.prepare(sql);
  statement.bind(hold);
  return read_one(std::move(statement), columns::read_hold);
}

Result<std::vector<HoldRow>> holds_of_recording(Database& index, const RecordingId& recording) {
  static const std::string sql =
      kSelectHold + "WHERE h.recording_id = ?1 ORDER BY h.placed_at, h.hold_id";
  Statement statement = index.prepare(sql);
  statement.bind(recording);
  return read_all(std::move(statement), columns::read_hold);
}

Result<std::vector<HoldRow>> holds_of_matter(Database& index, const MatterId& matter,
                                             std::optional<HoldKey> after, int limit) {
  static const std::string sql =
      "SELECT " + columns::kHold +
      " FROM hold h INDEXED BY hold_matter CROSS JOIN matter m ON m.matter_id = h.matter_id"
      " LEFT JOIN note n ON n.hash = h.note"
      " WHERE h.matter_id = ?1 AND h.released_at IS NULL AND (h.placed_at, h.hold_id) > (?2, ?3)"
      " ORDER BY h.placed_at, h.hold_id LIMIT ?4";
  const HoldKey key = after.value_or(HoldKey{UnixMillis(-1), HoldId()});
  Statement statement = index.prepare(sql);
  statement.bind(matter, key.placed_at, key.hold, limit);
  return read_all(std::move(statement), columns::read_hold);
}

Result<std::vector<RecordingRow>> recordings_of_matter(Database& index, const MatterId& matter,
                                                       RecordingNo after, int limit) {
  static const std::string sql =
      "SELECT " + columns::kRecording +
      " FROM hold h INDEXED BY hold_matter_recording"
      " CROSS JOIN recording r ON r.recording_no = h.recording_no"
      " CROSS JOIN workspace w ON w.workspace_no = r.workspace_no"
      " WHERE h.matter_id = ?1 AND h.released_at IS NULL AND h.recording_no > ?2"
      " ORDER BY h.recording_no LIMIT ?3";
  Statement statement = index.prepare(sql);
  statement.bind(matter, after, limit);
  return read_all(std::move(statement), columns::read_recording);
}

}  // namespace holdfast
