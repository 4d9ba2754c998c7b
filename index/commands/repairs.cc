#include "index/commands/repairs.h"

#include <algorithm>

#include "base/limits.h"
#include "index/read/recordings.h"
#include "index/read/work.h"
#include "index/rows.h"

namespace holdfast {
namespace {

using rows::run;

Status refuse_cached(VerifyMode mode) {
  if (mode != VerifyMode::kNone) return Status();
  return Error{Code::kInvalid, "a read from the page cache verifies nothing"};
}

LineDraft line_of(std::string_view kind, std::string on, const MediumId& medium,
                  const std::string& who, Weight weight) {
  LineDraft line;
  line.kind = kind;
  line.who = who;
  line.on = std::move(on);
  line.weight = weight;
  line.details["medium"] = medium.text();
  return line;
}

// A pack is repaired as a whole, also when one of its members alone was found bad.
Result<bool> has_bad_copy(Database& index, const PackId& pack, const MediumId& medium) {
  HOLDFAST_ASSIGN(copy, find_pack_copy(index, pack, medium));
  if (!copy || copy->state == CopyState::kReleasing) return false;
  if (copy->state == CopyState::kQuarantined) return true;
  Statement statement = index.prepare(
      "SELECT 1 FROM copy WHERE pack_no = (SELECT pack_no FROM pack WHERE pack_id = ?1) "
      "AND medium_no = (SELECT medium_no FROM medium WHERE medium_id = ?2) AND state = 5 LIMIT 1");
  statement.bind(pack, medium);
  return statement.step();
}

class RewriteSource final : public DecisionSource {
 public:
  explicit RewriteSource(const SealedPack& pack) : pack_(pack) {}
  Result<std::optional<IngestRow>> find_ingest(const RecordingId&, int) override {
    return std::optional<IngestRow>();
  }
  Result<std::optional<SealedPack>> find_pack(const PackId&, const MediumId&) override {
    return std::optional<SealedPack>(pack_);
  }

 private:
  const SealedPack& pack_;
};

// A move reads the pack, or writes it: what it stands on must not change under it.
Status refuse_while_moving(Database& index, const PackId& pack) {
  HOLDFAST_ASSIGN(moves, moves_of_pack(index, pack));
  for (const MoveRow& move : moves)
    if (move.state != MoveState::kSwitched && move.state != MoveState::kReleased)
      return Error{Code::kConflict, "rewrite pack " + pack.text() + ": a move of it is under way"};
  return Status();
}

// The new pack's row, when there is one, is of these bytes.
Status refuse_another(Database& index, const SealedPack& pack) {
  HOLDFAST_ASSIGN(known, find_pack(index, pack.pack));
  if (!known || (known->state == PackState::kSealed && known->size == pack.size &&
                 known->sha256 == pack.sha256))
    return Status();
  return Error{Code::kConflict, "rewrite as pack " + pack.pack.text() +
                                    ": the index knows another pack of that id, or it was given "
                                    "up"};
}

// A new pack that took nobody's place would be told of by no copy, and never be rewritten itself.
Status refuse_nobody(Database& index, const RewrittenPack& request) {
  Statement statement = index.prepare(
      "SELECT 1 FROM copy WHERE pack_no = (SELECT pack_no FROM pack WHERE pack_id = ?1) "
      "AND medium_no = (SELECT medium_no FROM medium WHERE medium_id = ?2) LIMIT 1");
  statement.bind(request.pack.pack, request.pack.medium);
  HOLDFAST_ASSIGN(takes, statement.step());
  if (takes) return Status();
  return Error{Code::kConflict, "rewrite pack " + request.from.text() + " as " +
                                    request.pack.pack.text() + ": none of its members is in pack " +
                                    request.from.text() + " on medium " +
                                    request.pack.medium.text()};
}

// What only waits to be copied would copy what is being replaced: the new pack gets its own move.
Status forget_waiting_moves(WriteTxn& txn, int64_t pack_no) {
  return run(txn.index(),
             "DELETE FROM move WHERE pack_no = ?1 AND state IN (0, 6) AND NOT EXISTS "
             "(SELECT 1 FROM pack_copy c WHERE c.pack_no = ?1 AND c.medium_no = move.to_no)",
             pack_no);
}

// Policy looks at the new pack from now on.
Status forget_rewrite(WriteTxn& txn, const PackId& pack) {
  HOLDFAST_TRY(run(txn.index(),
                   "UPDATE pack SET next_action_at = ?2 WHERE state = 1 AND pack_id = "
                   "(SELECT new_pack_id FROM rewrite WHERE pack_no = "
                   "(SELECT pack_no FROM pack WHERE pack_id = ?1))",
                   pack, txn.now()));
  return run(txn.index(),
             "DELETE FROM rewrite WHERE pack_no = (SELECT pack_no FROM pack WHERE pack_id = ?1)",
             pack);
}

Status decide_rewritten(WriteTxn& txn, const RewrittenPack& request, const std::string& who) {
  const SealedPack& pack = request.pack;
  LineDraft line =
      line_of(decision::kPackRewritten, pack.pack.text(), pack.medium, who, Weight::kProtecting);
  line.details["from"] = request.from.text();
  line.details["location"] = pack.location;
  line.details["members"] = static_cast<int64_t>(pack.members.size());
  line.details["mode"] = word(request.mode);
  line.details["sha256"] = pack.sha256.hex();
  line.details["size"] = pack.size.count;
  RewriteSource source(pack);
  return txn.decide(std::move(line), source);
}

Result<std::optional<PackReleasePermit>> rewrite(WriteTxn& txn, const RewrittenPack& request,
                                                 const std::string& who) {
  Database& index = txn.index();
  HOLDFAST_TRY(refuse_cached(request.mode));
  const MediumId& medium = request.pack.medium;
  HOLDFAST_ASSIGN(there, find_pack_copy(index, request.pack.pack, medium));
  HOLDFAST_TRY(refuse_another(index, request.pack));
  if (!there) {
    HOLDFAST_TRY(refuse_while_moving(index, request.from));
    HOLDFAST_ASSIGN(old, find_pack_copy(index, request.from, medium));
    if (!old || old->state == CopyState::kReleasing)
      return Error{Code::kConflict, "rewrite pack " + request.from.text() +
                                        ": it does not lie on medium " + medium.text()};
    HOLDFAST_TRY(decide_rewritten(txn, request, who));
  }
  const Status takes = there ? Status() : refuse_nobody(index, request);
  if (!request.release_old) {
    HOLDFAST_TRY(takes);
    return std::optional<PackReleasePermit>();
  }
  HOLDFAST_ASSIGN(old, find_pack_copy(index, request.from, medium));
  if (!old) return std::optional<PackReleasePermit>();  // gone already
  HOLDFAST_ASSIGN(permit, Guard::check_pack_rewritten(txn, request.from, medium));
  HOLDFAST_TRY(takes);
  if (old->state != CopyState::kReleasing)
    HOLDFAST_TRY(txn.decide(
        line_of(decision::kPackReleased, request.from.text(), medium, who, Weight::kWeakening)));
  return std::optional<PackReleasePermit>(std::move(permit));
}

// No line: whatever tells that a destroyed recording is gone takes its copies along.
Status forget_dead_members(WriteTxn& txn, int64_t pack_no, int64_t medium_no) {
  Database& index = txn.index();
  HOLDFAST_TRY(rows::members_lie_nowhere(index, pack_no, medium_no, txn.now()));
  HOLDFAST_TRY(run(index,
                   "DELETE FROM copy WHERE pack_no = ?1 AND medium_no = ?2 AND EXISTS "
                   "(SELECT 1 FROM recording r WHERE r.recording_no = copy.recording_no "
                   "AND r.state = 3)",
                   pack_no, medium_no));
  return rows::refresh_pack_dead(index, pack_no, txn.now());
}

Result<std::optional<PackReleasePermit>> give_up_lost(WriteTxn& txn, const PackId& pack,
                                                      const MediumId& medium,
                                                      const std::string& who) {
  Database& index = txn.index();
  HOLDFAST_ASSIGN(copy, find_pack_copy(index, pack, medium));
  if (!copy) return std::optional<PackReleasePermit>();
  HOLDFAST_ASSIGN(pack_no, rows::need_pack_no(index, pack));
  HOLDFAST_ASSIGN(medium_no, rows::need_medium_no(index, medium));
  auto permit = Guard::check_pack_lost(txn, pack, medium);
  if (!permit.ok() && permit.error().code != Code::kLocked) return permit.error();
  // Those that the new pack has from this one, too.
  HOLDFAST_TRY(run(index,
                   "DELETE FROM move WHERE ?2 IN (from_no, to_no) AND state <> 5 AND (pack_no = ?1 "
                   "OR pack_no = (SELECT n.pack_no FROM rewrite w CROSS JOIN pack n "
                   "ON n.pack_id = w.new_pack_id WHERE w.pack_no = ?1))",
                   pack_no, medium_no));
  if (!permit.ok()) {
    HOLDFAST_TRY(forget_dead_members(txn, pack_no, medium_no));
    return std::optional<PackReleasePermit>();
  }
  if (copy->state != CopyState::kReleasing)
    HOLDFAST_TRY(
        txn.decide(line_of(decision::kPackReleased, pack.text(), medium, who, Weight::kWeakening)));
  return std::optional<PackReleasePermit>(std::move(permit).value());
}

constexpr char kRewriteOf[] = "(SELECT pack_no FROM pack WHERE pack_id = ?1)";

Command<void> set_written(PackId pack, bool is_written) {
  const auto apply = [=](WriteTxn& txn) -> Status {
    return run(txn.index(),
               "UPDATE rewrite SET written = ?2 WHERE written <> ?2 "
               "AND pack_no = (SELECT pack_no FROM pack WHERE pack_id = ?1)",
               pack, is_written);
  };
  return {"note whether a pack may be written", apply};
}

}  // namespace

Command<void> pack_scrubbed(PackId pack, MediumId medium, VerifyMode mode) {
  const auto apply = [=](WriteTxn& txn) -> Status {
    HOLDFAST_TRY(refuse_cached(mode));
    return run(txn.index(),
               "UPDATE pack_copy SET verified_at = ?3, verify_mode = ?4 WHERE state = 2 "
               "AND pack_no = (SELECT pack_no FROM pack WHERE pack_id = ?1) "
               "AND medium_no = (SELECT medium_no FROM medium WHERE medium_id = ?2)",
               pack, medium, txn.now(), mode);
  };
  return {"note a scrubbed pack", apply};
}

Command<CopyRepairPermit> permit_copy_repair(RecordingNo recording, int part, MediumId medium) {
  return {"permit the repair of a copy",
          [=](WriteTxn& txn) { return Guard::check_copy_repair(txn, recording, part, medium); }};
}

Command<PackRepairPermit> permit_pack_repair(PackId pack, MediumId medium) {
  return {"permit the repair of a pack",
          [=](WriteTxn& txn) { return Guard::check_pack_repair(txn, pack, medium); }};
}

Command<void> copy_repaired(RecordingNo recording, int part, MediumId medium, VerifyMode mode,
                            std::string who) {
  const auto apply = [=](WriteTxn& txn) -> Status {
    HOLDFAST_TRY(refuse_cached(mode));
    HOLDFAST_ASSIGN(row, rows::need_recording(txn.index(), recording));
    HOLDFAST_ASSIGN(copies, list_copies(txn.index(), recording));
    const bool is_bad = std::any_of(copies.begin(), copies.end(), [&](const CopyRow& copy) {
      return copy.part == part && copy.medium == medium && copy.state == CopyState::kQuarantined;
    });
    if (!is_bad)
      return Error{Code::kConflict, "recording " + row.recording.text() + " part " +
                                        std::to_string(part) + " is not quarantined on medium " +
                                        medium.text()};
    LineDraft line =
        line_of(decision::kCopyRepaired, row.recording.text(), medium, who, Weight::kProtecting);
    line.details["mode"] = word(mode);
    line.details["part"] = part;
    return txn.decide(std::move(line));
  };
  return {"note a repaired copy", apply};
}

Command<void> pack_repaired(PackId pack, MediumId medium, std::string location, VerifyMode mode,
                            std::string who) {
  const auto apply = [=](WriteTxn& txn) -> Status {
    HOLDFAST_TRY(refuse_cached(mode));
    HOLDFAST_ASSIGN(is_bad, has_bad_copy(txn.index(), pack, medium));
    if (!is_bad)
      return Error{Code::kConflict,
                   "pack " + pack.text() + " is not quarantined on medium " + medium.text()};
    LineDraft line =
        line_of(decision::kPackRepaired, pack.text(), medium, who, Weight::kProtecting);
    line.details["location"] = location;
    line.details["mode"] = word(mode);
    return txn.decide(std::move(line));
  };
  return {"note a repaired pack", apply};
}

Command<void> repair_failed(int64_t quarantine_no, std::string error, UnixMillis not_before) {
  const auto apply = [=, error = std::move(error)](WriteTxn& txn) -> Status {
    return run(txn.index(),
               "UPDATE quarantine SET attempts = attempts + 1, not_before = ?3, error = ?2 "
               "WHERE quarantine_no = ?1",
               quarantine_no, error.substr(0, limits::kErrorBytesMax), not_before);
  };
  return {"note a failed repair", apply};
}

Command<void> quarantine_over(int64_t quarantine_no) {
  const auto apply = [=](WriteTxn& txn) -> Status {
    return run(txn.index(),
               "UPDATE quarantine SET resolved_at = ?2 WHERE quarantine_no = ?1 "
               "AND resolved_at IS NULL",
               quarantine_no, txn.now());
  };
  return {"end a quarantine", apply};
}

Command<RewriteRow> begin_rewrite(PackId pack, PackId new_pack) {
  const auto apply = [=](WriteTxn& txn) -> Result<RewriteRow> {
    HOLDFAST_ASSIGN(row, find_pack(txn.index(), pack));
    if (!row || row->state != PackState::kSealed)
      return Error{Code::kConflict, "rewrite pack " + pack.text() + ": it is not a sealed one"};
    HOLDFAST_ASSIGN(pack_no, rows::need_pack_no(txn.index(), pack));
    HOLDFAST_TRY(run(txn.index(),
                     "INSERT INTO rewrite (pack_no, new_pack_id, begun_at, not_before) "
                     "VALUES (?1, ?2, ?3, ?3) ON CONFLICT (pack_no) DO UPDATE SET "
                     "new_pack_id = excluded.new_pack_id, written = 0 WHERE EXISTS "
                     "(SELECT 1 FROM pack n WHERE n.pack_id = rewrite.new_pack_id "
                     "AND (n.state <> 1 OR NOT EXISTS (SELECT 1 FROM pack_copy c "
                     "CROSS JOIN medium m ON m.medium_no = c.medium_no "
                     "WHERE c.pack_no = n.pack_no AND c.state IN (1, 2) AND m.state <> 3)))",
                     pack_no, new_pack, txn.now()));
    HOLDFAST_TRY(forget_waiting_moves(txn, pack_no));
    HOLDFAST_ASSIGN(begun, find_rewrite(txn.index(), pack));
    if (!begun) return Error{Code::kNotFound, "rewrite pack " + pack.text() + ": no row"};
    return *std::move(begun);
  };
  return {"begin to rewrite a pack", apply};
}

Command<void> rewrite_written(PackId pack) { return set_written(pack, true); }

Command<void> rewrite_not_written(PackId pack) { return set_written(pack, false); }

Command<PackReleasePermit> permit_stray_pack(PackId new_pack, MediumId medium) {
  return {"permit a stray pack to go",
          [=](WriteTxn& txn) { return Guard::check_stray_pack(txn, new_pack, medium); }};
}

Command<void> rewrite_failed(PackId pack, SetBack back) {
  const auto apply = [pack, back = std::move(back)](WriteTxn& txn) -> Status {
    // Once: whatever it then waits for is its own.
    HOLDFAST_TRY(run(txn.index(),
                     "UPDATE pack SET next_action_at = ?2 WHERE state = 1 "
                     "AND next_action_at IS NULL AND pack_id = (SELECT new_pack_id FROM rewrite "
                     "WHERE error = '' AND pack_no = " +
                         std::string(kRewriteOf) + ")",
                     pack, txn.now()));
    return run(txn.index(),
               "UPDATE rewrite SET attempts = attempts + ?4, not_before = ?3, error = ?2 "
               "WHERE pack_no = " +
                   std::string(kRewriteOf),
               pack, back.error.substr(0, limits::kErrorBytesMax), back.not_before,
               back.is_waiting ? 0 : 1);
  };
  return {"note a failed rewrite", apply};
}

Command<void> rewrite_went_on(PackId pack) {
  const auto apply = [=](WriteTxn& txn) -> Status {
    return run(txn.index(),
               "UPDATE rewrite SET attempts = 0, not_before = ?2, error = '' WHERE pack_no = " +
                   std::string(kRewriteOf),
               pack, txn.now());
  };
  return {"note that a rewrite goes on", apply};
}

Command<std::optional<PackReleasePermit>> give_up_lost_pack(PackId pack, MediumId medium,
                                                            std::string who) {
  return {"give up a lost pack", [=, who = std::move(who)](WriteTxn& txn) {
            return give_up_lost(txn, pack, medium, who);
          }};
}

Command<void> finish_rewrite(PackId pack) {
  const auto apply = [=](WriteTxn& txn) -> Status {
    HOLDFAST_ASSIGN(copies, pack_copies(txn.index(), pack));
    for (const PackCopyRow& copy : copies)
      if (copy.medium_state != MediumState::kLost)
        return Error{Code::kConflict, "rewrite pack " + pack.text() + ": it still lies on medium " +
                                          copy.medium.text()};
    return forget_rewrite(txn, pack);
  };
  return {"finish rewriting a pack", apply};
}

Command<void> end_salvage(PackId pack) {
  return {"end the salvage of a pack", [pack](WriteTxn& txn) { return forget_rewrite(txn, pack); }};
}

Command<std::optional<PackReleasePermit>> rewrite_pack(RewrittenPack request, std::string who) {
  return {"rewrite a pack", [request = std::move(request), who = std::move(who)](WriteTxn& txn) {
            return rewrite(txn, request, who);
          }};
}

Command<void> pack_mirrored(PackId pack) {
  const auto apply = [=](WriteTxn& txn) -> Status {
    HOLDFAST_TRY(run(txn.index(), "UPDATE pack SET mirrored = 1 WHERE pack_id = ?1", pack));
    // Who waits for one more copy is looked at again.
    return run(txn.index(),
               "UPDATE recording SET next_action_at = ?2 WHERE state = 1 AND tier = 0 "
               "AND next_action_at IS NULL AND recording_no IN (SELECT recording_no FROM copy "
               "WHERE pack_no = (SELECT pack_no FROM pack WHERE pack_id = ?1))",
               pack, txn.now());
  };
  return {"note a mirrored pack", apply};
}

}  // namespace holdfast
