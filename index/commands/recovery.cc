#include "index/commands/recovery.h"

#include "index/commands/retention.h"
#include "index/read/holds.h"
#include "index/read/recordings.h"
#include "index/read/status.h"
#include "index/read/work.h"
#include "index/rows.h"

namespace holdfast {
namespace {

class RowSource final : public DecisionSource {
 public:
  explicit RowSource(const IngestRow& row) : row_(&row) {}
  explicit RowSource(const SealedPack& pack) : pack_(&pack) {}
  Result<std::optional<IngestRow>> find_ingest(const RecordingId&, int) override {
    if (row_ == nullptr) return std::optional<IngestRow>();
    return std::optional<IngestRow>(*row_);
  }
  Result<std::optional<SealedPack>> find_pack(const PackId&, const MediumId&) override {
    if (pack_ == nullptr) return std::optional<SealedPack>();
    return std::optional<SealedPack>(*pack_);
  }

 private:
  const IngestRow* row_ = nullptr;
  const SealedPack* pack_ = nullptr;
};

Result<std::optional<MatterId>> find_recovery(Database& index) {
  HOLDFAST_ASSIGN(matter, find_matter(index, WorkspaceNo(0), std::string(kRecoveryMatter)));
  if (!matter) return std::optional<MatterId>();
  return std::optional<MatterId>(matter->matter);
}

LineDraft line_of(std::string_view kind, const std::string& who) {
  LineDraft line;
  line.kind = kind;
  line.who = who;
  line.weight = Weight::kProtecting;
  return line;
}

Status adopt(WriteTxn& txn, const AdoptPart& request, const std::string& who) {
  Database& index = txn.index();
  const IngestRow& row = request.row;
  HOLDFAST_ASSIGN(workspace, find_workspace(index, row.workspace));
  if (!workspace) {
    LineDraft added = line_of(decision::kWorkspaceAdded, who);
    Statement next = index.prepare("SELECT max(workspace_no) + 1 FROM workspace");
    HOLDFAST_ASSIGN(found, next.step());
    added.on = row.workspace.text();
    added.details = {{"no", found ? next.next<int64_t>() : 1}};
    HOLDFAST_TRY(next.step());
    HOLDFAST_TRY(txn.decide(std::move(added)));
  } else if (row.part == 1) {
    HOLDFAST_ASSIGN(known, find_recording_row(index, workspace->workspace_no, row.call_sid));
    if (known)
      return Error{Code::kConflict,
                   "the call is recording " + known->recording.text() + " already"};
  }
  LineDraft line = line_of(decision::kIngested, who);
  line.on = row.recording.text();
  Bytes bytes;
  json::array digests;
  for (const FileRow& file : row.files) {
    bytes += file.size;
    digests.emplace_back(file.sha256.hex());
  }
  line.details = {{"bytes", bytes.count},
                  {"files", std::move(digests)},
                  {"no", row.recording_no.value},
                  {"part", row.part},
                  {"workspace", row.workspace.text()}};
  if (request.is_plain) line.details["medium"] = row.medium.text();
  HOLDFAST_TRY(add_arrival(txn, row, line));
  RowSource source(row);
  return txn.decide(std::move(line), source);
}

}  // namespace

std::string gap_text(const ChainGap& gap) {
  return std::to_string(gap.after_n) + "-" + std::to_string(gap.before_n);
}

Result<std::vector<ChainGap>> uncovered_gaps(Database& index, const std::vector<ChainGap>& gaps) {
  std::vector<ChainGap> out;
  for (const ChainGap& gap : gaps) {
    HOLDFAST_ASSIGN(covered, rows::is_covered_gap(index, gap_text(gap)));
    if (!covered) out.push_back(gap);
  }
  return out;
}

Result<RecoveryState> recovery_state(Database& index) {
  RecoveryState state;
  Statement statement =
      index.prepare("SELECT holds FROM matter WHERE workspace_no = 0 AND name = ?1");
  statement.bind(kRecoveryMatter);
  HOLDFAST_ASSIGN(found, statement.step());
  if (found) state.holds = statement.next<int64_t>();
  state.in_force = state.holds > 0;
  return state;
}

Command<void> begin_recovery(std::vector<ChainGap> gaps, std::string reason, std::string who) {
  const auto apply = [gaps = std::move(gaps), reason = std::move(reason),
                      who = std::move(who)](WriteTxn& txn) -> Status {
    HOLDFAST_ASSIGN(known, find_recovery(txn.index()));
    LineDraft line = line_of(decision::kRecoveryBegun, who);
    json::array missing;
    for (const ChainGap& gap : gaps) missing.emplace_back(gap_text(gap));
    if (!missing.empty()) line.details["gaps"] = std::move(missing);
    line.details["matter"] = (known ? *known : txn.random().id<MatterId>()).text();
    line.details["seed"] = txn.random().id<HoldId>().text();
    HOLDFAST_ASSIGN(note, txn.write_note(reason));
    if (!note.empty()) line.details["note"] = note;
    return txn.decide(std::move(line));
  };
  return {"hold everything under the matter recovery", apply};
}

Command<void> hold_for_recovery(RecordingId recording, std::string who) {
  const auto apply = [recording, who = std::move(who)](WriteTxn& txn) -> Status {
    HOLDFAST_ASSIGN(matter, find_recovery(txn.index()));
    if (!matter) return Error{Code::kNotFound, "nothing is held under the matter recovery"};
    HOLDFAST_ASSIGN(row, find_recording_row(txn.index(), recording));
    if (!row) return Error{Code::kNotFound, "there is no recording " + recording.text()};
    Statement standing = txn.index().prepare(
        "SELECT 1 FROM hold WHERE recording_no = ?1 AND matter_id = ?2 AND released_at IS NULL");
    standing.bind(row->recording_no, *matter);
    HOLDFAST_ASSIGN(found, standing.step());
    if (found) return Status();
    LineDraft line = line_of(decision::kHoldPlaced, who);
    line.on = recording.text();
    line.details = {{"hold", txn.random().id<HoldId>().text()},
                    {"matter", matter->text()},
                    {"workspace_no", 0}};
    return txn.decide(std::move(line));
  };
  return {"hold a recording under the matter recovery", apply};
}

Command<int64_t> release_recovery(std::string reason, std::string who) {
  const auto apply = [reason = std::move(reason),
                      who = std::move(who)](WriteTxn& txn) -> Result<int64_t> {
    HOLDFAST_ASSIGN(state, recovery_state(txn.index()));
    HOLDFAST_ASSIGN(matter, find_recovery(txn.index()));
    if (!matter || !state.in_force)
      return Error{Code::kNotFound, "nothing is held under the matter recovery"};
    LineDraft line = line_of(decision::kMatterReleased, who);
    line.weight = Weight::kWeakening;
    line.details["matter"] = matter->text();
    HOLDFAST_ASSIGN(note, txn.write_note(reason));
    if (!note.empty()) line.details["note"] = note;
    HOLDFAST_TRY(txn.decide(std::move(line)));
    return state.holds;
  };
  return {"release the matter recovery", apply};
}

Command<void> begin_ledger(std::string who) {
  const auto apply = [who = std::move(who)](WriteTxn& txn) -> Status {
    LineDraft line = line_of(decision::kLedgerBegun, who);
    line.details["reason"] = "lost";
    return txn.decide(std::move(line));
  };
  return {"begin a new ledger", apply};
}

Command<void> adopt_part(AdoptPart request, std::string who) {
  return {"adopt a part", [request = std::move(request), who = std::move(who)](WriteTxn& txn) {
            return adopt(txn, request, who);
          }};
}

Command<void> adopt_pack(SealedPack pack, std::string who) {
  const auto apply = [pack = std::move(pack), who = std::move(who)](WriteTxn& txn) -> Status {
    HOLDFAST_ASSIGN(known, find_pack(txn.index(), pack.pack));
    if (known && known->state != PackState::kOpen) return Status();
    LineDraft line = line_of(decision::kPackSealed, who);
    line.on = pack.pack.text();
    line.details = {{"location", pack.location},
                    {"medium", pack.medium.text()},
                    {"members", static_cast<int64_t>(pack.members.size())},
                    {"sha256", pack.sha256.hex()},
                    {"size", pack.size.count}};
    RowSource source(pack);
    return txn.decide(std::move(line), source);
  };
  return {"adopt a pack", apply};
}

Command<void> plan_verifications(MediumId standard, std::optional<MediumId> mirror) {
  const auto apply = [standard, mirror](WriteTxn& txn) -> Status {
    return rows::run(
        txn.index(),
        "INSERT INTO move (pack_no, from_no, to_no, state, not_before, created_at, updated_at) "
        "SELECT c.pack_no, coalesce((SELECT o.medium_no FROM pack_copy o "
        "WHERE o.pack_no = c.pack_no AND o.medium_no <> c.medium_no LIMIT 1), "
        "(SELECT medium_no FROM medium WHERE medium_id = ?1)), c.medium_no, 2, ?2, ?2, ?2 "
        "FROM pack_copy c WHERE c.state = 1 AND c.medium_no <> "
        "coalesce((SELECT medium_no FROM medium WHERE medium_id = ?3), -1) "
        "AND NOT EXISTS (SELECT 1 FROM move v "
        "WHERE v.pack_no = c.pack_no AND v.to_no = c.medium_no AND v.state <> 5)",
        standard, txn.now(), mirror);
  };
  return {"plan verifications", apply};
}

Command<void> index_rebuilt(std::string who) {
  const auto apply = [who = std::move(who)](WriteTxn& txn) -> Status {
    Statement counts = txn.index().prepare(
        "SELECT (SELECT sum(recordings) FROM tally WHERE workspace_no = 0), "
        "(SELECT count(*) FROM recording WHERE state = 4)");
    HOLDFAST_ASSIGN(row, counts.step());
    LineDraft line = line_of(decision::kIndexRebuilt, who);
    line.weight = Weight::kNeutral;
    line.details["recordings"] = row ? counts.next<int64_t>() : 0;
    line.details["unlocated"] = row ? counts.next<int64_t>() : 0;
    HOLDFAST_TRY(counts.step());
    return txn.decide(std::move(line));
  };
  return {"note a rebuild", apply};
}

Command<void> remake_marks(std::vector<RemadeMark> marks) {
  const auto apply = [marks = std::move(marks)](WriteTxn& txn) -> Status {
    for (const RemadeMark& one : marks)
      HOLDFAST_TRY(rows::run(txn.index(),
                             one.destroyed ? "INSERT INTO tombstone (mark, recording_id, at) "
                                             "VALUES (?1, ?2, ?3) ON CONFLICT (mark) DO NOTHING"
                                           : "INSERT INTO former_address (mark, recording_id, at) "
                                             "VALUES (?1, ?2, ?3) ON CONFLICT (mark) DO NOTHING",
                             txn.tombstone(one.workspace, one.call_sid), one.recording, one.at));
    return Status();
  };
  return {"make marks of calls anew", apply};
}

}  // namespace holdfast
