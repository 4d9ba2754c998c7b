#include "index/read/work.h"

#include "base/limits.h"
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

RestoreWaiterRow read_waiter(Statement& row) {
  RestoreWaiterRow out;
  out.waiter_no = row.next<int64_t>();
  out.restore = row.next<RestoreId>();
  out.who = row.next<std::string>();
  out.state = row.next<RestoreState>();
  out.keep = row.next<Millis>();
  out.callback_url = row.next<std::string>();
  out.requested_at = row.next<UnixMillis>();
  return out;
}

RecallSampleRow read_sample(Statement& row) {
  RecallSampleRow out;
  out.at = row.next<UnixMillis>();
  out.bytes = row.next<Bytes>();
  out.elapsed = row.next<Millis>();
  out.attach = row.next<Millis>();
  out.recordings = row.next<int>();
  return out;
}

const std::string kSelectPack = "SELECT " + columns::kPack + columns::kFromPack;
const std::string kSelectMove = "SELECT " + columns::kMove + columns::kFromMove;
const std::string kSelectRestore = "SELECT " + columns::kRestore + columns::kFromRestore;
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
  Statement statement = index.prepare(
      "SELECT c.recording_no, r.recording_id, w.workspace_id, r.call_sid, r.day, r.state, c.part, "
      "t.bytes, r.ended_at, t.placed, c.audio_offset, c.audio_length, c.metadata_offset, "
      "c.metadata_length FROM copy c INDEXED BY copy_pack "
      "CROSS JOIN recording r ON r.recording_no = c.recording_no "
      "CROSS JOIN workspace w ON w.workspace_no = r.workspace_no "
      "CROSS JOIN part t ON t.recording_no = c.recording_no AND t.part = c.part "
      "WHERE c.pack_no = (SELECT pack_no FROM pack WHERE pack_id = ?1) "
      "AND c.medium_no = (SELECT medium_no FROM medium WHERE medium_id = ?2) "
      "AND (c.recording_no, c.part) > (?3, ?4) ORDER BY c.recording_no, c.part LIMIT ?5");
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

Result<std::vector<MoveRow>> ready_moves(Database& index, MoveState state, UnixMillis now,
                                         int limit) {
  assert(state != MoveState::kReleased);
  static const std::string sql = kSelectMove +
                                 "WHERE v.state = ?1 AND v.state <> 5 AND v.not_before <= ?2 "
                                 "ORDER BY v.not_before, v.move_no LIMIT ?3";
  Statement statement = index.prepare(sql);
  statement.bind(state, now, limit);
  return read_all(std::move(statement), columns::read_move);
}

Result<std::vector<MoveRow>> list_moves(Database& index, int limit) {
  static const std::string sql =
      "SELECT " + columns::kMove +
      " FROM move v INDEXED BY move_current CROSS JOIN pack p ON p.pack_no = v.pack_no"
      " CROSS JOIN medium f ON f.medium_no = v.from_no"
      " CROSS JOIN medium t ON t.medium_no = v.to_no"
      " WHERE v.state <> 5 ORDER BY v.move_no DESC LIMIT ?1";
  Statement statement = index.prepare(sql);
  statement.bind(limit);
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

Result<std::optional<RestoreRow>> find_restore(Database& index, const RestoreId& restore) {
  static const std::string sql = kSelectRestore + "WHERE s.restore_id = ?1";
  Statement statement = index.prepare(sql);
  statement.bind(restore);
  return read_one(std::move(statement), columns::read_restore);
}

Result<std::optional<RestoreRow>> live_restore(Database& index, RecordingNo recording_no) {
  static const std::string sql = kSelectRestore + "WHERE s.recording_no = ?1 AND s.state <= 2";
  Statement statement = index.prepare(sql);
  statement.bind(recording_no);
  return read_one(std::move(statement), columns::read_restore);
}

Result<std::vector<RestoreRow>> ready_restores(Database& index, RestoreState state, UnixMillis now,
                                               int limit) {
  assert(state <= RestoreState::kStaged);
  static const std::string sql = kSelectRestore +
                                 "WHERE s.state = ?1 AND s.state <= 2 AND s.not_before <= ?2 "
                                 "ORDER BY s.priority, s.requested_at, s.restore_no LIMIT ?3";
  Statement statement = index.prepare(sql);
  statement.bind(state, now, limit);
  return read_all(std::move(statement), columns::read_restore);
}

Result<std::vector<RestoreRow>> expired_restores(Database& index, UnixMillis now, int limit) {
  static const std::string sql =
      kSelectRestore + "WHERE s.state = 2 AND s.expires_at <= ?1 ORDER BY s.expires_at LIMIT ?2";
  Statement statement = index.prepare(sql);
  statement.bind(now, limit);
  return read_all(std::move(statement), columns::read_restore);
}

Result<std::vector<RestoreWaiterRow>> restore_waiters(Database& index, const RestoreId& restore) {
  Statement statement = index.prepare(
      "SELECT a.waiter_no, s.restore_id, a.who, a.state, a.keep_ms, a.callback_url, "
      "a.requested_at FROM restore s CROSS JOIN restore_waiter a ON a.restore_no = s.restore_no "
      "WHERE s.restore_id = ?1 ORDER BY a.waiter_no");
  statement.bind(restore);
  return read_all(std::move(statement), read_waiter);
}

Result<std::vector<RestoreRow>> list_restores(Database& index, WorkspaceNo workspace_no,
                                              std::optional<RestoreState> state, int limit) {
  static const std::string sql = kSelectRestore +
                                 "WHERE s.workspace_no = ?1 AND (?2 IS NULL OR s.state = ?2) "
                                 "ORDER BY s.requested_at DESC, s.restore_no DESC LIMIT ?3";
  Statement statement = index.prepare(sql);
  statement.bind(workspace_no.value, state, limit);
  return read_all(std::move(statement), columns::read_restore);
}

Result<QueueAhead> queue_ahead(Database& index, const RestoreRow& restore) {
  QueueAhead ahead;
  if (restore.state != RestoreState::kQueued) return ahead;
  // Everything under way on the medium, and what is queued for it and comes first.
  Statement statement = index.prepare(
      "SELECT count(*), coalesce(sum(bytes), 0) FROM restore INDEXED BY restore_queue "
      "WHERE state <= 2 AND state IN (0, 1) "
      "AND medium_no IS (SELECT medium_no FROM medium WHERE medium_id = ?1) "
      "AND (state = 1 OR (priority, requested_at, restore_no) < "
      "(?2, ?3, (SELECT restore_no FROM restore WHERE restore_id = ?4)))");
  statement.bind(restore.medium, restore.priority, restore.requested_at, restore.restore);
  HOLDFAST_ASSIGN(row, statement.step());
  if (!row) return ahead;
  ahead.recordings = statement.next<int64_t>();
  ahead.bytes = statement.next<Bytes>();
  return ahead;
}

Result<Bytes> staged_bytes(Database& index) {
  Statement statement = index.prepare("SELECT value FROM counter WHERE name = 'staged_bytes'");
  HOLDFAST_ASSIGN(row, statement.step());
  return row ? statement.next<Bytes>() : Bytes(0);
}

Result<int64_t> recalls_since(Database& index, std::string_view who, UnixMillis since) {
  Statement statement =
      index.prepare("SELECT count(*) FROM restore_waiter WHERE who = ?1 AND requested_at >= ?2");
  statement.bind(who, since);
  HOLDFAST_ASSIGN(row, statement.step());
  return row ? statement.next<int64_t>() : 0;
}

Result<std::vector<RecallSampleRow>> recall_samples(Database& index, const MediumId& medium) {
  Statement statement = index.prepare(
      "SELECT at, bytes, elapsed_ms, attach_ms, recordings FROM recall_sample "
      "WHERE medium_no = (SELECT medium_no FROM medium WHERE medium_id = ?1) "
      "ORDER BY sample_no DESC LIMIT ?2");
  statement.bind(medium, limits::kRecallSamplesKept);
  return read_all(std::move(statement), read_sample);
}

}  // namespace holdfast
