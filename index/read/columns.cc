#include "index/read/columns.h"

namespace holdfast::columns {

RecordingRow read_recording(Statement& row) {
  RecordingRow out;
  out.recording_no = row.next<RecordingNo>();
  out.recording = row.next<RecordingId>();
  out.workspace_no = row.next<WorkspaceNo>();
  out.workspace = row.next<WorkspaceId>();
  out.home = row.next<WorkspaceId>();
  out.call_sid = row.next<std::string>();
  out.service = row.next<std::optional<WorkspaceId>>();
  out.direction = row.next<std::optional<Direction>>();
  out.started_at = row.next<UnixMillis>();
  out.ended_at = row.next<UnixMillis>();
  out.received_at = row.next<UnixMillis>();
  out.arrived_at = row.next<UnixMillis>();
  out.day = CalendarDay::from_packed(row.next<int32_t>());
  out.duration = row.next<std::optional<Millis>>();
  out.state = row.next<RecordingState>();
  out.flags = row.next<int32_t>();
  out.tier = row.next<Tier>();
  out.next_action_at = row.next<std::optional<UnixMillis>>();
  out.retention_class = row.next<std::optional<std::string>>();
  out.retention_mode = row.next<RetentionMode>();
  out.retention_version = row.next<int>();
  out.retain_until = row.next<std::optional<UnixMillis>>();
  out.expires_at = row.next<std::optional<UnixMillis>>();
  out.holds = row.next<int>();
  out.parts = row.next<int>();
  out.bytes = row.next<Bytes>();
  return out;
}

PackRow read_pack(Statement& row) {
  PackRow out;
  out.pack = row.next<PackId>();
  out.cohort = row.next<std::string>();
  out.target = row.next<MediumId>();
  out.state = row.next<PackState>();
  out.opened_at = row.next<UnixMillis>();
  out.sealed_at = row.next<std::optional<UnixMillis>>();
  out.members = row.next<int64_t>();
  out.bytes = row.next<Bytes>();
  out.size = row.next<Bytes>();
  out.sha256 = row.next<Digest>();
  out.next_action_at = row.next<std::optional<UnixMillis>>();
  return out;
}

PackCopyRow read_pack_copy(Statement& row) {
  PackCopyRow out;
  out.pack = row.next<PackId>();
  out.medium = row.next<MediumId>();
  out.tier = row.next<Tier>();
  out.medium_state = row.next<MediumState>();
  out.location = row.next<std::string>();
  out.state = row.next<CopyState>();
  out.copied_at = row.next<UnixMillis>();
  out.verified_at = row.next<std::optional<UnixMillis>>();
  out.verify_mode = row.next<VerifyMode>();
  return out;
}

MoveRow read_move(Statement& row) {
  MoveRow out;
  out.move_no = row.next<int64_t>();
  out.pack = row.next<PackId>();
  out.from = row.next<MediumId>();
  out.to = row.next<MediumId>();
  out.state = row.next<MoveState>();
  out.attempts = row.next<int>();
  out.not_before = row.next<std::optional<UnixMillis>>();
  out.error = row.next<std::string>();
  out.created_at = row.next<UnixMillis>();
  out.updated_at = row.next<UnixMillis>();
  return out;
}

RestoreRow read_restore(Statement& row) {
  RestoreRow out;
  out.restore = row.next<RestoreId>();
  out.recording_no = row.next<RecordingNo>();
  out.recording = row.next<RecordingId>();
  out.workspace = row.next<WorkspaceId>();
  out.call_sid = row.next<std::string>();
  out.state = row.next<RestoreState>();
  out.priority = row.next<RestorePriority>();
  out.tier = row.next<Tier>();
  out.bytes = row.next<Bytes>();
  out.keep = row.next<Millis>();
  out.requested_at = row.next<UnixMillis>();
  out.started_at = row.next<std::optional<UnixMillis>>();
  out.staged_at = row.next<std::optional<UnixMillis>>();
  out.expires_at = row.next<std::optional<UnixMillis>>();
  out.attempts = row.next<int>();
  out.not_before = row.next<UnixMillis>();
  out.error = row.next<std::string>();
  out.pack = row.next<std::optional<PackId>>();
  out.medium = row.next<std::optional<MediumId>>();
  out.restore_no = row.next<int64_t>();
  return out;
}

HoldRow read_hold(Statement& row) {
  HoldRow out;
  out.hold = row.next<HoldId>();
  out.recording = row.next<RecordingId>();
  out.recording_no = row.next<RecordingNo>();
  out.workspace_no = row.next<WorkspaceNo>();
  out.matter = row.next<MatterId>();
  out.matter_name = row.next<std::string>();
  out.reason = row.next<std::string>();
  out.placed_by = row.next<std::string>();
  out.placed_at = row.next<UnixMillis>();
  out.released_by = row.next<std::string>();
  out.released_at = row.next<std::optional<UnixMillis>>();
  return out;
}

MatterRow read_matter(Statement& row) {
  MatterRow out;
  out.matter = row.next<MatterId>();
  out.name = row.next<std::string>();
  out.workspace_no = row.next<WorkspaceNo>();
  out.created_at = row.next<UnixMillis>();
  out.holds = row.next<int64_t>();
  return out;
}

ApiKeyRow read_api_key(Statement& row) {
  ApiKeyRow out;
  out.key = row.next<KeyId>();
  const auto workspace = row.next<WorkspaceId>();
  out.workspace_no = row.next<WorkspaceNo>();
  if (out.workspace_no.value != 0) out.workspace = workspace;
  out.name = row.next<std::string>();
  out.scopes = row.next<int32_t>();
  out.created_at = row.next<UnixMillis>();
  out.expires_at = row.next<std::optional<UnixMillis>>();
  out.revoked_at = row.next<std::optional<UnixMillis>>();
  return out;
}

MediumRow read_medium(Statement& row) {
  MediumRow out;
  out.medium = row.next<MediumId>();
  out.tier = row.next<Tier>();
  out.kind = row.next<std::string>();
  out.name = row.next<std::string>();
  out.state = row.next<MediumState>();
  out.registered_at = row.next<UnixMillis>();
  out.checked_at = row.next<std::optional<UnixMillis>>();
  out.place = row.next<std::optional<std::string>>();
  return out;
}

}  // namespace holdfast::columns
