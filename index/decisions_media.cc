// Decisions about media, packs and copies. What a medium has lost or given up is
// a fact: replay takes it even where the index cannot account for it, and locks
// the recording (unlocated) instead of forgetting it.
#include "index/decisions_apply.h"
#include "index/details.h"
#include "index/read/recordings.h"
#include "index/read/work.h"
#include "index/rows.h"

namespace holdfast::apply {
namespace {

using rows::run;

struct PartOf {
  RecordingNo number;
  RecordingId recording;
  int part = 1;
};

// Original or verified or merely copied: what counts until it is released.
Status release_one(WriteTxn& txn, DecisionSource& source, const PartOf& released,
                   int64_t medium_no) {
  Database& index = txn.index();
  const RecordingNo recording = released.number;
  const int part = released.part;
  const std::string_view release =
      "UPDATE copy SET state = 3 WHERE recording_no = ?1 AND part = ?2 AND medium_no = ?3 "
      "AND state <> 3";
  const Status done = run(index, release, recording, part, medium_no);
  if (done.ok() || !txn.replaying() || done.error().code != Code::kLocked) return done;
  HOLDFAST_TRY(run(index,
                   "UPDATE copy SET state = 5 WHERE recording_no = ?1 AND part = ?2 "
                   "AND medium_no = ?3",
                   recording, part, medium_no));
  // The pack that it was in at that time is gone; a later one has it.
  HOLDFAST_ASSIGN(shown, source.shows(released.recording, part));
  if (shown) return run(index, release, recording, part, medium_no);
  txn.count_unlocated();
  return run(index, "UPDATE recording SET state = 4 WHERE recording_no = ?1 AND state IN (0, 1)",
             recording);
}

// The part's row, made when only the pack knows of it.
Status ensure_part(WriteTxn& txn, RecordingNo recording, int part) {
  HOLDFAST_TRY(run(txn.index(),
                   "INSERT INTO part (recording_no, part, bytes, received_at, placed) "
                   "VALUES (?1, ?2, 0, ?3, 1) ON CONFLICT (recording_no, part) DO NOTHING",
                   recording, part, txn.now()));
  return run(txn.index(), "UPDATE recording SET parts = max(parts, ?2) WHERE recording_no = ?1",
             recording, part);
}

// A scan, and only for what no row speaks of.
Result<bool> is_destroyed(Database& index, const RecordingId& recording) {
  Statement statement = index.prepare("SELECT 1 FROM tombstone WHERE recording_id = ?1 LIMIT 1");
  statement.bind(recording);
  return statement.step();
}

}  // namespace

// A copy that was verified in one pack is not pointed to another that was never re-read (P2).
Status seal_member(WriteTxn& txn, const PackOn& place, const SealedMember& member,
                   DecisionSource& source) {
  HOLDFAST_ASSIGN(known, find_recording_row(txn.index(), member.recording));
  if (!known) {
    // A pack that was adopted after one of its members was destroyed.
    HOLDFAST_ASSIGN(gone, is_destroyed(txn.index(), member.recording));
    if (gone) return Status();
  }
  HOLDFAST_ASSIGN(number,
                  rows::known_or_unlocated(txn, member.recording, RecordingNo(0), WorkspaceNo(0)));
  HOLDFAST_TRY(ensure_part(txn, number, member.part));
  if (txn.replaying()) HOLDFAST_TRY(locate_part(txn, number, member.part, source));
  return run(txn.index(),
             "INSERT INTO copy (recording_no, part, medium_no, pack_no, audio_offset, "
             "audio_length, metadata_offset, metadata_length, state, copied_at) "
             "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 1, ?9) "
             "ON CONFLICT (recording_no, part, medium_no) DO UPDATE SET "
             "pack_no = excluded.pack_no, audio_offset = excluded.audio_offset, "
             "audio_length = excluded.audio_length, metadata_offset = excluded.metadata_offset, "
             "metadata_length = excluded.metadata_length, state = 1, "
             "copied_at = excluded.copied_at "
             "WHERE copy.state <> 2 OR copy.pack_no = excluded.pack_no",
             number, member.part, place.medium_no, place.pack_no, member.audio.offset,
             member.audio.length, member.metadata.offset, member.metadata.length, txn.now());
}

namespace {

Status place_pack_copy(WriteTxn& txn, int64_t pack_no, int64_t medium_no,
                       const std::string& location) {
  return run(txn.index(),
             "INSERT INTO pack_copy (pack_no, medium_no, location, state, copied_at) "
             "VALUES (?1, ?2, ?3, 1, ?4) ON CONFLICT (pack_no, medium_no) DO UPDATE SET "
             "location = excluded.location, state = 1, copied_at = excluded.copied_at, "
             "verified_at = NULL, verify_mode = 0",
             pack_no, medium_no, location, txn.now());
}

}  // namespace

Result<std::optional<int64_t>> known_pack(WriteTxn& txn, const PackId& pack) {
  HOLDFAST_ASSIGN(row, find_pack(txn.index(), pack));
  if (txn.replaying() && (!row || row->state == PackState::kOpen)) return std::optional<int64_t>();
  HOLDFAST_ASSIGN(number, rows::need_pack_no(txn.index(), pack));
  return std::optional<int64_t>(number);
}

// on: the medium's id. details: kind, name (a note), tier
Status medium_registered(WriteTxn& txn, const Decision& line, DecisionSource&) {
  HOLDFAST_ASSIGN(medium, MediumId::from_text(line.on));
  HOLDFAST_ASSIGN(tier, details::need_word(line.details, "tier", Tier::kCold));
  HOLDFAST_ASSIGN(kind, need_string(line.details, "kind"));
  HOLDFAST_ASSIGN(note, details::note_of(line.details, "name"));
  HOLDFAST_ASSIGN(name, txn.read_note(note));
  return run(
      txn.index(),
      "INSERT INTO medium (medium_id, tier, kind, name, state, registered_at, checked_at) "
      "VALUES (?1, ?2, ?3, ?4, 0, ?5, ?5) "
      "ON CONFLICT (medium_id) DO UPDATE SET name = excluded.name, "
      // A stand-in whose registration was lost (rows::known_medium) has no kind.
      "tier = iif(kind = '', excluded.tier, tier), kind = iif(kind = '', excluded.kind, kind)",
      medium, tier, kind, name.value_or(""), txn.now());
}

// on: the medium's id. details: place (a note). One medium to a path, one path to a medium.
Status medium_placed(WriteTxn& txn, const Decision& line, DecisionSource&) {
  HOLDFAST_ASSIGN(medium, MediumId::from_text(line.on));
  HOLDFAST_ASSIGN(note, details::note_of(line.details, "place"));
  HOLDFAST_ASSIGN(place, txn.read_note(note));
  // Without its note the line no longer says where: the label decides again at the next start.
  if (place)
    HOLDFAST_TRY(run(txn.index(), "UPDATE medium SET place = NULL WHERE place = ?1", *place));
  return run(txn.index(), "UPDATE medium SET place = ?2 WHERE medium_id = ?1", medium, place);
}

// on: the medium's id. details: state
Status medium_state(WriteTxn& txn, const Decision& line, DecisionSource&) {
  HOLDFAST_ASSIGN(medium, MediumId::from_text(line.on));
  HOLDFAST_ASSIGN(state, details::need_word(line.details, "state", MediumState::kRetired));
  return run(txn.index(), "UPDATE medium SET state = ?2 WHERE medium_id = ?1", medium, state);
}

// on: the pack's id. details: location, medium, members (how many), sha256, size
Status pack_sealed(WriteTxn& txn, const Decision& line, DecisionSource& source) {
  HOLDFAST_ASSIGN(pack, PackId::from_text(line.on));
  HOLDFAST_ASSIGN(medium, details::need_id<MediumId>(line.details, "medium"));
  HOLDFAST_ASSIGN(medium_no, rows::known_medium(txn, medium, Tier::kWarm));
  HOLDFAST_ASSIGN(sealed, source.find_pack(pack, medium));
  HOLDFAST_ASSIGN(location, need_string(line.details, "location"));
  HOLDFAST_ASSIGN(sha256, details::need_digest(line.details, "sha256"));
  HOLDFAST_ASSIGN(size, need_integer(line.details, "size"));
  // Without its contents the pack stays as it was; an open one will be written again.
  if (!sealed || sealed->size != Bytes(size)) return Status();
  HOLDFAST_TRY(run(txn.index(),
                   "INSERT INTO pack (pack_id, cohort, target_no, state, opened_at) "
                   "VALUES (?1, '', ?2, 0, ?3) ON CONFLICT (pack_id) DO NOTHING",
                   pack, medium_no, txn.now()));
  HOLDFAST_ASSIGN(pack_no, rows::need_pack_no(txn.index(), pack));
  // Sealed twice: when the first line was replayed, its commit having failed, the contents were not
  // at hand, so the pack stayed open and was written anew. The last line is of what lies there.
  HOLDFAST_TRY(run(txn.index(),
                   "UPDATE pack SET state = 0 WHERE pack_no = ?1 AND state <> 0 AND "
                   "(size <> ?2 OR sha256 <> ?3)",
                   pack_no, size, sha256));
  HOLDFAST_TRY(run(txn.index(),
                   "UPDATE pack SET state = 1, sealed_at = ?2, size = ?3, sha256 = ?4, "
                   "next_action_at = ?5 WHERE pack_no = ?1",
                   pack_no, txn.now(), size, sha256, sealed->next_action_at));
  HOLDFAST_TRY(place_pack_copy(txn, pack_no, medium_no, location));
  for (const SealedMember& member : sealed->members)
    HOLDFAST_TRY(seal_member(txn, PackOn{pack_no, medium_no}, member, source));
  // Only an older index has planned what was then not written (dropping members has no line).
  HOLDFAST_TRY(run(txn.index(),
                   "DELETE FROM copy WHERE pack_no = ?1 AND medium_no = ?2 AND state = 0", pack_no,
                   medium_no));
  HOLDFAST_TRY(rows::refresh_pack_totals(txn.index(), pack_no, medium_no));
  HOLDFAST_ASSIGN(at, rows::erasure_time(txn));
  return rows::refresh_pack_dead(txn.index(), pack_no, at);
}

// on: the pack's id. details: location, medium
Status pack_copied(WriteTxn& txn, const Decision& line, DecisionSource&) {
  HOLDFAST_ASSIGN(pack, PackId::from_text(line.on));
  HOLDFAST_ASSIGN(medium, details::need_id<MediumId>(line.details, "medium"));
  HOLDFAST_ASSIGN(location, need_string(line.details, "location"));
  HOLDFAST_ASSIGN(medium_no, rows::known_medium(txn, medium, Tier::kCold));
  HOLDFAST_ASSIGN(pack_no, known_pack(txn, pack));
  if (!pack_no) return Status();
  HOLDFAST_TRY(place_pack_copy(txn, *pack_no, medium_no, location));
  // The same bytes: every member lies where it lies on the media that have the pack already.
  return run(txn.index(),
             "INSERT INTO copy (recording_no, part, medium_no, pack_no, audio_offset, "
             "audio_length, metadata_offset, metadata_length, state, copied_at) "
             "SELECT recording_no, part, ?2, pack_no, audio_offset, audio_length, "
             "metadata_offset, metadata_length, 1, ?3 FROM copy WHERE pack_no = ?1 "
             "AND medium_no = (SELECT min(medium_no) FROM pack_copy "
             "WHERE pack_no = ?1 AND medium_no <> ?2) "
             "ON CONFLICT (recording_no, part, medium_no) DO UPDATE SET "
             "pack_no = excluded.pack_no, audio_offset = excluded.audio_offset, "
             "audio_length = excluded.audio_length, metadata_offset = excluded.metadata_offset, "
             "metadata_length = excluded.metadata_length, state = 1, "
             "copied_at = excluded.copied_at "
             "WHERE copy.state <> 2 OR copy.pack_no = excluded.pack_no",
             *pack_no, medium_no, txn.now());
}

// on: the pack's id. details: medium, mode
Status pack_verified(WriteTxn& txn, const Decision& line, DecisionSource&) {
  HOLDFAST_ASSIGN(pack, PackId::from_text(line.on));
  HOLDFAST_ASSIGN(medium, details::need_id<MediumId>(line.details, "medium"));
  HOLDFAST_ASSIGN(mode, details::need_word(line.details, "mode", VerifyMode::kDropped));
  HOLDFAST_ASSIGN(medium_no, rows::known_medium(txn, medium, Tier::kCold));
  HOLDFAST_ASSIGN(pack_no, known_pack(txn, pack));
  if (!pack_no) return Status();
  HOLDFAST_TRY(run(txn.index(),
                   "UPDATE pack_copy SET state = 2, verified_at = ?3, verify_mode = ?4 "
                   "WHERE pack_no = ?1 AND medium_no = ?2 AND state IN (1, 2)",
                   *pack_no, medium_no, txn.now(), mode));
  HOLDFAST_TRY(run(txn.index(),
                   "UPDATE copy SET state = 2, verified_at = ?3, verify_mode = ?4 "
                   "WHERE pack_no = ?1 AND medium_no = ?2 AND state IN (1, 2)",
                   *pack_no, medium_no, txn.now(), mode));
  // What was written there anew is not the copy that was bad.
  return run(txn.index(),
             "UPDATE quarantine SET resolved_at = ?3 WHERE resolved_at IS NULL AND pack_no = ?1 "
             "AND medium_no = ?2 AND EXISTS (SELECT 1 FROM pack_copy c WHERE c.pack_no = ?1 "
             "AND c.medium_no = ?2 AND c.state = 2)",
             *pack_no, medium_no, txn.now());
}

// on: the pack's id. details: medium
Status pack_released(WriteTxn& txn, const Decision& line, DecisionSource& source) {
  HOLDFAST_ASSIGN(pack, PackId::from_text(line.on));
  HOLDFAST_ASSIGN(medium, details::need_id<MediumId>(line.details, "medium"));
  HOLDFAST_ASSIGN(medium_no, rows::known_medium(txn, medium, Tier::kCold));
  HOLDFAST_ASSIGN(pack_no, known_pack(txn, pack));
  if (!pack_no) return Status();
  MemberKey after;
  for (;;) {
    HOLDFAST_ASSIGN(members, pack_members(txn.index(), pack, medium, after, 1000));
    if (members.empty()) break;
    for (const PackMemberRow& member : members)
      HOLDFAST_TRY(release_one(
          txn, source, PartOf{member.recording_no, member.recording, member.part}, medium_no));
    after = {members.back().recording_no, members.back().part};
  }
  HOLDFAST_TRY(run(txn.index(),
                   "UPDATE pack_copy SET state = 3 WHERE pack_no = ?1 AND medium_no = ?2", *pack_no,
                   medium_no));
  return rows::refresh_member_tiers(txn.index(), *pack_no);
}

// on: the recording's id. details: medium, part
Status copy_released(WriteTxn& txn, const Decision& line, DecisionSource& source) {
  HOLDFAST_ASSIGN(recording, RecordingId::from_text(line.on));
  HOLDFAST_ASSIGN(medium, details::need_id<MediumId>(line.details, "medium"));
  HOLDFAST_ASSIGN(part, need_integer(line.details, "part"));
  HOLDFAST_ASSIGN(medium_no, rows::known_medium(txn, medium, Tier::kCold));
  HOLDFAST_ASSIGN(row, find_recording_row(txn.index(), recording));
  if (!row) return Status();
  const PartOf released{row->recording_no, recording, static_cast<int>(part)};
  HOLDFAST_TRY(release_one(txn, source, released, medium_no));
  return rows::refresh_tier(txn.index(), row->recording_no);
}

// on: a recording's id, with details medium, note, part; or a pack's, without part
Status copy_quarantined(WriteTxn& txn, const Decision& line, DecisionSource&) {
  HOLDFAST_ASSIGN(medium, details::need_id<MediumId>(line.details, "medium"));
  HOLDFAST_ASSIGN(part, find_integer(line.details, "part"));
  HOLDFAST_ASSIGN(note, details::note_of(line.details, "note"));
  HOLDFAST_ASSIGN(reason, txn.read_note(note));
  HOLDFAST_ASSIGN(medium_no, rows::known_medium(txn, medium, Tier::kCold));
  Database& index = txn.index();
  const std::string_view insert =
      "INSERT INTO quarantine (recording_no, part, pack_no, medium_no, reason, at) "
      "VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
  if (!part) {
    HOLDFAST_ASSIGN(pack, PackId::from_text(line.on));
    HOLDFAST_ASSIGN(pack_no, known_pack(txn, pack));
    if (!pack_no) return Status();
    HOLDFAST_TRY(run(index, "UPDATE pack_copy SET state = 5 WHERE pack_no = ?1 AND medium_no = ?2",
                     *pack_no, medium_no));
    HOLDFAST_TRY(run(index,
                     "UPDATE copy SET state = 5 WHERE pack_no = ?1 AND medium_no = ?2 "
                     "AND state IN (1, 2)",
                     *pack_no, medium_no));
    HOLDFAST_TRY(run(index, insert, std::nullopt, std::nullopt, *pack_no, medium_no,
                     reason.value_or(""), txn.now()));
    return rows::refresh_member_tiers(index, *pack_no);
  }
  HOLDFAST_ASSIGN(recording, RecordingId::from_text(line.on));
  HOLDFAST_ASSIGN(row, find_recording_row(index, recording));
  if (!row) return Status();
  HOLDFAST_TRY(run(index,
                   "UPDATE copy SET state = 5 WHERE recording_no = ?1 AND part = ?2 "
                   "AND medium_no = ?3 AND state IN (1, 2, 4)",
                   row->recording_no, *part, medium_no));
  HOLDFAST_TRY(run(index, insert, row->recording_no, *part, std::nullopt, medium_no,
                   reason.value_or(""), txn.now()));
  return rows::refresh_tier(index, row->recording_no);
}

}  // namespace holdfast::apply
