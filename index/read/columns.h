// How rows are read: the columns of each kind of row in one place, in the order
// in which its reader takes them. Internal to index/.
#pragma once

#include <string>
#include <vector>

#include "index/read/database.h"
#include "index/read/records.h"

namespace holdfast::columns {

// The workspace in whose tree a recording's files lie: another than its own only after a move.
inline const std::string kHome =
    "coalesce((SELECT h.workspace_id FROM workspace h WHERE h.workspace_no = r.home_no), "
    "w.workspace_id)";

// FROM recording r JOIN workspace w USING (workspace_no)
inline const std::string kRecording =
    "r.recording_no, r.recording_id, r.workspace_no, w.workspace_id, " + kHome +
    ", r.call_sid, r.service_id, "
    "r.direction, r.started_at, r.ended_at, r.received_at, coalesce(r.arrived_at, r.received_at), "
    "r.day, r.duration_ms, r.state, "
    "r.flags, r.tier, r.next_action_at, "
    "(SELECT k.name FROM retention_class k WHERE k.class_no = r.class_no), "
    "coalesce((SELECT k.mode FROM retention_class k WHERE k.class_no = r.class_no), 0), "
    "coalesce((SELECT k.version FROM retention_class k WHERE k.class_no = r.class_no), 0), "
    "r.retain_until, r.expires_at, r.holds, r.parts, r.bytes";
// CROSS JOIN: the order is ours; the planner never begins with the workspaces.
inline const std::string kFromRecording =
    " FROM recording r CROSS JOIN workspace w ON w.workspace_no = r.workspace_no ";
RecordingRow read_recording(Statement& row);

// FROM pack p JOIN medium t ON t.medium_no = p.target_no
inline const std::string kPack =
    "p.pack_id, p.cohort, t.medium_id, p.state, p.opened_at, p.sealed_at, p.members, p.bytes, "
    "p.size, p.sha256, p.next_action_at";
inline const std::string kFromPack =
    " FROM pack p CROSS JOIN medium t ON t.medium_no = p.target_no ";
PackRow read_pack(Statement& row);

// FROM pack_copy c, pack p, medium m
inline const std::string kPackCopy =
    "p.pack_id, m.medium_id, m.tier, m.state, c.location, c.state, c.copied_at, c.verified_at, "
    "c.verify_mode";
inline const std::string kFromPackCopy =
    " FROM pack_copy c CROSS JOIN pack p ON p.pack_no = c.pack_no"
    " CROSS JOIN medium m ON m.medium_no = c.medium_no ";
PackCopyRow read_pack_copy(Statement& row);

inline const std::string kMove =
    "v.move_no, p.pack_id, f.medium_id, t.medium_id, v.state, v.attempts, v.not_before, v.error, "
    "v.created_at, v.updated_at";
inline const std::string kFromMove =
    " FROM move v CROSS JOIN pack p ON p.pack_no = v.pack_no"
    " CROSS JOIN medium f ON f.medium_no = v.from_no"
    " CROSS JOIN medium t ON t.medium_no = v.to_no ";
MoveRow read_move(Statement& row);

// The recording may be gone while its past restores are still told.
inline const std::string kRestore =
    "s.restore_id, s.recording_no, r.recording_id, w.workspace_id, r.call_sid, s.state, "
    "s.priority, s.tier, s.bytes, s.keep_ms, s.requested_at, s.started_at, s.staged_at, "
    "s.expires_at, s.attempts, s.not_before, s.error, p.pack_id, m.medium_id, s.restore_no";
inline const std::string kFromRestore =
    " FROM restore s CROSS JOIN workspace w ON w.workspace_no = s.workspace_no"
    " LEFT JOIN recording r ON r.recording_no = s.recording_no"
    " LEFT JOIN pack p ON p.pack_no = s.pack_no"
    " LEFT JOIN medium m ON m.medium_no = s.medium_no ";
RestoreRow read_restore(Statement& row);

inline const std::string kHold =
    "h.hold_id, h.recording_id, h.recording_no, m.workspace_no, h.matter_id, m.name, n.text, "
    "h.placed_by, h.placed_at, h.released_by, h.released_at";
inline const std::string kFromHold =
    " FROM hold h CROSS JOIN matter m ON m.matter_id = h.matter_id"
    " LEFT JOIN note n ON n.hash = h.note ";
HoldRow read_hold(Statement& row);

inline const std::string kMatter = "matter_id, name, workspace_no, created_at, holds";
MatterRow read_matter(Statement& row);

inline const std::string kApiKey =
    "k.key_id, w.workspace_id, k.workspace_no, k.name, k.scopes, k.created_at, k.expires_at, "
    "k.revoked_at";
inline const std::string kFromApiKey =
    " FROM api_key k CROSS JOIN workspace w ON w.workspace_no = k.workspace_no ";
ApiKeyRow read_api_key(Statement& row);

inline const std::string kMedium =
    "medium_id, tier, kind, name, state, registered_at, checked_at, place";
MediumRow read_medium(Statement& row);

// All rows of a bound statement.
template <typename Row>
Result<std::vector<Row>> read_all(Statement statement, Row (*read)(Statement&)) {
  std::vector<Row> rows;
  for (;;) {
    HOLDFAST_ASSIGN(more, statement.step());
    if (!more) return rows;
    rows.push_back(read(statement));
  }
}

// The one row of a bound statement, or nothing.
template <typename Row>
Result<std::optional<Row>> read_one(Statement statement, Row (*read)(Statement&)) {
  HOLDFAST_ASSIGN(found, statement.step());
  if (!found) return std::optional<Row>();
  return std::optional<Row>(read(statement));
}

}  // namespace holdfast::columns
