#include "index/read/links.h"

#include "index/read/columns.h"

namespace holdfast {
namespace {

LinkRow read_link(Statement& row) {
  LinkRow out;
  out.link_no = row.next<int64_t>();
  out.jti = row.next<LinkId>();
  out.workspace_no = row.next<WorkspaceNo>();
  out.recording_no = row.next<RecordingNo>();
  out.call_sid = row.next<std::string>();
  out.file = row.next<std::string>();
  out.kid = row.next<int64_t>();
  out.minted_by = row.next<std::string>();
  out.minted_at = row.next<UnixMillis>();
  out.expires_at = row.next<UnixMillis>();
  out.restore = row.next<std::optional<RestoreId>>();
  out.used_at = row.next<std::optional<UnixMillis>>();
  return out;
}

}  // namespace

Result<std::vector<LinkRow>> list_links(Database& index, WorkspaceNo workspace_no, UnixMillis now,
                                        std::optional<int64_t> before, int limit) {
  // CROSS JOIN: the links lead, in their order.
  Statement statement = index.prepare(
      "SELECT l.link_no, l.jti, l.workspace_no, l.recording_no, r.call_sid, l.file, l.kid, "
      "l.minted_by, l.minted_at, l.expires_at, l.restore_id, l.used_at "
      "FROM link l INDEXED BY link_workspace "
      "CROSS JOIN recording r ON r.recording_no = l.recording_no "
      "WHERE l.workspace_no = ?1 AND l.link_no < ?2 AND l.expires_at > ?3 "
      "ORDER BY l.link_no DESC LIMIT ?4");
  statement.bind(workspace_no.value, before.value_or(INT64_MAX), now, limit);
  return columns::read_all(std::move(statement), read_link);
}

}  // namespace holdfast
