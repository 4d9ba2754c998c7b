#include "index/commands/packs.h"

#include <algorithm>

#include "index/read/recordings.h"
#include "index/read/work.h"
#include "index/rows.h"

namespace holdfast {
namespace {

using rows::run;

// A live sealing: the pack's contents come with the command.
class SealSource final : public DecisionSource {
 public:
  explicit SealSource(const SealedPack& pack) : pack_(pack) {}
  Result<std::optional<IngestRow>> find_ingest(const RecordingId&, int) override {
    return std::optional<IngestRow>();
  }
  Result<std::optional<SealedPack>> find_pack(const PackId&, const MediumId&) override {
    return std::optional<SealedPack>(pack_);
  }

 private:
  const SealedPack& pack_;
};

Result<PackRow> need_pack(Database& index, const PackId& pack) {
  HOLDFAST_ASSIGN(row, find_pack(index, pack));
  if (!row) return Error{Code::kNotFound, "there is no pack " + pack.text()};
  return *std::move(row);
}

Result<PackRow> need_open_pack(Database& index, const PackId& pack) {
  HOLDFAST_ASSIGN(row, need_pack(index, pack));
  if (row.state != PackState::kOpen)
    return Error{Code::kConflict,
                 "pack " + pack.text() + " is " + std::string(word(row.state)) + ", not open"};
  return row;
}

LineDraft pack_line(std::string_view kind, const PackId& pack, const MediumId& medium,
                    const std::string& who, Weight weight) {
  LineDraft line;
  line.kind = kind;
  line.who = who;
  line.on = pack.text();
  line.weight = weight;
  line.details["medium"] = medium.text();
  return line;
}

Result<AssignedMembers> assign(WriteTxn& txn, const PackId& pack,
                               const std::vector<PartKey>& members) {
  Database& index = txn.index();
  HOLDFAST_ASSIGN(row, need_open_pack(index, pack));
  HOLDFAST_ASSIGN(pack_no, rows::need_pack_no(index, pack));
  HOLDFAST_ASSIGN(medium_no, rows::need_medium_no(index, row.target));
  AssignedMembers out;
  int64_t added = 0;
  Bytes bytes;
  for (const PartKey& member : members) {
    // Only what is live and in its place, and has no copy (of any state) on that medium.
    Statement statement = index.prepare(
        "INSERT INTO copy (recording_no, part, medium_no, pack_no, state) "
        "SELECT t.recording_no, t.part, ?3, ?4, 0 FROM part t "
        "CROSS JOIN recording r ON r.recording_no = t.recording_no "
        "WHERE t.recording_no = ?1 AND t.part = ?2 AND t.placed = 1 AND r.state = 1 "
        "ON CONFLICT (recording_no, part, medium_no) DO NOTHING "
        "RETURNING (SELECT bytes FROM part WHERE recording_no = ?1 AND part = ?2)");
    statement.bind(member.recording, member.part, medium_no, pack_no);
    HOLDFAST_ASSIGN(planned, statement.step());
    if (!planned) {
      out.skipped.push_back(member);
      continue;
    }
    bytes += statement.next<Bytes>();
    ++added;
    HOLDFAST_TRY(statement.step());
    HOLDFAST_TRY(run(index, "UPDATE recording SET next_action_at = NULL WHERE recording_no = ?1",
                     member.recording));
  }
  HOLDFAST_TRY(run(index,
                   "UPDATE pack SET members = members + ?2, bytes = bytes + ?3 WHERE pack_no = ?1",
                   pack_no, added, bytes));
  HOLDFAST_ASSIGN(after, need_pack(index, pack));
  out.pack = std::move(after);
  return out;
}

Status drop(WriteTxn& txn, const PackId& pack, const std::vector<PartKey>& members,
            UnixMillis retry_at) {
  Database& index = txn.index();
  HOLDFAST_ASSIGN(row, need_open_pack(index, pack));
  HOLDFAST_ASSIGN(pack_no, rows::need_pack_no(index, pack));
  HOLDFAST_ASSIGN(medium_no, rows::need_medium_no(index, row.target));
  for (const PartKey& member : members) {
    HOLDFAST_TRY(run(index,
                     "DELETE FROM copy WHERE recording_no = ?1 AND part = ?2 AND medium_no = ?3 "
                     "AND pack_no = ?4 AND state = 0",
                     member.recording, member.part, medium_no, pack_no));
    if (index.changes() == 0) continue;
    HOLDFAST_TRY(run(index, "UPDATE recording SET next_action_at = ?2 WHERE recording_no = ?1",
                     member.recording, retry_at));
  }
  return rows::refresh_pack_totals(index, pack_no, medium_no);
}

// The sealed members must be exactly the planned ones: a recording whose destruction began while
// the pack was being written has left, and must not be in it.
Status check_members(Database& index, const SealedPack& pack, const PackRow& row, int64_t pack_no) {
  const auto differs = [&] {
    return Error{Code::kConflict,
                 "seal pack " + pack.pack.text() + ": its members changed while it was written"};
  };
  if (row.members != static_cast<int64_t>(pack.members.size())) return differs();
  HOLDFAST_ASSIGN(medium_no, rows::need_medium_no(index, pack.medium));
  for (const SealedMember& member : pack.members) {
    Statement statement = index.prepare(
        "SELECT 1 FROM copy WHERE recording_no = "
        "(SELECT recording_no FROM recording WHERE recording_id = ?1) "
        "AND part = ?2 AND medium_no = ?3 AND pack_no = ?4 AND state = 0");
    statement.bind(member.recording, member.part, medium_no, pack_no);
    HOLDFAST_ASSIGN(planned, statement.step());
    if (!planned) return differs();
  }
  return Status();
}

Result<PackRow> seal(WriteTxn& txn, const SealedPack& pack, const std::string& who) {
  Database& index = txn.index();
  HOLDFAST_ASSIGN(row, need_pack(index, pack.pack));
  // The same sealing again, after an answer that was lost.
  if (row.state == PackState::kSealed && row.sha256 == pack.sha256) return row;
  if (row.state != PackState::kOpen) return need_open_pack(index, pack.pack);
  if (row.target != pack.medium)
    return Error{Code::kConflict, "seal pack " + pack.pack.text() + ": it was planned for medium " +
                                      row.target.text()};
  HOLDFAST_ASSIGN(pack_no, rows::need_pack_no(index, pack.pack));
  HOLDFAST_TRY(check_members(index, pack, row, pack_no));
  LineDraft line =
      pack_line(decision::kPackSealed, pack.pack, pack.medium, who, Weight::kProtecting);
  line.details["location"] = pack.location;
  line.details["members"] = static_cast<int64_t>(pack.members.size());
  line.details["sha256"] = pack.sha256.hex();
  line.details["size"] = pack.size.count;
  SealSource source(pack);
  HOLDFAST_TRY(txn.decide(std::move(line), source));
  return need_pack(index, pack.pack);
}

Result<std::optional<PackCopyRow>> pack_copy_on(Database& index, const PackId& pack,
                                                const MediumId& medium) {
  HOLDFAST_ASSIGN(copies, pack_copies(index, pack));
  for (PackCopyRow& copy : copies)
    if (copy.medium == medium) return std::optional<PackCopyRow>(std::move(copy));
  return std::optional<PackCopyRow>();
}

Result<PackCopyRow> need_pack_copy(Database& index, const PackId& pack, const MediumId& medium) {
  HOLDFAST_ASSIGN(copy, pack_copy_on(index, pack, medium));
  if (!copy)
    return Error{Code::kNotFound,
                 "pack " + pack.text() + " does not lie on medium " + medium.text()};
  return *std::move(copy);
}

// Of a pack that lies nowhere any more.
Status let_members_go(WriteTxn& txn, int64_t pack_no) {
  Database& index = txn.index();
  HOLDFAST_TRY(run(index,
                   "UPDATE recording SET next_action_at = ?2 WHERE state <> 3 AND recording_no IN "
                   "(SELECT recording_no FROM copy WHERE pack_no = ?1)",
                   pack_no, txn.now()));
  HOLDFAST_TRY(run(index, "DELETE FROM move WHERE pack_no = ?1 AND state <> 5", pack_no));
  return run(index, "UPDATE pack SET state = 2, next_action_at = NULL WHERE pack_no = ?1", pack_no);
}

Status forget(WriteTxn& txn, const PackId& pack, const MediumId& medium) {
  Database& index = txn.index();
  HOLDFAST_ASSIGN(copies, pack_copies(index, pack));
  const auto copy = std::find_if(copies.begin(), copies.end(),
                                 [&](const PackCopyRow& one) { return one.medium == medium; });
  if (copy == copies.end()) return Status();
  if (copy->state != CopyState::kReleasing)
    return Error{Code::kConflict,
                 "pack " + pack.text() + " was not released from medium " + medium.text()};
  HOLDFAST_ASSIGN(pack_no, rows::need_pack_no(index, pack));
  HOLDFAST_ASSIGN(medium_no, rows::need_medium_no(index, medium));
  if (copies.size() == 1) HOLDFAST_TRY(let_members_go(txn, pack_no));
  HOLDFAST_TRY(rows::members_lie_nowhere(index, pack_no, medium_no, txn.now()));
  HOLDFAST_TRY(
      run(index, "DELETE FROM copy WHERE pack_no = ?1 AND medium_no = ?2", pack_no, medium_no));
  HOLDFAST_TRY(run(index, "DELETE FROM pack_copy WHERE pack_no = ?1 AND medium_no = ?2", pack_no,
                   medium_no));
  return run(index,
             "UPDATE quarantine SET resolved_at = ?3 WHERE pack_no = ?1 AND medium_no = ?2 "
             "AND resolved_at IS NULL",
             pack_no, medium_no, txn.now());
}

}  // namespace

Command<PackRow> open_pack(OpenPack request) {
  const auto apply = [request = std::move(request)](WriteTxn& txn) -> Result<PackRow> {
    HOLDFAST_ASSIGN(medium_no, rows::need_medium_no(txn.index(), request.target));
    HOLDFAST_TRY(run(txn.index(),
                     "INSERT INTO pack (pack_id, cohort, target_no, state, opened_at, "
                     "next_action_at) VALUES (?1, ?2, ?3, 0, ?4, ?5)",
                     request.pack, request.cohort, medium_no, txn.now(), request.next_action_at));
    return need_pack(txn.index(), request.pack);
  };
  return {"open a pack", apply};
}

Command<AssignedMembers> assign_members(PackId pack, std::vector<PartKey> members) {
  return {"assign members to a pack", [pack, members = std::move(members)](WriteTxn& txn) {
            return assign(txn, pack, members);
          }};
}

Command<void> drop_members(PackId pack, std::vector<PartKey> members, UnixMillis retry_at) {
  return {"drop members of a pack", [pack, members = std::move(members), retry_at](WriteTxn& txn) {
            return drop(txn, pack, members, retry_at);
          }};
}

Command<void> drop_pack(PackId pack) {
  const auto apply = [pack](WriteTxn& txn) -> Status {
    HOLDFAST_ASSIGN(row, need_open_pack(txn.index(), pack));
    if (row.members != 0) return Error{Code::kConflict, "pack " + pack.text() + " has members"};
    HOLDFAST_ASSIGN(pack_no, rows::need_pack_no(txn.index(), pack));
    HOLDFAST_TRY(run(txn.index(), "DELETE FROM move WHERE pack_no = ?1", pack_no));
    return run(txn.index(), "DELETE FROM pack WHERE pack_no = ?1", pack_no);
  };
  return {"drop a pack", apply};
}

Command<void> set_pack_action(PackId pack, std::optional<UnixMillis> at) {
  const auto apply = [pack, at](WriteTxn& txn) -> Status {
    return run(txn.index(), "UPDATE pack SET next_action_at = ?2 WHERE pack_id = ?1", pack, at);
  };
  return {"set when a pack is due", apply};
}

Command<void> replace_pack_action(PackId pack, std::optional<UnixMillis> seen,
                                  std::optional<UnixMillis> at) {
  const auto apply = [=](WriteTxn& txn) -> Status {
    return run(txn.index(),
               "UPDATE pack SET next_action_at = ?2 WHERE pack_id = ?1 AND next_action_at IS ?3",
               pack, at, seen);
  };
  return {"replace when a pack is due", apply};
}

Command<PackRow> seal_pack(SealedPack pack, std::string who) {
  return {"seal a pack", [pack = std::move(pack), who = std::move(who)](WriteTxn& txn) {
            return seal(txn, pack, who);
          }};
}

Command<void> pack_copied(PackId pack, MediumId medium, std::string location, std::string who) {
  const auto apply = [=](WriteTxn& txn) -> Status {
    HOLDFAST_ASSIGN(row, need_pack(txn.index(), pack));
    if (row.state != PackState::kSealed)
      return Error{Code::kConflict, "pack " + pack.text() + " is not sealed"};
    HOLDFAST_ASSIGN(there, pack_copy_on(txn.index(), pack, medium));
    if (there && there->location == location && there->state != CopyState::kQuarantined)
      return Status();
    LineDraft line = pack_line(decision::kPackCopied, pack, medium, who, Weight::kProtecting);
    line.details["location"] = location;
    return txn.decide(std::move(line));
  };
  return {"note a copied pack", apply};
}

Command<void> pack_verified(PackId pack, MediumId medium, VerifyMode mode, std::string who) {
  const auto apply = [=](WriteTxn& txn) -> Status {
    if (mode == VerifyMode::kNone)
      return Error{Code::kInvalid, "a read from the page cache verifies nothing"};
    HOLDFAST_TRY(need_pack_copy(txn.index(), pack, medium));
    LineDraft line = pack_line(decision::kPackVerified, pack, medium, who, Weight::kProtecting);
    line.details["mode"] = word(mode);
    return txn.decide(std::move(line));
  };
  return {"note a verified pack", apply};
}

Command<void> pack_quarantined(PackId pack, MediumId medium, std::string reason, std::string who) {
  const auto apply = [=](WriteTxn& txn) -> Status {
    HOLDFAST_ASSIGN(copy, need_pack_copy(txn.index(), pack, medium));
    // Known already, or on its way out.
    if (copy.state == CopyState::kQuarantined || copy.state == CopyState::kReleasing)
      return Status();
    HOLDFAST_ASSIGN(note, txn.write_note(reason));
    LineDraft line = pack_line(decision::kCopyQuarantined, pack, medium, who, Weight::kNeutral);
    if (!note.empty()) line.details["note"] = note;
    return txn.decide(std::move(line));
  };
  return {"quarantine a pack", apply};
}

namespace {

constexpr char kHasLivingMember[] =
    " AND EXISTS (SELECT 1 FROM copy c INDEXED BY copy_pack "
    "CROSS JOIN recording r ON r.recording_no = c.recording_no "
    "WHERE c.pack_no = (SELECT pack_no FROM pack WHERE pack_id = ?1) "
    "AND c.medium_no = (SELECT medium_no FROM medium WHERE medium_id = ?2) AND r.state <> 3)";

// A tier is left by all at once: what a new pack shall replace on another medium of the tier (a
// mirror that is away) would come back there as its only copy. A bad one is not kept by that.
Status refuse_before_the_old_one(Database& index, const PackId& pack, const PackCopyRow& copy) {
  Statement statement = index.prepare(
      "SELECT o.medium_no FROM rewrite w CROSS JOIN pack_copy o ON o.pack_no = w.pack_no "
      "CROSS JOIN medium m ON m.medium_no = o.medium_no WHERE w.new_pack_id = ?1 AND ?3 <> 5 "
      "AND m.state <> 3 AND m.tier = (SELECT tier FROM medium WHERE medium_id = ?2)" +
      std::string(kHasLivingMember));
  statement.bind(pack, copy.medium, copy.state);
  HOLDFAST_ASSIGN(waits, statement.step());
  if (!waits) return Status();
  return Error{Code::kConflict, "release pack " + pack.text() + " from medium " +
                                    copy.medium.text() +
                                    ": it is still to take another's place on that tier"};
}

// A rewriting takes the pack's place on the medium. One that nobody living is in, or that is bad
// with no good copy anywhere, is not in its way.
Status refuse_while_rewritten(Database& index, const PackId& pack, const PackCopyRow& copy) {
  Statement statement = index.prepare(
      "SELECT 1 FROM rewrite w WHERE w.pack_no = (SELECT pack_no FROM pack WHERE pack_id = ?1) "
      "AND (?3 <> 5 OR EXISTS (SELECT 1 FROM pack_copy o WHERE o.pack_no = w.pack_no "
      "AND o.state = 2))" +
      std::string(kHasLivingMember));
  statement.bind(pack, copy.medium, copy.state);
  HOLDFAST_ASSIGN(rewritten, statement.step());
  if (!rewritten) return Status();
  return Error{Code::kConflict, "release pack " + pack.text() + " from medium " +
                                    copy.medium.text() + ": it is being rewritten there"};
}

}  // namespace

Command<PackReleasePermit> release_pack(PackId pack, MediumId medium, ReleasePolicy policy,
                                        std::string who) {
  const auto apply = [=](WriteTxn& txn) -> Result<PackReleasePermit> {
    HOLDFAST_ASSIGN(permit, Guard::check_pack_release(txn, pack, medium, policy));
    HOLDFAST_ASSIGN(copy, need_pack_copy(txn.index(), pack, medium));
    if (copy.state == CopyState::kReleasing) return permit;
    HOLDFAST_TRY(refuse_while_rewritten(txn.index(), pack, copy));
    HOLDFAST_TRY(refuse_before_the_old_one(txn.index(), pack, copy));
    HOLDFAST_TRY(
        txn.decide(pack_line(decision::kPackReleased, pack, medium, who, Weight::kWeakening)));
    return permit;
  };
  return {"release a pack", apply};
}

Command<PackReleasePermit> abandon_pack(PackId pack, MediumId medium, std::string who) {
  const auto apply = [=](WriteTxn& txn) -> Result<PackReleasePermit> {
    HOLDFAST_ASSIGN(permit, Guard::check_pack_abandon(txn, pack, medium));
    HOLDFAST_ASSIGN(copy, need_pack_copy(txn.index(), pack, medium));
    if (copy.state == CopyState::kReleasing) return permit;
    HOLDFAST_TRY(
        txn.decide(pack_line(decision::kPackReleased, pack, medium, who, Weight::kWeakening)));
    return permit;
  };
  return {"abandon a pack", apply};
}

Command<void> pack_gone(PackId pack, MediumId medium) {
  return {"forget a released pack", [=](WriteTxn& txn) { return forget(txn, pack, medium); }};
}

}  // namespace holdfast
