// Decisions about bad copies that were made good, and packs that were written anew.
#include "index/decisions_apply.h"
#include "index/details.h"
#include "index/read/recordings.h"
#include "index/read/work.h"
#include "index/rows.h"

namespace holdfast::apply {

using rows::run;

// on: the recording's id. details: medium, mode, part. The copy keeps the time of its making: what
// is newer than it stays so.
Status copy_repaired(WriteTxn& txn, const Decision& line, DecisionSource&) {
  HOLDFAST_ASSIGN(recording, RecordingId::from_text(line.on));
  HOLDFAST_ASSIGN(medium, details::need_id<MediumId>(line.details, "medium"));
  HOLDFAST_ASSIGN(mode, details::need_word(line.details, "mode", VerifyMode::kDropped));
  HOLDFAST_ASSIGN(part, need_integer(line.details, "part"));
  Database& index = txn.index();
  HOLDFAST_ASSIGN(medium_no, rows::need_medium_no(index, medium));
  HOLDFAST_ASSIGN(row, find_recording_row(index, recording));
  if (!row) return Status();
  HOLDFAST_TRY(run(index,
                   "UPDATE copy SET state = 2, verified_at = ?4, verify_mode = ?5 "
                   "WHERE recording_no = ?1 AND part = ?2 AND medium_no = ?3 AND state = 5 "
                   "AND copied_at IS NOT NULL",
                   row->recording_no, part, medium_no, txn.now(), mode));
  HOLDFAST_TRY(run(index,
                   "UPDATE quarantine SET resolved_at = ?4 WHERE resolved_at IS NULL "
                   "AND recording_no = ?1 AND part = ?2 AND medium_no = ?3",
                   row->recording_no, part, medium_no, txn.now()));
  HOLDFAST_TRY(run(index,
                   "UPDATE recording SET next_action_at = ?2 WHERE recording_no = ?1 AND state = 1",
                   row->recording_no, txn.now()));
  return rows::refresh_tier(index, row->recording_no);
}

// on: the pack's id. details: location, medium, mode
Status pack_repaired(WriteTxn& txn, const Decision& line, DecisionSource&) {
  HOLDFAST_ASSIGN(pack, PackId::from_text(line.on));
  HOLDFAST_ASSIGN(medium, details::need_id<MediumId>(line.details, "medium"));
  HOLDFAST_ASSIGN(mode, details::need_word(line.details, "mode", VerifyMode::kDropped));
  HOLDFAST_ASSIGN(location, need_string(line.details, "location"));
  Database& index = txn.index();
  HOLDFAST_ASSIGN(medium_no, rows::need_medium_no(index, medium));
  HOLDFAST_ASSIGN(pack_no, known_pack(txn, pack));
  if (!pack_no) return Status();
  HOLDFAST_TRY(run(index,
                   "UPDATE pack_copy SET state = 2, location = ?3, verified_at = ?4, "
                   "verify_mode = ?5 WHERE pack_no = ?1 AND medium_no = ?2 AND state IN (1, 2, 5)",
                   *pack_no, medium_no, location, txn.now(), mode));
  // A part that was taken to be bad by itself came with the pack, and is right with it.
  HOLDFAST_TRY(run(index,
                   "UPDATE quarantine SET resolved_at = ?3 WHERE resolved_at IS NULL "
                   "AND medium_no = ?2 AND (pack_no = ?1 OR (pack_no IS NULL AND EXISTS "
                   "(SELECT 1 FROM copy c WHERE c.recording_no = quarantine.recording_no "
                   "AND c.part = quarantine.part AND c.medium_no = ?2 AND c.pack_no = ?1)))",
                   *pack_no, medium_no, txn.now()));
  HOLDFAST_TRY(run(index,
                   "UPDATE copy SET state = 2, verified_at = ?3, verify_mode = ?4 "
                   "WHERE pack_no = ?1 AND medium_no = ?2 AND state IN (1, 2, 5) "
                   "AND copied_at IS NOT NULL",
                   *pack_no, medium_no, txn.now(), mode));
  HOLDFAST_TRY(run(index, "UPDATE pack SET next_action_at = ?2 WHERE pack_no = ?1 AND state = 1",
                   *pack_no, txn.now()));
  return rows::refresh_member_tiers(index, *pack_no);
}

namespace {

// The new pack's row, like the old one's. Policy looks at it once it is where the old one was
// (finish_rewrite).
Status insert_rewritten(WriteTxn& txn, const PackId& pack, const PackId& from,
                        const SealedPack& sealed, int64_t medium_no) {
  return run(txn.index(),
             "INSERT INTO pack (pack_id, cohort, target_no, state, opened_at, sealed_at, size, "
             "sha256, next_action_at, mirrored) "
             "SELECT ?1, coalesce(o.cohort, ''), ?3, 1, ?4, ?4, ?5, ?6, "
             "?7, coalesce(o.mirrored, 0) "
             "FROM (SELECT 1) LEFT JOIN pack o ON o.pack_id = ?2 "
             "WHERE true ON CONFLICT (pack_id) DO NOTHING",
             pack, from, medium_no, txn.now(), sealed.size, sealed.sha256,
             txn.replaying() ? std::optional<UnixMillis>(txn.now()) : std::nullopt);
}

// Somebody who lives stays in the old pack: of a bad one only what was whole has left it.
Status count_who_stays(Database& index, const PackOn& old) {
  Statement statement = index.prepare(
      "SELECT 1 FROM copy c INDEXED BY copy_pack "
      "CROSS JOIN recording r ON r.recording_no = c.recording_no "
      "WHERE c.pack_no = ?1 AND c.medium_no = ?2 AND r.state <> 3 LIMIT 1");
  statement.bind(old.pack_no, old.medium_no);
  HOLDFAST_ASSIGN(stays, statement.step());
  return stays ? rows::refresh_pack_totals(index, old.pack_no, old.medium_no) : Status();
}

Status take_member(WriteTxn& txn, const PackOn& place, int64_t from_no, const SealedMember& member,
                   DecisionSource& source) {
  Database& index = txn.index();
  HOLDFAST_TRY(run(
      index,
      "UPDATE copy SET pack_no = ?4, audio_offset = ?5, audio_length = ?6, "
      "metadata_offset = ?7, metadata_length = ?8, copied_at = copied_at + 1 WHERE recording_no = "
      "(SELECT recording_no FROM recording WHERE recording_id = ?1) "
      "AND part = ?2 AND medium_no = ?3 AND pack_no = ?9",
      member.recording, member.part, place.medium_no, place.pack_no, member.audio.offset,
      member.audio.length, member.metadata.offset, member.metadata.length, from_no));
  if (index.changes() > 0 || !txn.replaying()) return Status();
  return seal_member(txn, place, member, source);
}

}  // namespace

// on: the new pack's id. details: from (the old one), location, medium, members (how many), mode,
// sha256, size. The members' copies on the medium are in the new pack from now on. Their time is
// the old ones' and a millisecond: another copy, and on every medium in the same order.
Status pack_rewritten(WriteTxn& txn, const Decision& line, DecisionSource& source) {
  HOLDFAST_ASSIGN(pack, PackId::from_text(line.on));
  HOLDFAST_ASSIGN(from, details::need_id<PackId>(line.details, "from"));
  HOLDFAST_ASSIGN(medium, details::need_id<MediumId>(line.details, "medium"));
  HOLDFAST_ASSIGN(mode, details::need_word(line.details, "mode", VerifyMode::kDropped));
  HOLDFAST_ASSIGN(location, need_string(line.details, "location"));
  HOLDFAST_ASSIGN(sha256, details::need_digest(line.details, "sha256"));
  HOLDFAST_ASSIGN(size, need_integer(line.details, "size"));
  Database& index = txn.index();
  HOLDFAST_ASSIGN(medium_no, rows::need_medium_no(index, medium));
  HOLDFAST_ASSIGN(sealed, source.find_pack(pack, medium));
  if (!sealed || sealed->size != Bytes(size)) return Status();
  sealed->sha256 = sha256;
  HOLDFAST_TRY(insert_rewritten(txn, pack, from, *sealed, medium_no));
  HOLDFAST_ASSIGN(pack_no, rows::need_pack_no(index, pack));
  HOLDFAST_ASSIGN(old, find_pack(index, from));
  int64_t from_no = -1;
  if (old) {
    HOLDFAST_ASSIGN(number, rows::need_pack_no(index, from));
    from_no = number;
  }
  HOLDFAST_TRY(run(index,
                   "INSERT INTO pack_copy (pack_no, medium_no, location, state, copied_at, "
                   "verified_at, verify_mode) SELECT ?1, ?2, ?3, 2, coalesce((SELECT copied_at + 1 "
                   "FROM pack_copy WHERE pack_no = ?6 AND medium_no = ?2), ?4), ?4, ?5 WHERE true "
                   "ON CONFLICT (pack_no, medium_no) DO NOTHING",
                   pack_no, medium_no, location, txn.now(), mode, from_no));
  for (const SealedMember& member : sealed->members)
    HOLDFAST_TRY(take_member(txn, PackOn{pack_no, medium_no}, from_no, member, source));
  HOLDFAST_TRY(run(index,
                   "UPDATE copy SET state = 2, verified_at = ?3, verify_mode = ?4, "
                   "copied_at = coalesce(copied_at, ?3) "
                   "WHERE pack_no = ?1 AND medium_no = ?2 AND state IN (1, 2, 5)",
                   pack_no, medium_no, txn.now(), mode));
  // What the old pack's moves still have to release is the new one's to release.
  HOLDFAST_TRY(run(index, "UPDATE move SET pack_no = ?2 WHERE pack_no = ?1 AND state = 4", from_no,
                   pack_no));
  HOLDFAST_TRY(run(index, "UPDATE pack SET next_action_at = NULL WHERE pack_no = ?1", from_no));
  HOLDFAST_TRY(count_who_stays(index, PackOn{from_no, medium_no}));
  HOLDFAST_TRY(rows::refresh_pack_totals(index, pack_no, medium_no));
  HOLDFAST_ASSIGN(at, rows::erasure_time(txn));
  HOLDFAST_TRY(rows::refresh_pack_dead(index, pack_no, at));
  return rows::refresh_member_tiers(index, pack_no);
}

}  // namespace holdfast::apply
