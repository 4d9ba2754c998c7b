#include "index/commands/ingest.h"

#include <algorithm>

#include "base/file_name.h"
#include "index/commands/retention.h"
#include "index/read/recordings.h"
#include "index/read/status.h"
#include "index/rows.h"

namespace holdfast {
namespace {

// A live ingest: the row comes with the command.
class IngestSource final : public DecisionSource {
 public:
  explicit IngestSource(const IngestRow& row) : row_(row) {}
  Result<std::optional<IngestRow>> find_ingest(const RecordingId&, int) override {
    return std::optional<IngestRow>(row_);
  }
  Result<std::optional<SealedPack>> find_pack(const PackId&, const MediumId&) override {
    return std::optional<SealedPack>();
  }

 private:
  const IngestRow& row_;
};

Error erased(const IngestRow& row) {
  return Error{Code::kConflict,
               "erased: the call was in this archive and was destroyed (recording " +
                   row.recording.text() + " is not taken)"};
}

Status refuse_erased(WriteTxn& txn, const IngestRow& row) {
  Statement statement = txn.index().prepare("SELECT 1 FROM tombstone WHERE mark = ?1");
  statement.bind(txn.tombstone(row.workspace, row.call_sid));
  HOLDFAST_ASSIGN(found, statement.step());
  if (found) return erased(row);
  return Status();
}

// A recorder's retry under the address that a moved recording had.
Status refuse_relabelled(WriteTxn& txn, const IngestRow& row) {
  const Digest mark = txn.tombstone(row.workspace, row.call_sid);
  HOLDFAST_ASSIGN(former, rows::find_former_address(txn.index(), mark));
  if (!former) return Status();
  HOLDFAST_ASSIGN(moved, find_recording_row(txn.index(), *former));
  if (!moved || moved->state == RecordingState::kCondemned ||
      moved->state == RecordingState::kDestroying)
    return erased(row);
  return Error{Code::kConflict,
               "relabelled: the call is archived, and its recording was moved to another "
               "workspace; nothing of it is taken in this one"};
}

Status check_row(const IngestRow& row) {
  if (!is_call_sid(row.call_sid)) return Error{Code::kInvalid, "not a call id"};
  if (row.recording_no.value <= 0)
    return Error{Code::kInvalid, "a recording number was not reserved"};
  if (row.files.empty()) return Error{Code::kInvalid, "a part has at least one file"};
  if (row.files.size() > limits::kFilesPerPartMax)
    return Error{Code::kTooLarge,
                 "a part has at most " + std::to_string(limits::kFilesPerPartMax) + " files"};
  if (row.part < 1 || row.part > limits::kPartsMax)
    return Error{Code::kTooLarge,
                 "a recording has at most " + std::to_string(limits::kPartsMax) + " parts"};
  if (row.metadata && row.metadata->size() > size_t{limits::kMetadataBytesMax})
    return Error{Code::kTooLarge, "metadata.json is larger than " +
                                      std::to_string(limits::kMetadataBytesMax) + " bytes"};
  return Status();
}

LineDraft ingest_line(const IngestRow& row, const std::string& who) {
  LineDraft line;
  line.kind = decision::kIngested;
  line.who = who;
  line.on = row.recording.text();
  line.weight = Weight::kProtecting;
  Bytes bytes;
  json::array digests;
  for (const FileRow& file : row.files) {
    bytes += file.size;
    digests.emplace_back(file.sha256.hex());
  }
  line.details = {{"bytes", bytes.count},
                  {"files", std::move(digests)},
                  {"medium", row.medium.text()},
                  {"no", row.recording_no.value},
                  {"part", row.part},
                  {"workspace", row.workspace.text()}};
  return line;
}

// What the workspace keeps on all tiers, what is being destroyed included: its bytes are still
// here.
Status check_quota(WriteTxn& txn, const IngestRow& row, WorkspaceNo workspace_no,
                   std::optional<Bytes> quota) {
  if (!quota) return {};
  Bytes coming;
  for (const FileRow& file : row.files) coming += file.size;
  HOLDFAST_ASSIGN(used, workspace_bytes(txn.index(), workspace_no));
  if (coming.count <= quota->count - used.count) return {};
  return over_quota(used, *quota, coming);
}

// Its workspace exists from its first recording.
Status need_workspace(WriteTxn& txn, const WorkspaceId& workspace, const std::string& who) {
  HOLDFAST_ASSIGN(row, find_workspace(txn.index(), workspace));
  if (row) return Status();
  Statement statement = txn.index().prepare("SELECT max(workspace_no) + 1 FROM workspace");
  HOLDFAST_ASSIGN(found, statement.step());
  LineDraft line;
  line.kind = decision::kWorkspaceAdded;
  line.who = who;
  line.on = workspace.text();
  line.weight = Weight::kNeutral;
  line.details = {{"no", found ? statement.next<int64_t>() : 1}};
  return txn.decide(std::move(line));
}

Result<IngestOutcome> known_call(Database& index, const RecordingRow& known,
                                 const IngestRow& offered) {
  // As of a call that is gone: a retry neither revives nor confirms it.
  if (known.state == RecordingState::kCondemned || known.state == RecordingState::kDestroying)
    return erased(offered);
  HOLDFAST_ASSIGN(files, list_files(index, known.recording_no));
  const IngestVerdict verdict = judge_ingest(files, offered.files);
  if (verdict == IngestVerdict::kConflict) return other_bytes(files, offered.files);
  if (verdict == IngestVerdict::kNextPart)
    return Error{Code::kConflict, "the call is archived as recording " + known.recording.text() +
                                      "; new files are its next part"};
  return IngestOutcome{IngestVerdict::kSame, known.recording_no, known.recording, 1};
}

}  // namespace

IngestVerdict judge_ingest(const std::vector<FileRow>& known, const std::vector<FileRow>& offered) {
  if (known.empty()) return IngestVerdict::kNew;
  bool has_new = false;
  for (const FileRow& file : offered) {
    const auto same_name = [&](const FileRow& other) { return other.name == file.name; };
    const auto found = std::find_if(known.begin(), known.end(), same_name);
    if (found == known.end())
      has_new = true;
    else if (found->size != file.size || found->sha256 != file.sha256)
      return IngestVerdict::kConflict;
  }
  return has_new ? IngestVerdict::kNextPart : IngestVerdict::kSame;
}

Error other_bytes(const std::vector<FileRow>& known, const std::vector<FileRow>& offered) {
  std::string name;
  for (const FileRow& file : offered)
    for (const FileRow& there : known)
      if (there.name == file.name && (there.size != file.size || there.sha256 != file.sha256))
        if (name.empty()) name = file.name;
  const auto is_taken = [&](std::string_view candidate) {
    const auto same = [&](const FileRow& file) { return file.name == candidate; };
    return std::any_of(known.begin(), known.end(), same) ||
           std::any_of(offered.begin(), offered.end(), same);
  };
  return Error{Code::kConflict,
               "the call is archived, and its " + name +
                   " has other bytes. Files never change: send a correction or a further segment "
                   "under a new name, such as " +
                   next_free_name(name, is_taken) + ", and leave " + name + " out"};
}

Command<IngestOutcome> ingest_recording(IngestRow row, std::string who, std::optional<Bytes> quota,
                                        Millis not_before) {
  const auto apply = [row = std::move(row), who = std::move(who), quota,
                      not_before](WriteTxn& txn) -> Result<IngestOutcome> {
    HOLDFAST_TRY(check_row(row));
    if (row.part != 1) return Error{Code::kInvalid, "a new recording begins with part 1"};
    HOLDFAST_TRY(refuse_erased(txn, row));
    HOLDFAST_TRY(need_workspace(txn, row.workspace, who));
    HOLDFAST_ASSIGN(workspace, find_workspace(txn.index(), row.workspace));
    assert(workspace.has_value());
    HOLDFAST_ASSIGN(known, find_recording_row(txn.index(), workspace->workspace_no, row.call_sid));
    if (known) return known_call(txn.index(), *known, row);
    HOLDFAST_TRY(refuse_relabelled(txn, row));
    HOLDFAST_TRY(check_quota(txn, row, workspace->workspace_no, quota));
    IngestSource source(row);
    LineDraft line = ingest_line(row, who);
    HOLDFAST_TRY(add_default_retention(txn, workspace->workspace_no, row, not_before, line));
    HOLDFAST_TRY(txn.decide(std::move(line), source));
    return IngestOutcome{IngestVerdict::kNew, row.recording_no, row.recording, 1};
  };
  return {"ingest", apply};
}

Command<IngestOutcome> add_part(IngestRow row, std::string who, std::optional<Bytes> quota) {
  const auto apply = [row = std::move(row), who = std::move(who),
                      quota](WriteTxn& txn) -> Result<IngestOutcome> {
    HOLDFAST_TRY(check_row(row));
    HOLDFAST_ASSIGN(known, find_recording_row(txn.index(), row.recording));
    if (!known) {
      HOLDFAST_TRY(refuse_erased(txn, row));
      return Error{Code::kNotFound, "there is no recording " + row.recording.text()};
    }
    if (known->state == RecordingState::kDestroying || known->state == RecordingState::kCondemned)
      return erased(row);
    if (row.part != known->parts + 1)
      return Error{Code::kConflict, "recording " + row.recording.text() + " has " +
                                        std::to_string(known->parts) + " parts; part " +
                                        std::to_string(row.part) + " is not the next"};
    if (row.metadata) return Error{Code::kInvalid, "metadata.json belongs to the first part"};
    HOLDFAST_ASSIGN(files, list_files(txn.index(), known->recording_no));
    for (const FileRow& file : row.files)
      for (const FileRow& there : files)
        if (there.name == file.name)
          return Error{Code::kConflict, "recording " + row.recording.text() + " has a file named " +
                                            file.name + " already"};
    HOLDFAST_TRY(check_quota(txn, row, known->workspace_no, quota));
    IngestRow part = row;
    part.recording_no = known->recording_no;
    IngestSource source(part);
    LineDraft line = ingest_line(part, who);
    HOLDFAST_TRY(add_arrival(txn, part, line));
    HOLDFAST_TRY(txn.decide(std::move(line), source));
    return IngestOutcome{IngestVerdict::kNextPart, known->recording_no, row.recording, row.part};
  };
  return {"add a part", apply};
}

Command<void> mark_placed(RecordingNo recording, int part) {
  const auto apply = [=](WriteTxn& txn) -> Status {
    HOLDFAST_TRY(rows::run(txn.index(),
                           "UPDATE part SET placed = 1 WHERE recording_no = ?1 AND part = ?2 "
                           "AND placed = 0",
                           recording, part));
    return rows::run(txn.index(),
                     "UPDATE recording SET state = 1 WHERE recording_no = ?1 AND state = 0 "
                     "AND NOT EXISTS (SELECT 1 FROM part WHERE recording_no = ?1 AND part = 1 "
                     "AND placed = 0)",
                     recording);
  };
  return {"mark a recording placed", apply};
}

Command<void> set_recording_action(RecordingNo recording, std::optional<UnixMillis> at) {
  const auto apply = [=](WriteTxn& txn) -> Status {
    return rows::run(txn.index(),
                     "UPDATE recording SET next_action_at = ?2 WHERE recording_no = ?1", recording,
                     at);
  };
  return {"set when a recording is due", apply};
}

Command<void> replace_recording_action(RecordingNo recording, std::optional<UnixMillis> seen,
                                       std::optional<UnixMillis> at) {
  const auto apply = [=](WriteTxn& txn) -> Status {
    return rows::run(txn.index(),
                     "UPDATE recording SET next_action_at = ?2 "
                     "WHERE recording_no = ?1 AND next_action_at IS ?3",
                     recording, at, seen);
  };
  return {"replace when a recording is due", apply};
}

}  // namespace holdfast
