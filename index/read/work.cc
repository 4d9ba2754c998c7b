#include "index/read/work.h"

#include "index/read/columns.h"

namespace holdfast {
namespace {

using columns::read_all;
using columns::read_one;

PlainCopy read_plain_copy(Statement& row) {
  PlainCopy out;
  out.recording_no = row.next<RecordingNo>();
  out.recording = row.next<RecordingId>();
  out.part = row.next<int>();
  out.medium = row.next<MediumId>();
  out.state = row.next<CopyState>();
  return out;
}

std::optional<PackSpan> read_span(Statement& row) {
  const auto offset = row.next<std::optional<Bytes>>();
  const auto length = row.next<std::optional<Bytes>>();
  if (!offset || !length) return std::nullopt;
  return PackSpan{*offset, *length};
}

PackMemberRow read_member(Statement& row) {
  PackMemberRow out;
  out.recording_no = row.next<RecordingNo>();
  out.recording = row.next<RecordingId>();
  out.workspace = row.next<WorkspaceId>();
  out.home = row.next<WorkspaceId>();
  out.call_sid = row.next<std::string>();
  out.day = CalendarDay::from_packed(row.next<int32_t>());
  out.state = row.next<RecordingState>();
  out.part = row.next<int>();
  out.bytes = row.next<Bytes>();
  out.ended_at = row.next<UnixMillis>();
  out.placed = row.next<int>() != 0;
  out.audio = read_span(row);
  out.metadata = read_span(row);
  return out;
}

const std::string kSelectPack = "SELECT " + columns::kPack + columns::kFromPack;
const std::string kSelectMove = "SELECT " + columns::kMove + columns::kFromMove;
const std::string kSelectPackCopy = "SELECT " + columns::kPackCopy + columns::kFromPackCopy;

}  // namespace

Result<std::vector<RecordingRow>> due_recordings(Database& index, Tier tier, UnixMillis now,
                                                 int limit) {
  return planned_recordings(index, tier, UnixMillis(0), now + Millis(1), limit);
}

Result<std::vector<RecordingRow>> planned_recordings(Database& index, Tier tier, UnixMillis from,
                                                     UnixMillis to, int limit) {
  static const std::string sql =
      "SELECT " + columns::kRecording +
      " FROM recording r INDEXED BY recording_due"
      " CROSS JOIN workspace w ON w.workspace_no = r.workspace_no"
      " WHERE r.tier = ?1 AND r.next_action_at >= ?2 AND r.next_action_at < ?3"
      " ORDER BY r.next_action_at LIMIT ?4";
  Statement statement = index.prepare(sql);
  statement.bind(tier, from, to, limit);
  return read_all(std::move(statement), columns::read_recording);
}

Result<std::optional<PackRow>> find_pack(Database& index, const PackId& pack) {
  static const std::string sql = kSelectPack + "WHERE p.pack_id = ?1";
  Statement statement = index.prepare(sql);
  statement.bind(pack);
  return read_one(std::move(statement), columns::read_pack);
}

Result<std::vector<PackRow>> open_packs(Database& index) {
  static const std::string sql = kSelectPack + "WHERE p.state = 0 ORDER BY p.opened_at, p.pack_no";
  return read_all(index.prepare(sql), columns::read_pack);
}

Result<std::vector<PackRow>> due_packs(Database& index, UnixMillis now, int limit) {
  return planned_packs(index, UnixMillis(0), now + Millis(1), limit);
}

Result<std::vector<PackRow>> planned_packs(Database& index, UnixMillis from, UnixMillis to,
                                           int limit) {
  static const std::string sql =
      "SELECT " + columns::kPack +
      " FROM pack p INDEXED BY pack_due CROSS JOIN medium t ON t.medium_no = p.target_no"
      " WHERE p.state = 1 AND p.next_action_at >= ?1 AND p.next_action_at < ?2"
      " ORDER BY p.next_action_at LIMIT ?3";
  Statement statement = index.prepare(sql);
  statement.bind(from, to, limit);
  return read_all(std::move(statement), columns::read_pack);
}

Result<std::vector<PackMemberRow>> pack_members(Database& index, const PackId& pack,
                                                const MediumId& medium, MemberKey after,
                                                int limit) {
  static const std::string sql =
      "SELECT c.recording_no, r.recording_id, w.workspace_id, " + columns::kHome +
      ", r.call_sid, r.day, r.state, c.part, "
      "t.bytes, r.ended_at, t.placed, c.audio_offset, c.audio_length, c.metadata_offset, "
      "c.metadata_length FROM copy c INDEXED BY copy_pack "
      "CROSS JOIN recording r ON r.recording_no = c.recording_no "
      "CROSS JOIN workspace w ON w.workspace_no = r.workspace_no "
      "CROSS JOIN part t ON t.recording_no = c.recording_no AND t.part = c.part "
      "WHERE c.pack_no = (SELECT pack_no FROM pack WHERE pack_id = ?1) "
      "AND c.medium_no = (SELECT medium_no FROM medium WHERE medium_id = ?2) "
      "AND (c.recording_no, c.part) > (?3, ?4) ORDER BY c.recording_no, c.part LIMIT ?5";
  Statement statement = index.prepare(sql);
  statement.bind(pack, medium, after.recording_no, after.part, limit);
  return read_all(std::move(statement), read_member);
}

Result<std::vector<PackCopyRow>> pack_copies(Database& index, const PackId& pack) {
  static const std::string sql =
      kSelectPackCopy +
      "WHERE c.pack_no = (SELECT pack_no FROM pack WHERE pack_id = ?1) ORDER BY c.medium_no";
  Statement statement = index.prepare(sql);
  statement.bind(pack);
  return read_all(std::move(statement), columns::read_pack_copy);
}

Result<std::vector<PackCopyRow>> packs_to_scrub(Database& index, const MediumId& medium,
                                                UnixMillis before, int limit) {
  static const std::string sql =
      kSelectPackCopy +
      "WHERE c.medium_no = (SELECT medium_no FROM medium WHERE medium_id = ?1) AND c.state = 2 "
      "AND c.verified_at < ?2 ORDER BY c.verified_at LIMIT ?3";
  Statement statement = index.prepare(sql);
  statement.bind(medium, before, limit);
  return read_all(std::move(statement), columns::read_pack_copy);
}

Result<std::vector<PackCopyRow>> pack_copies_in_state(Database& index, CopyState state, int limit) {
  assert(state == CopyState::kReleasing);
  static const std::string sql =
      kSelectPackCopy + "WHERE c.state = ?1 AND c.state = 3 ORDER BY c.pack_no LIMIT ?2";
  Statement statement = index.prepare(sql);
  statement.bind(state, limit);
  return read_all(std::move(statement), columns::read_pack_copy);
}

Result<std::vector<PlainCopy>> plain_copies_in_state(Database& index, CopyState state, int limit) {
  assert(state == CopyState::kReleasing);
  Statement statement = index.prepare(
      "SELECT c.recording_no, r.recording_id, c.part, m.medium_id, c.state "
      "FROM copy c INDEXED BY copy_releasing "
      "CROSS JOIN recording r ON r.recording_no = c.recording_no "
      "CROSS JOIN medium m ON m.medium_no = c.medium_no "
      "WHERE c.state = ?1 AND c.state = 3 AND c.pack_no IS NULL "
      "ORDER BY c.recording_no, c.part LIMIT ?2");
  statement.bind(state, limit);
  return read_all(std::move(statement), read_plain_copy);
}

Result<std::optional<MoveRow>> find_move(Database& index, int64_t move_no) {
  static const std::string sql = kSelectMove + "WHERE v.move_no = ?1";
  Statement statement = index.prepare(sql);
  statement.bind(move_no);
  return read_one(std::move(statement), columns::read_move);
}

Result<std::vector<MoveRow>> ready_moves(Database& index, MoveState state, Tier from,
                                         UnixMillis now, int limit) {
  assert(state != MoveState::kReleased);
  static const std::string sql = kSelectMove +
                                 "WHERE v.state = ?1 AND v.state <> 5 AND v.not_before <= ?2 "
                                 "AND f.tier = ?4 ORDER BY v.not_before, v.move_no LIMIT ?3";
  Statement statement = index.prepare(sql);
  statement.bind(state, now, limit, from);
  return read_all(std::move(statement), columns::read_move);
}

Result<std::vector<MoveRow>> list_moves(Database& index, std::optional<MoveState> state,
                                        std::optional<int64_t> after, int limit, bool failed) {
  static const std::string sql =
      "SELECT " + columns::kMove +
      " FROM move v INDEXED BY move_current CROSS JOIN pack p ON p.pack_no = v.pack_no"
      " CROSS JOIN medium f ON f.medium_no = v.from_no"
      " CROSS JOIN medium t ON t.medium_no = v.to_no"
      " WHERE v.state <> 5 AND v.move_no < ?1 AND (?2 IS NULL OR v.state = ?2)"
      " AND (?4 = 0 OR v.attempts > 0)"
      " ORDER BY v.move_no DESC LIMIT ?3";
  Statement statement = index.prepare(sql);
  statement.bind(after.value_or(INT64_MAX), state, limit, failed ? 1 : 0);
  return read_all(std::move(statement), columns::read_move);
}

Result<std::vector<MoveRow>> moves_of_pack(Database& index, const PackId& pack) {
  static const std::string sql =
      kSelectMove +
      "WHERE v.pack_no = (SELECT pack_no FROM pack WHERE pack_id = ?1) ORDER BY v.move_no";
  Statement statement = index.prepare(sql);
  statement.bind(pack);
  return read_all(std::move(statement), columns::read_move);
}

}  // namespace holdfast
