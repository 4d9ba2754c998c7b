#include "index/read/recordings.h"

#include "index/read/columns.h"
#include "index/read/packed_text.h"
#include "index/read/restores.h"

namespace holdfast {
namespace {

using columns::read_all;
using columns::read_one;

WorkspaceRow read_workspace(Statement& row) {
  WorkspaceRow out;
  out.workspace_no = row.next<WorkspaceNo>();
  out.workspace = row.next<WorkspaceId>();
  out.name = row.next<std::string>();
  out.created_at = row.next<UnixMillis>();
  if (const auto life = row.next<std::optional<int64_t>>()) out.link_life = Millis(*life);
  return out;
}

PartRow read_part(Statement& row) {
  PartRow out;
  out.part = row.next<int>();
  out.bytes = row.next<Bytes>();
  out.received_at = row.next<UnixMillis>();
  out.started_at = row.next<std::optional<UnixMillis>>();
  out.ended_at = row.next<std::optional<UnixMillis>>();
  out.placed = row.next<int>() != 0;
  out.copies = row.next<int>();
  return out;
}

FileRow read_file(Statement& row) {
  FileRow out;
  out.part = row.next<int>();
  out.name = row.next<std::string>();
  out.size = row.next<Bytes>();
  out.sha256 = row.next<Digest>();
  out.channel = row.next<Channel>();
  out.format = row.next<std::string>();
  out.sample_rate = row.next<int>();
  out.tracks = row.next<int>();
  out.duration = row.next<std::optional<Millis>>();
  return out;
}

std::optional<PackSpan> read_span(Statement& row) {
  const auto offset = row.next<std::optional<Bytes>>();
  const auto length = row.next<std::optional<Bytes>>();
  if (!offset || !length) return std::nullopt;
  return PackSpan{*offset, *length};
}

CopyRow read_copy(Statement& row) {
  CopyRow out;
  out.part = row.next<int>();
  out.medium = row.next<MediumId>();
  out.tier = row.next<Tier>();
  out.medium_state = row.next<MediumState>();
  out.state = row.next<CopyState>();
  out.original = row.next<int>() != 0;
  out.pack = row.next<std::optional<PackId>>();
  out.location = row.next<std::string>();
  out.audio = read_span(row);
  out.metadata = read_span(row);
  out.copied_at = row.next<std::optional<UnixMillis>>();
  out.verified_at = row.next<std::optional<UnixMillis>>();
  out.verify_mode = row.next<VerifyMode>();
  return out;
}

// The row with all that belongs to it.
Result<std::optional<Recording>> complete(Database& index, std::optional<RecordingRow> row) {
  if (!row) return std::optional<Recording>();
  Recording out;
  static_cast<RecordingRow&>(out) = *std::move(row);
  HOLDFAST_ASSIGN(parts, list_parts(index, out.recording_no));
  HOLDFAST_ASSIGN(files, list_files(index, out.recording_no));
  HOLDFAST_ASSIGN(copies, list_copies(index, out.recording_no));
  HOLDFAST_ASSIGN(restore, live_restore(index, out.recording_no));
  out.part_rows = std::move(parts);
  out.files = std::move(files);
  out.copies = std::move(copies);
  out.restore = std::move(restore);
  return std::optional<Recording>(std::move(out));
}

const std::string kSelectRecording = "SELECT " + columns::kRecording + columns::kFromRecording;
const std::string kSelectWorkspace =
    "SELECT workspace_no, workspace_id, name, created_at, link_life_ms FROM workspace ";

}  // namespace

Result<std::optional<WorkspaceRow>> find_workspace(Database& index, const WorkspaceId& workspace) {
  static const std::string sql = kSelectWorkspace + "WHERE workspace_id = ?1 AND workspace_no <> 0";
  Statement statement = index.prepare(sql);
  statement.bind(workspace);
  return read_one(std::move(statement), read_workspace);
}

Result<std::optional<WorkspaceRow>> find_workspace(Database& index, WorkspaceNo workspace_no) {
  static const std::string sql = kSelectWorkspace + "WHERE workspace_no = ?1 AND workspace_no <> 0";
  Statement statement = index.prepare(sql);
  statement.bind(workspace_no.value);
  return read_one(std::move(statement), read_workspace);
}

Result<std::vector<WorkspaceRow>> list_workspaces(Database& index) {
  static const std::string sql = kSelectWorkspace + "WHERE workspace_no > 0 ORDER BY workspace_no";
  return read_all(index.prepare(sql), read_workspace);
}

Result<std::optional<RecordingRow>> find_recording_row(Database& index, WorkspaceNo workspace_no,
                                                       std::string_view call_sid) {
  static const std::string sql = kSelectRecording + "WHERE r.workspace_no = ?1 AND r.call_sid = ?2";
  Statement statement = index.prepare(sql);
  statement.bind(workspace_no.value, call_sid);
  return read_one(std::move(statement), columns::read_recording);
}

Result<std::optional<RecordingRow>> find_recording_row(Database& index, RecordingNo recording_no) {
  static const std::string sql = kSelectRecording + "WHERE r.recording_no = ?1";
  Statement statement = index.prepare(sql);
  statement.bind(recording_no);
  return read_one(std::move(statement), columns::read_recording);
}

Result<std::optional<RecordingRow>> find_recording_row(Database& index,
                                                       const RecordingId& recording) {
  static const std::string sql = kSelectRecording + "WHERE r.recording_id = ?1";
  Statement statement = index.prepare(sql);
  statement.bind(recording);
  return read_one(std::move(statement), columns::read_recording);
}

Result<std::optional<Recording>> find_recording(Database& index, WorkspaceNo workspace_no,
                                                std::string_view call_sid) {
  HOLDFAST_ASSIGN(row, find_recording_row(index, workspace_no, call_sid));
  return complete(index, std::move(row));
}

Result<std::optional<Recording>> find_recording(Database& index, RecordingNo recording_no) {
  HOLDFAST_ASSIGN(row, find_recording_row(index, recording_no));
  return complete(index, std::move(row));
}

Result<std::optional<Recording>> find_recording(Database& index, const RecordingId& recording) {
  HOLDFAST_ASSIGN(row, find_recording_row(index, recording));
  return complete(index, std::move(row));
}

Result<std::vector<FileRow>> list_files(Database& index, RecordingNo recording_no) {
  Statement statement = index.prepare(
      "SELECT part, name, size, sha256, channel, format, sample_rate, tracks, duration_ms FROM "
      "file "
      "WHERE recording_no = ?1 ORDER BY part, name");
  statement.bind(recording_no);
  return read_all(std::move(statement), read_file);
}

Result<std::vector<PartRow>> list_parts(Database& index, RecordingNo recording_no) {
  Statement statement = index.prepare(
      "SELECT part, bytes, received_at, started_at, ended_at, placed, copies FROM part "
      "WHERE recording_no = ?1 ORDER BY part");
  statement.bind(recording_no);
  return read_all(std::move(statement), read_part);
}

Result<std::vector<CopyRow>> list_copies(Database& index, RecordingNo recording_no) {
  Statement statement = index.prepare(
      "SELECT c.part, m.medium_id, m.tier, m.state, c.state, c.original, p.pack_id, k.location, "
      "c.audio_offset, c.audio_length, c.metadata_offset, c.metadata_length, c.copied_at, "
      "c.verified_at, c.verify_mode "
      "FROM copy c CROSS JOIN medium m ON m.medium_no = c.medium_no "
      "LEFT JOIN pack p ON p.pack_no = c.pack_no "
      "LEFT JOIN pack_copy k ON k.pack_no = c.pack_no AND k.medium_no = c.medium_no "
      "WHERE c.recording_no = ?1 ORDER BY c.part, m.tier, c.medium_no");
  statement.bind(recording_no);
  return read_all(std::move(statement), read_copy);
}

Result<std::optional<std::string>> find_metadata(Database& index, RecordingNo recording_no) {
  Statement statement = index.prepare("SELECT bytes FROM metadata WHERE recording_no = ?1");
  statement.bind(recording_no);
  HOLDFAST_ASSIGN(found, statement.step());
  if (!found) return std::optional<std::string>();
  auto text = unpack_text(as_text(statement.blob(0)));
  if (!text.ok()) return text.error();
  return std::optional<std::string>(std::move(text).value());
}

Result<std::optional<ApiKeyRow>> find_api_key(Database& index, const KeyId& key) {
  static const std::string sql =
      "SELECT " + columns::kApiKey + columns::kFromApiKey + "WHERE k.key_id = ?1";
  Statement statement = index.prepare(sql);
  statement.bind(key);
  return read_one(std::move(statement), columns::read_api_key);
}

Result<std::vector<ApiKeyRow>> list_api_keys(Database& index, WorkspaceNo workspace_no) {
  static const std::string sql = "SELECT " + columns::kApiKey + columns::kFromApiKey +
                                 "WHERE k.workspace_no = ?1 ORDER BY k.created_at, k.key_id";
  Statement statement = index.prepare(sql);
  statement.bind(workspace_no.value);
  return read_all(std::move(statement), columns::read_api_key);
}

Result<bool> is_link_revoked(Database& index, const LinkMarks& link) {
  Statement statement = index.prepare(
      "SELECT EXISTS (SELECT 1 FROM link_revocation WHERE kind = 0 AND mark = CAST(?1 AS BLOB))"
      " OR EXISTS (SELECT 1 FROM link_revocation WHERE kind = 1 AND mark = CAST(?2 AS BLOB))"
      " OR EXISTS (SELECT 1 FROM link_revocation WHERE kind = 2 AND mark = ?3)"
      " OR EXISTS (SELECT 1 FROM api_key WHERE key_id = ?3 AND revoked_at IS NOT NULL)");
  statement.bind(link_mark(link.workspace_no, link.jti),
                 signing_key_mark(link.workspace_no, link.kid), link.key);
  HOLDFAST_ASSIGN(found, statement.step());
  return found && statement.next<int>() != 0;
}

std::string signing_key_mark(WorkspaceNo workspace_no, int64_t kid) {
  return std::to_string(workspace_no.value) + "/" + std::to_string(kid);
}

std::string link_mark(WorkspaceNo workspace_no, const LinkId& jti) {
  return std::to_string(workspace_no.value) + "/" + jti.text();
}

Result<std::vector<RecordingRow>> list_in_state(Database& index, RecordingState state,
                                                RecordingNo after, int limit) {
  assert(state != RecordingState::kLive);
  static const std::string sql = kSelectRecording +
                                 "WHERE r.state = ?1 AND r.state <> 1 AND r.recording_no > ?2 "
                                 "ORDER BY r.recording_no LIMIT ?3";
  Statement statement = index.prepare(sql);
  statement.bind(state, after, limit);
  return read_all(std::move(statement), columns::read_recording);
}

Result<std::vector<UnplacedPart>> list_unplaced(Database& index, int limit) {
  static const std::string sql = "SELECT " + columns::kRecording +
                                 ", u.part FROM part u INDEXED BY part_unplaced"
                                 " CROSS JOIN recording r ON r.recording_no = u.recording_no"
                                 " CROSS JOIN workspace w ON w.workspace_no = r.workspace_no"
                                 " WHERE u.placed = 0 ORDER BY u.recording_no, u.part LIMIT ?1";
  Statement statement = index.prepare(sql);
  statement.bind(limit);
  return read_all<UnplacedPart>(std::move(statement), [](Statement& row) {
    UnplacedPart out;
    out.recording = columns::read_recording(row);
    out.part = row.next<int>();
    return out;
  });
}

}  // namespace holdfast
