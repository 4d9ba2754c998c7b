#include "index/guard.h"

#include "index/read/holds.h"
#include "index/read/retention.h"
#include "index/read/status.h"
#include "index/rows.h"

namespace holdfast {
namespace {

struct Standing {
  CopyState state = CopyState::kPlanned;
  UnixMillis copied_at;
};

Result<Standing> standing_of(Database& index, const RecordingRow& recording, int part,
                             const MediumId& medium) {
  Statement statement = index.prepare(
      "SELECT c.state, c.copied_at FROM copy c WHERE c.recording_no = ?1 AND c.part = ?2 "
      "AND c.medium_no = (SELECT medium_no FROM medium WHERE medium_id = ?3)");
  statement.bind(recording.recording_no, part, medium);
  HOLDFAST_ASSIGN(found, statement.step());
  if (!found)
    return Error{Code::kNotFound, "recording " + recording.recording.text() + " part " +
                                      std::to_string(part) + " has no copy on medium " +
                                      medium.text()};
  Standing standing;
  standing.state = statement.next<CopyState>();
  standing.copied_at = statement.next<UnixMillis>();
  return standing;
}

// Media other than `medium` on which the part was re-read past the page cache, and whose copy is
// not older than `since`.
Result<int> verified_elsewhere(Database& index, RecordingNo recording, int part,
                               const MediumId& medium, UnixMillis since) {
  Statement statement = index.prepare(
      "SELECT count(*) FROM copy c CROSS JOIN medium m ON m.medium_no = c.medium_no "
      "WHERE c.recording_no = ?1 AND c.part = ?2 AND m.medium_id <> ?3 AND m.state <> 3 "
      "AND c.state = 2 AND c.verify_mode IN (1, 2) AND c.copied_at >= ?4");
  statement.bind(recording, part, medium, since);
  HOLDFAST_ASSIGN(row, statement.step());
  return row ? statement.next<int>() : 0;
}

// Of a recording that is held because decisions were lost nothing goes: which of its copies those
// decisions spoke of nobody knows, until a person releases the matter.
constexpr char kUnderRecovery[] =
    "EXISTS (SELECT 1 FROM hold h WHERE h.recording_no = r.recording_no AND h.released_at IS NULL "
    "AND h.matter_id = (SELECT matter_id FROM matter WHERE workspace_no = 0 "
    "AND name = 'recovery'))";

Error recovering(const std::string& object) {
  return Error{Code::kLocked, "release " + object +
                                  ": decisions were lost, and it is held under the matter "
                                  "recovery until a person releases that"};
}

Result<bool> is_under_recovery(Database& index, RecordingNo recording) {
  Statement statement = index.prepare(
      std::string("SELECT 1 FROM recording r WHERE r.recording_no = ?1 AND ") + kUnderRecovery);
  statement.bind(recording);
  return statement.step();
}

Result<bool> has_member_under_recovery(Database& index, int64_t pack_no, int64_t medium_no) {
  Statement statement =
      index.prepare(std::string("SELECT 1 FROM copy c INDEXED BY copy_pack "
                                "CROSS JOIN recording r ON r.recording_no = c.recording_no "
                                "WHERE c.pack_no = ?1 AND c.medium_no = ?2 AND r.state <> 3 AND ") +
                    kUnderRecovery + " LIMIT 1");
  statement.bind(pack_no, medium_no);
  return statement.step();
}

// Whether a living member of the pack's copy on the medium has no other copy on a medium that is
// not lost for which `is_good` holds, of its row o.
Result<bool> is_somebodys_last(Database& index, int64_t pack_no, int64_t medium_no,
                               std::string_view is_good) {
  Statement statement = index.prepare(
      "SELECT 1 FROM copy c INDEXED BY copy_pack "
      "CROSS JOIN recording r ON r.recording_no = c.recording_no "
      "WHERE c.pack_no = ?1 AND c.medium_no = ?2 AND r.state <> 3 AND (r.state IN (0, 4) OR "
      "NOT EXISTS (SELECT 1 FROM copy o CROSS JOIN medium m ON m.medium_no = o.medium_no "
      "WHERE o.recording_no = c.recording_no AND o.part = c.part AND o.medium_no <> c.medium_no "
      "AND m.state <> 3 AND " +
      std::string(is_good) + ")) LIMIT 1");
  statement.bind(pack_no, medium_no);
  return statement.step();
}

Error too_few(const std::string& object, const MediumId& medium, int required) {
  return Error{Code::kLocked, "release " + object + " from medium " + medium.text() + ": " +
                                  std::to_string(required) +
                                  " newer verified copies on other media are required"};
}

}  // namespace

Result<ReleasePermit> Guard::check_release(WriteTxn& txn, RecordingNo recording, int part,
                                           const MediumId& medium, const ReleasePolicy& policy) {
  assert(policy.copies_required >= 1);
  HOLDFAST_ASSIGN(row, rows::need_recording(txn.index(), recording));
  HOLDFAST_ASSIGN(standing, standing_of(txn.index(), row, part, medium));
  const bool destroying = row.state == RecordingState::kDestroying;
  if (standing.state == CopyState::kReleasing || destroying)
    return ReleasePermit(row.recording, part, medium);
  if (standing.state == CopyState::kPlanned || standing.state == CopyState::kStaged)
    return Error{Code::kConflict, "release recording " + row.recording.text() + " part " +
                                      std::to_string(part) + ": its copy is " +
                                      std::string(word(standing.state))};
  if (row.state == RecordingState::kCommitted || row.state == RecordingState::kUnlocated)
    return Error{Code::kLocked, "release recording " + row.recording.text() + ": it is " +
                                    std::string(word(row.state))};
  HOLDFAST_ASSIGN(recovery, is_under_recovery(txn.index(), recording));
  if (recovery) return recovering("recording " + row.recording.text());
  // A bad copy may go as soon as any good one stands elsewhere.
  const bool bad = standing.state == CopyState::kQuarantined;
  HOLDFAST_ASSIGN(copies, verified_elsewhere(txn.index(), recording, part, medium,
                                             bad ? UnixMillis(0) : standing.copied_at));
  const int required = bad ? 1 : policy.copies_required;
  if (copies < required)
    return too_few("recording " + row.recording.text() + " part " + std::to_string(part), medium,
                   required);
  return ReleasePermit(row.recording, part, medium);
}

Result<PackReleasePermit> Guard::check_pack_release(WriteTxn& txn, const PackId& pack,
                                                    const MediumId& medium,
                                                    const ReleasePolicy& policy) {
  assert(policy.copies_required >= 1);
  Database& index = txn.index();
  HOLDFAST_ASSIGN(pack_no, rows::need_pack_no(index, pack));
  HOLDFAST_ASSIGN(medium_no, rows::need_medium_no(index, medium));
  {
    Statement statement =
        index.prepare("SELECT state FROM pack_copy WHERE pack_no = ?1 AND medium_no = ?2");
    statement.bind(pack_no, medium_no);
    HOLDFAST_ASSIGN(found, statement.step());
    if (!found)
      return Error{Code::kNotFound,
                   "pack " + pack.text() + " does not lie on medium " + medium.text()};
    if (statement.next<CopyState>() == CopyState::kReleasing)
      return PackReleasePermit(pack, medium);
  }
  HOLDFAST_ASSIGN(recovery, has_member_under_recovery(index, pack_no, medium_no));
  if (recovery) return recovering("pack " + pack.text());
  Statement statement = index.prepare(
      "SELECT 1 FROM copy c INDEXED BY copy_pack "
      "CROSS JOIN recording r ON r.recording_no = c.recording_no "
      "WHERE c.pack_no = ?1 AND c.medium_no = ?2 AND r.state <> 3 AND (r.state IN (0, 4) OR "
      "(SELECT count(*) FROM copy o CROSS JOIN medium m ON m.medium_no = o.medium_no "
      "WHERE o.recording_no = c.recording_no AND o.part = c.part AND o.medium_no <> c.medium_no "
      "AND m.state <> 3 AND o.state = 2 AND o.verify_mode IN (1, 2) "
      "AND (c.state = 5 OR o.copied_at >= c.copied_at)) < iif(c.state = 5, 1, ?3)) LIMIT 1");
  statement.bind(pack_no, medium_no, policy.copies_required);
  HOLDFAST_ASSIGN(lacking, statement.step());
  if (lacking) return too_few("pack " + pack.text(), medium, policy.copies_required);
  return PackReleasePermit(pack, medium);
}

Result<PackReleasePermit> Guard::check_pack_abandon(WriteTxn& txn, const PackId& pack,
                                                    const MediumId& medium) {
  Database& index = txn.index();
  HOLDFAST_ASSIGN(pack_no, rows::need_pack_no(index, pack));
  HOLDFAST_ASSIGN(medium_no, rows::need_medium_no(index, medium));
  Statement copy = index.prepare(
      "SELECT state, verified_at IS NULL FROM pack_copy WHERE pack_no = ?1 AND medium_no = ?2");
  copy.bind(pack_no, medium_no);
  HOLDFAST_ASSIGN(found, copy.step());
  if (!found)
    return Error{Code::kNotFound,
                 "pack " + pack.text() + " does not lie on medium " + medium.text()};
  const auto state = copy.next<CopyState>();
  const bool never_verified = copy.next<int>() != 0;
  if (state == CopyState::kReleasing) return PackReleasePermit(pack, medium);
  if (state != CopyState::kQuarantined || !never_verified)
    return Error{Code::kConflict, "abandon pack " + pack.text() + ": its copy is " +
                                      std::string(word(state)) +
                                      (never_verified ? "" : " and was verified once")};
  // The copies that a trigger counts, too: original, or re-read past the page cache.
  HOLDFAST_ASSIGN(lacking, is_somebodys_last(index, pack_no, medium_no,
                                             "(o.state = 2 OR (o.state = 1 AND o.original = 1))"));
  if (lacking)
    return Error{Code::kLocked, "abandon pack " + pack.text() + " on medium " + medium.text() +
                                    ": a member has no other good copy"};
  return PackReleasePermit(pack, medium);
}

Result<ReleasePermit> Guard::check_staged_release(WriteTxn& txn, RecordingNo recording, int part,
                                                  const MediumId& medium) {
  HOLDFAST_ASSIGN(row, rows::need_recording(txn.index(), recording));
  HOLDFAST_ASSIGN(standing, standing_of(txn.index(), row, part, medium));
  if (standing.state == CopyState::kReleasing || row.state == RecordingState::kDestroying)
    return ReleasePermit(row.recording, part, medium);
  if (standing.state != CopyState::kStaged)
    return Error{Code::kConflict, "release the staged copy of recording " + row.recording.text() +
                                      ": its copy is " + std::string(word(standing.state))};
  Statement statement = txn.index().prepare(
      "SELECT 1 FROM copy c CROSS JOIN medium m ON m.medium_no = c.medium_no "
      "WHERE c.recording_no = ?1 AND c.part = ?2 AND m.medium_id <> ?3 AND m.state <> 3 "
      "AND c.state = 2 LIMIT 1");
  statement.bind(recording, part, medium);
  HOLDFAST_ASSIGN(stands, statement.step());
  if (!stands) return too_few("the staged copy of " + row.recording.text(), medium, 1);
  return ReleasePermit(row.recording, part, medium);
}

Result<CopyRepairPermit> Guard::check_copy_repair(WriteTxn& txn, RecordingNo recording, int part,
                                                  const MediumId& medium) {
  HOLDFAST_ASSIGN(row, rows::need_recording(txn.index(), recording));
  HOLDFAST_ASSIGN(standing, standing_of(txn.index(), row, part, medium));
  const std::string object = "recording " + row.recording.text() + " part " + std::to_string(part);
  if (standing.state != CopyState::kQuarantined || row.state == RecordingState::kDestroying)
    return Error{Code::kConflict,
                 "repair " + object + ": its copy is " + std::string(word(standing.state))};
  HOLDFAST_ASSIGN(copies, verified_elsewhere(txn.index(), recording, part, medium, UnixMillis(0)));
  if (copies < 1)
    return Error{Code::kLocked, "repair " + object + " on medium " + medium.text() +
                                    ": no other verified copy of it stands"};
  return CopyRepairPermit(row.recording, part, medium);
}

Result<PackRepairPermit> Guard::check_pack_repair(WriteTxn& txn, const PackId& pack,
                                                  const MediumId& medium) {
  Database& index = txn.index();
  Statement statement = index.prepare(
      "SELECT c.state, EXISTS (SELECT 1 FROM pack_copy o CROSS JOIN medium n "
      "ON n.medium_no = o.medium_no WHERE o.pack_no = c.pack_no AND o.medium_no <> c.medium_no "
      "AND n.state <> 3 AND o.state = 2 AND o.verify_mode IN (1, 2)) "
      "FROM pack_copy c WHERE c.pack_no = (SELECT pack_no FROM pack WHERE pack_id = ?1) "
      "AND c.medium_no = (SELECT medium_no FROM medium WHERE medium_id = ?2)");
  statement.bind(pack, medium);
  HOLDFAST_ASSIGN(found, statement.step());
  if (!found)
    return Error{Code::kNotFound,
                 "pack " + pack.text() + " does not lie on medium " + medium.text()};
  const auto state = statement.next<CopyState>();
  const bool stands = statement.next<int>() != 0;
  if (state != CopyState::kQuarantined)
    return Error{Code::kConflict,
                 "repair pack " + pack.text() + ": its copy is " + std::string(word(state))};
  if (!stands)
    return Error{Code::kLocked, "repair pack " + pack.text() + " on medium " + medium.text() +
                                    ": no other verified copy of it stands"};
  return PackRepairPermit(pack, medium);
}

Result<PackReleasePermit> Guard::check_pack_rewritten(WriteTxn& txn, const PackId& pack,
                                                      const MediumId& medium) {
  Database& index = txn.index();
  HOLDFAST_ASSIGN(pack_no, rows::need_pack_no(index, pack));
  HOLDFAST_ASSIGN(medium_no, rows::need_medium_no(index, medium));
  Statement statement = index.prepare(
      "SELECT 1 FROM copy c INDEXED BY copy_pack "
      "CROSS JOIN recording r ON r.recording_no = c.recording_no "
      "WHERE c.pack_no = ?1 AND c.medium_no = ?2 AND r.state <> 3 LIMIT 1");
  statement.bind(pack_no, medium_no);
  HOLDFAST_ASSIGN(lives, statement.step());
  if (lives)
    return Error{Code::kLocked, "release pack " + pack.text() + " from medium " + medium.text() +
                                    ": a living recording's copy is in it"};
  return PackReleasePermit(pack, medium);
}

Result<PackReleasePermit> Guard::check_pack_lost(WriteTxn& txn, const PackId& pack,
                                                 const MediumId& medium) {
  Database& index = txn.index();
  HOLDFAST_ASSIGN(row, find_medium(index, medium));
  const std::string object = "pack " + pack.text() + " on medium " + medium.text();
  if (!row || row->state != MediumState::kLost)
    return Error{Code::kConflict, "forget " + object + ": it was not declared lost"};
  HOLDFAST_ASSIGN(pack_no, rows::need_pack_no(index, pack));
  HOLDFAST_ASSIGN(medium_no, rows::need_medium_no(index, medium));
  HOLDFAST_ASSIGN(recovery, has_member_under_recovery(index, pack_no, medium_no));
  if (recovery) return recovering(object);
  HOLDFAST_ASSIGN(lacking, is_somebodys_last(index, pack_no, medium_no,
                                             "o.state = 2 AND o.verify_mode IN (1, 2)"));
  if (lacking)
    return Error{Code::kLocked, "forget " + object + ": a member has no other good copy"};
  return PackReleasePermit(pack, medium);
}

Result<PackReleasePermit> Guard::check_stray_pack(WriteTxn& txn, const PackId& pack,
                                                  const MediumId& medium) {
  Statement statement = txn.index().prepare(
      "SELECT 1 FROM rewrite WHERE new_pack_id = ?1 AND written = 1 "
      "AND NOT EXISTS (SELECT 1 FROM pack WHERE pack_id = ?1)");
  statement.bind(pack);
  HOLDFAST_ASSIGN(is_stray, statement.step());
  if (is_stray) return PackReleasePermit(pack, medium);
  return Error{Code::kConflict, "remove pack " + pack.text() + ": it is no stray one"};
}

Status Guard::check_destroy(WriteTxn& txn, RecordingNo recording) {
  HOLDFAST_ASSIGN(row, rows::need_recording(txn.index(), recording));
  if (row.state == RecordingState::kUnlocated)
    return Error{Code::kLocked,
                 "recording " + row.recording.text() + ": no medium has shown it yet"};
  HOLDFAST_ASSIGN(holds, holds_of_recording(txn.index(), row.recording));
  std::string matters;
  for (const HoldRow& hold : holds) {
    if (hold.released_at) continue;
    matters += matters.empty() ? "" : ", ";
    matters += hold.matter.text();
  }
  HOLDFAST_ASSIGN(certain, certain_time(txn.index(), txn.now()));
  std::string retained;
  if (is_retained(row, certain))
    retained = "retained until " + end_text(*row.retain_until) + " by class " +
               row.retention_class.value_or("") + " in " + std::string(word(row.retention_mode)) +
               " mode";
  const std::string name = "recording " + row.recording.text() + " is ";
  if (!matters.empty())
    return Error{Code::kLocked, name + "held by matter " + matters +
                                    (retained.empty() ? "" : ", and " + retained)};
  if (!retained.empty()) return Error{Code::kLocked, "retention: " + name + retained};
  return Status();
}

}  // namespace holdfast
