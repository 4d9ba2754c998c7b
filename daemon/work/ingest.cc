#include "daemon/work/ingest.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "base/file_name.h"
#include "base/limits.h"
#include "base/log.h"
#include "daemon/work/incoming.h"
#include "daemon/work/ingest_row.h"
#include "daemon/work/part_facts.h"
#include "daemon/work/placing.h"
#include "index/commands/keys.h"
#include "index/read/recordings.h"
#include "index/read/status.h"

namespace holdfast {
namespace {

constexpr std::string_view kMetadataName = "metadata.json";

Result<std::string> read_exactly(Io& io, const Fd& fd, const RecordedFile& file, int64_t offset,
                                 size_t most) {
  const int64_t rest = std::max<int64_t>(0, file.size.count - offset);
  std::string bytes(std::min(most, static_cast<size_t>(rest)), '\0');
  if (bytes.empty()) return bytes;
  MutableByteSpan out(reinterpret_cast<std::byte*>(bytes.data()), bytes.size());
  HOLDFAST_TRY(io.read_exactly(fd.get(), Bytes(offset), out));
  return bytes;
}

// The first bytes of a finished file, at most `most`.
Result<std::string> first_bytes(Io& io, PartWriter& writer, const RecordedFile& file, size_t most) {
  HOLDFAST_ASSIGN(fd, writer.open(io, file.name));
  return read_exactly(io, fd, file, 0, most);
}

// Reads a draft's finished files for notice_files(); each is opened once.
ReadOf reader_of(Io& io, PartWriter& writer) {
  struct Opened {
    std::string name;
    Fd fd;
  };
  auto opened = std::make_shared<Opened>();
  return [&io, &writer, opened](const RecordedFile& file, int64_t offset,
                                size_t most) -> Result<std::string> {
    if (opened->name != file.name) {
      HOLDFAST_ASSIGN(fd, writer.open(io, file.name));
      *opened = Opened{file.name, std::move(fd)};
    }
    return read_exactly(io, opened->fd, file, offset, most);
  };
}

// A file of metadata, read.
struct PartMetadata {
  CallMetadata call;
  AudioClaims claims;
  std::string text;
};

Result<PartMetadata> read_metadata(Io& io, PartWriter& writer, const RecordedFile& file) {
  if (file.size.count > limits::kMetadataBytesMax)
    return Error{Code::kTooLarge, file.name + " has " + std::to_string(file.size.count) +
                                      " bytes; at most " +
                                      std::to_string(limits::kMetadataBytesMax) + " are kept"};
  PartMetadata out;
  HOLDFAST_ASSIGN(text, first_bytes(io, writer, file, static_cast<size_t>(file.size.count)));
  auto parsed = parse_metadata(text);
  if (!parsed.ok()) return parsed.error().within(file.name);
  out.call = std::move(parsed).value();
  out.claims = read_audio_claims(text);
  out.text = std::move(text);
  return out;
}

// metadata.<k>.json with the lowest number among the files; null when there is none.
const RecordedFile* later_metadata(const std::vector<RecordedFile>& files) {
  const RecordedFile* lowest = nullptr;
  for (const RecordedFile& file : files)
    if (is_later_metadata(file.name) &&
        (lowest == nullptr || segment_of(file.name) < segment_of(lowest->name)))
      lowest = &file;
  return lowest;
}

// What metadata says of a call must be what it came under.
Status check_call_sid(const CallMetadata& metadata, std::string_view name,
                      const std::string& call_sid) {
  if (metadata.call_sid.empty() || metadata.call_sid == call_sid) return {};
  return Error{Code::kInvalid,
               std::string(name) + " speaks of another call_sid than the one it came under"};
}

// Every file that was offered, with the part it is in.
std::vector<FileRow> offered_files(const std::vector<FileRow>& offered,
                                   const std::vector<FileRow>& known,
                                   const std::vector<FileRow>& added) {
  std::vector<FileRow> files;
  for (const FileRow& file : offered)
    for (const std::vector<FileRow>* there : {&known, &added})
      for (const FileRow& row : *there)
        if (row.name == file.name) files.push_back(row);
  return files;
}

// What cannot be removed now, a turn of incoming.h removes.
void discard(Io& io, PartWriter& writer) {
  if (const Status aborted = writer.abort(io); !aborted.ok())
    log::warning("ingest: leave {} in .incoming: {}", writer.part().text(),
                 aborted.error().message);
}

}  // namespace

// What is known of a draft once all its files are there.
struct Ingest::Judged {
  std::optional<std::string> metadata_text;
  std::vector<WorkspaceId> told_workspaces;  // by its files of metadata
  RecordingDescription description;          // as of a first part
  IngestRow row;                             // made from it
};

Result<std::unique_ptr<IngestDraft>> Ingest::begin(Io& io, IngestRequest request) {
  HOLDFAST_TRY(can_decide());
  HOLDFAST_TRY(room());
  HOLDFAST_TRY(room_on_standard(io));
  HOLDFAST_TRY(room_in_quota(request));
  const PartId part{archive_.random.id<RecordingId>(), 1};
  LiveParts::Live live = archive_.live_parts.add(part);
  HOLDFAST_ASSIGN(writer, archive_.standard.begin(io, part));
  return std::make_unique<IngestDraft>(std::move(request), std::move(writer), std::move(live));
}

// Else nothing could be acknowledged, and what was written would stay, since its outcome is
// unknown.
Status Ingest::can_decide() {
  if (archive_.writer.is_recovering())
    HOLDFAST_TRY(archive_.writer.call(
        Command<void>{"ask whether the writer has recovered", [](WriteTxn&) { return Status(); }}));
  if (!archive_.writer.is_forked()) return {};
  return Error{Code::kUnavailable,
               "the ledger and its mirror hold different decisions: read-only until a person has "
               "decided (docs/ledger.md)"};
}

// Over the full mark the mover says whether anything may leave; until it has looked, it may.
Status Ingest::room_on_standard(Io& io) {
  if (!archive_.gate.nothing_leaves()) return {};
  HOLDFAST_ASSIGN(space, archive_.standard.free_space(io));
  const PolicySpace used{Bytes(space.total.count - space.available.count), space.total};
  if (!is_over_full_mark(used, archive_.policy())) return {};
  return Error{Code::kNoSpace,
               "standard-full: the standard tier is over " +
                   std::to_string(archive_.policy().full_percent) +
                   " % full, and nothing on it may leave: what is not copied and verified "
                   "elsewhere stays"};
}

// The writer's check is the exact one. This one spares the copying of what would be refused; a
// known call is let through, since its files may be there already.
Status Ingest::room_in_quota(const IngestRequest& request) {
  const std::optional<Bytes> quota = archive_.config().quota_of(request.workspace);
  if (!quota || request.call_sid.empty()) return {};
  HOLDFAST_ASSIGN(index, archive_.index.take());
  HOLDFAST_ASSIGN(workspace, find_workspace(*index, request.workspace));
  if (!workspace) return {};
  HOLDFAST_ASSIGN(used, workspace_bytes(*index, workspace->workspace_no));
  if (used < *quota) return {};
  HOLDFAST_ASSIGN(known, find_recording(*index, workspace->workspace_no, request.call_sid));
  if (known) return {};
  return over_quota(used, *quota, Bytes(1));
}

Status Ingest::abandon(Io& io, std::unique_ptr<IngestDraft> draft) {
  return draft->writer().abort(io);
}

Result<Ingest::Judged> Ingest::judge(Io& io, IngestDraft& draft) {
  Judged judged;
  RecordingDescription& description = judged.description;
  description.archive = archive_.id;
  description.recording = draft.writer().part().recording;
  description.workspace = draft.request().workspace;
  description.received_at = archive_.clock.now();
  description.files = draft.writer().files();
  if (description.files.empty())
    return Error{Code::kInvalid, "a recording needs at least one file"};

  PartMetadata first;  // metadata.json
  PartMetadata later;  // metadata.<k>.json: of a part of a known call
  const RecordedFile* named_later = later_metadata(description.files);
  for (const RecordedFile& file : description.files) {
    if (file.name != kMetadataName) continue;
    HOLDFAST_ASSIGN(read, read_metadata(io, draft.writer(), file));
    first = std::move(read);
    judged.metadata_text = first.text;
  }
  if (named_later != nullptr) {
    HOLDFAST_ASSIGN(read, read_metadata(io, draft.writer(), *named_later));
    later = std::move(read);
  }
  const std::string& told = first.call.call_sid.empty() ? later.call.call_sid : first.call.call_sid;
  description.call_sid = draft.request().call_sid.empty() ? told : draft.request().call_sid;
  if (description.call_sid.empty())
    return Error{Code::kInvalid, "no call_sid: give it in metadata.json or beside the files"};
  HOLDFAST_TRY(check_call_sid(first.call, kMetadataName, description.call_sid));
  if (named_later != nullptr)
    HOLDFAST_TRY(check_call_sid(later.call, named_later->name, description.call_sid));
  for (const PartMetadata* metadata : {&first, &later})
    if (metadata->call.workspace) judged.told_workspaces.push_back(*metadata->call.workspace);

  const EventTimes times = event_times(first.call, description.received_at);
  description.day = day_of(times.started_at);
  description.started_at = first.call.started_at;
  description.ended_at = first.call.ended_at;
  description.flags = times.flags;
  if (!judged.metadata_text || first.call.incomplete)
    description.flags |= static_cast<int32_t>(Flag::kMetadataIncomplete);
  HOLDFAST_ASSIGN(noticed,
                  notice_files(description.files, first.claims, reader_of(io, draft.writer())));
  description.flags |= noticed;
  HOLDFAST_ASSIGN(row, ingest_row(description, judged.metadata_text, archive_.standard_medium()));
  judged.row = std::move(row);
  return judged;
}

// The new files of a known call, as its next part. A transcript without metadata is no flaw.
Result<RecordingDescription> Ingest::describe_later(Io& io, IngestDraft& draft,
                                                    const Recording& known, int part,
                                                    const Judged& judged) {
  RecordingDescription description = judged.description;
  description.recording = known.recording;
  description.number = known.recording_no;
  description.workspace = known.home;
  description.part = part;
  description.day = known.day;
  description.started_at.reset();
  description.ended_at.reset();
  description.flags = 0;
  std::erase_if(description.files, [&](const RecordedFile& file) {
    return std::any_of(known.files.begin(), known.files.end(),
                       [&](const FileRow& old) { return old.name == file.name; });
  });

  AudioClaims claims;
  if (const RecordedFile* own = later_metadata(description.files); own != nullptr) {
    HOLDFAST_ASSIGN(metadata, read_metadata(io, draft.writer(), *own));
    claims = metadata.claims;
    description.started_at = metadata.call.started_at;
    description.ended_at = metadata.call.ended_at;
    const int32_t flags = event_times(metadata.call, description.received_at).flags;
    description.flags = flags & static_cast<int32_t>(Flag::kEventTimeInFuture);
  } else {
    // The formats are the call's; its length and sizes are those of the first part.
    HOLDFAST_ASSIGN(index, archive_.index.take());
    HOLDFAST_ASSIGN(text, find_metadata(*index, known.recording_no));
    if (text) claims = read_audio_claims(*text);
    claims.duration_seconds.reset();
    claims.inbound.bytes.reset();
    claims.outbound.bytes.reset();
  }
  HOLDFAST_ASSIGN(noticed, notice_files(description.files, claims, reader_of(io, draft.writer())));
  description.flags |= noticed;
  return description;
}

Result<Ingested> Ingest::accept(Io& io, std::unique_ptr<IngestDraft> draft) {
  auto outcome = [&]() -> Result<Ingested> {
    HOLDFAST_ASSIGN(judged, judge(io, *draft));
    const LiveCalls::Live coming_in =
        archive_.live_calls.add({judged.description.workspace, judged.description.call_sid});
    return commit(io, *draft, std::move(judged));
  }();
  // An unknown outcome may still take effect: its files stay until settle_incoming() looks.
  const bool unknown =
      draft->is_committing() && !outcome.ok() && outcome.error().code == Code::kUnavailable;
  const bool keep = outcome.ok() || unknown;
  if (!keep) discard(io, draft->writer());
  count(draft->request().who, outcome);
  return outcome;
}

void Ingest::count(const std::string& who, const Result<Ingested>& outcome) {
  const auto way = static_cast<size_t>(who == "spool" ? IngestWay::kSpool : IngestWay::kHttp);
  IngestMeters& meters = archive_.meters.ingest[way];
  IngestResult result = IngestResult::kFailed;
  if (outcome.ok()) {
    result = outcome->verdict == IngestVerdict::kSame       ? IngestResult::kAlready
             : outcome->verdict == IngestVerdict::kNextPart ? IngestResult::kPart
                                                            : IngestResult::kStored;
    for (const FileRow& file : outcome->files)
      if (result != IngestResult::kAlready && file.part == outcome->part)
        meters.bytes.add(file.size.count);
  } else if (!traits(outcome.error().code).retryable) {
    result = IngestResult::kRefused;
  }
  meters.results[static_cast<size_t>(result)].add();
}

Result<std::optional<Recording>> Ingest::find_known(const WorkspaceId& workspace,
                                                    const std::string& call_sid) {
  HOLDFAST_ASSIGN(index, archive_.index.take());
  HOLDFAST_ASSIGN(row, find_workspace(*index, workspace));
  if (!row) return std::optional<Recording>();
  return find_recording(*index, row->workspace_no, call_sid);
}

Result<Ingested> Ingest::commit(Io& io, IngestDraft& draft, Judged judged) {
  const std::string call_sid = judged.row.call_sid;
  HOLDFAST_ASSIGN(known, find_known(draft.request().workspace, call_sid));
  // One that was moved to this workspace came with the metadata of another.
  for (const WorkspaceId& told : judged.told_workspaces)
    if (told != draft.request().workspace && !(known && told == known->home))
      return Error{Code::kInvalid,
                   "metadata.json speaks of another workspace_id than the one it came under"};
  if (!known) {
    auto first = commit_first(io, draft, judged);
    if (first.ok() || first.error().code != Code::kConflict) return first;
    // Another was first meanwhile: what came here may be that call's next part.
    HOLDFAST_ASSIGN(again, find_known(draft.request().workspace, call_sid));
    if (!again) return first;
    known = std::move(again);
  }
  return commit_to_known(io, draft, known->recording_no, std::move(judged));
}

Result<Ingested> Ingest::commit_to_known(Io& io, IngestDraft& draft, RecordingNo number,
                                         Judged judged) {
  const Turns::Turn turn = archive_.part_turns.take(number);
  std::optional<Recording> known;
  {
    HOLDFAST_ASSIGN(index, archive_.index.take());
    HOLDFAST_ASSIGN(found, find_recording(*index, number));
    known = std::move(found);
  }
  if (!known || known->state == RecordingState::kCondemned ||
      known->state == RecordingState::kDestroying)
    return Error{Code::kConflict, "erased: the call was archived and is being destroyed"};
  switch (judge_ingest(known->files, judged.row.files)) {
    case IngestVerdict::kConflict:
      return other_bytes(known->files, judged.row.files);
    case IngestVerdict::kNextPart:
      return commit_next_part(io, draft, *known, std::move(judged));
    case IngestVerdict::kNew:
    case IngestVerdict::kSame:
      break;
  }
  HOLDFAST_TRY(draft.writer().abort(io));
  return Ingested{IngestVerdict::kSame, known->recording, known->recording_no, known->call_sid, 1,
                  known->files,         known->flags};
}

Millis Ingest::copy_after(const WorkspaceId& workspace) const {
  return archive_.policy().rule_of(workspace).standard_copy_after;
}

Result<Ingested> Ingest::commit_first(Io& io, IngestDraft& draft, Judged judged) {
  HOLDFAST_ASSIGN(number, archive_.writer.next_recording_no());
  judged.description.number = number;
  judged.row.recording_no = number;
  HOLDFAST_TRY(draft.writer().finish(io, judged.description));
  judged.row.next_action_at = judged.row.ended_at + copy_after(judged.row.workspace);
  Ingested outcome{IngestVerdict::kNew, judged.row.recording, number, judged.row.call_sid, 1,
                   judged.row.files,    judged.row.flags};
  draft.set_committing();
  HOLDFAST_TRY(commit_row(io, std::move(judged.row), draft.request().who,
                          archive_.config().quota_of(draft.request().workspace), outcome));
  if (outcome.verdict == IngestVerdict::kSame) HOLDFAST_TRY(draft.writer().abort(io));
  return outcome;
}

// The new names of a known call are copied into a draft of the part they become.
Result<Ingested> Ingest::commit_next_part(Io& io, IngestDraft& draft, const Recording& known,
                                          Judged judged) {
  const int part = known.parts + 1;
  if (part > limits::kPartsMax)
    return Error{Code::kTooLarge,
                 "the recording has " + std::to_string(limits::kPartsMax) + " parts already"};
  HOLDFAST_ASSIGN(description, describe_later(io, draft, known, part, judged));
  HOLDFAST_TRY(settle_earlier_try(io, known, part));
  HOLDFAST_ASSIGN(root, archive_.standard_root.current(io));
  const std::string from = incoming_directory(draft.writer().part());
  HOLDFAST_ASSIGN(directory, io.open(root->get(), from, O_RDONLY | O_DIRECTORY));
  const LiveParts::Live live = archive_.live_parts.add(PartId{known.recording, part});
  HOLDFAST_ASSIGN(writer, archive_.standard.begin(io, PartId{known.recording, part}));

  const auto fill = [&]() -> Status {
    for (const RecordedFile& file : description.files) {
      HOLDFAST_ASSIGN(copied, writer.copy_in(io, directory, file.name, file.size));
      if (copied.sha256 != file.sha256)
        return Error{Code::kCorrupt, "a file of the next part changed while it was copied"};
    }
    HOLDFAST_TRY(writer.finish(io, description));
    return draft.writer().abort(io);
  };
  if (Status filled = fill(); !filled.ok()) {
    discard(io, writer);
    return std::move(filled).error();
  }

  HOLDFAST_ASSIGN(row, ingest_row(description, std::nullopt, archive_.standard_medium()));
  row.started_at = known.started_at;
  row.ended_at = known.ended_at;
  row.next_action_at = description.received_at + copy_after(known.workspace);
  Ingested outcome{IngestVerdict::kNextPart,
                   known.recording,
                   known.recording_no,
                   known.call_sid,
                   part,
                   offered_files(judged.row.files, known.files, row.files),
                   description.flags};
  Status committed = commit_row(io, std::move(row), draft.request().who,
                                archive_.config().quota_of(draft.request().workspace), outcome);
  if (committed.ok()) return outcome;
  if (committed.error().code != Code::kUnavailable) discard(io, writer);
  return committed.error();
}

// Files of this part's number lie in .incoming when an earlier try had an unknown outcome. The
// writer is asked for any commit: it recovers first, and then the row of that try is there or
// will never be.
Status Ingest::settle_earlier_try(Io& io, const Recording& known, int part) {
  HOLDFAST_ASSIGN(entry, archive_.standard.incoming_entry(io, PartId{known.recording, part}));
  if (!entry.description && entry.damage.empty()) return {};
  HOLDFAST_TRY(archive_.writer.call(add_workspace(known.workspace, "", "system")));
  HOLDFAST_ASSIGN(index, archive_.index.take());
  HOLDFAST_ASSIGN(now, find_recording_row(*index, known.recording_no));
  HOLDFAST_ASSIGN(unpromised, was_never_acknowledged(archive_));
  if (now && now->parts < part && !unpromised)
    return Error{
        Code::kUnavailable,
        "recording " + known.recording.text() + ": " + entry.part.text() +
            " lies in .incoming and may have been acknowledged; holdfast status tells when "
            "a person has to look at it"};
  if (now && now->parts < part) return {};
  return Error{Code::kUnavailable,
               "recording " + known.recording.text() + " got another part meanwhile; try again"};
}

// Acknowledges; placing comes by itself, and the row says where the files are until then.
Status Ingest::commit_row(Io& io, IngestRow row, const std::string& who, std::optional<Bytes> quota,
                          Ingested& outcome) {
  const int part = row.part;
  auto committed = archive_.writer.call(
      part == 1 ? ingest_recording(std::move(row), who, quota, archive_.config().expiry.not_before)
                : add_part(std::move(row), who, quota));
  if (!committed.ok()) return committed.error();
  outcome.verdict = committed->verdict;
  outcome.recording = committed->recording;
  outcome.recording_no = committed->recording_no;
  outcome.part = committed->part;
  if (committed->verdict == IngestVerdict::kSame) return {};
  Placing(archive_).place_soon(io, outcome.recording, outcome.recording_no, part);
  return {};
}

Status Ingest::adopt(Io& io, const RecordingDescription& description) {
  HOLDFAST_ASSIGN(found, archive_.source.find_ingest(description.recording, description.part));
  if (!found)
    return Error{Code::kNotFound,
                 "adopt " + description.part_id().text() + ": it is not in .incoming any more"};
  IngestRow row = *std::move(found);
  row.next_action_at = row.ended_at + copy_after(row.workspace);
  Ingested outcome;
  Status committed = commit_row(io, std::move(row), "system", std::nullopt, outcome);
  const bool superseded = (committed.ok() && outcome.verdict == IngestVerdict::kSame) ||
                          (!committed.ok() && committed.error().code == Code::kConflict);
  if (!superseded) return committed;
  // The writer recovers before it answers: an earlier try of unknown outcome may be the row that
  // was found, and then these files are the acknowledged ones.
  {
    HOLDFAST_ASSIGN(index, archive_.index.take());
    HOLDFAST_ASSIGN(known, find_recording(*index, description.recording));
    if (known)
      for (const PartRow& part : known->part_rows)
        if (part.part == description.part) return {};
  }
  // The recorder came again meanwhile, or the call was erased: this copy was never acknowledged.
  return archive_.standard.discard_incoming(io, description.part_id());
}

}  // namespace holdfast
