#include "daemon/work/copy_check.h"

#include <algorithm>

#include "base/limits.h"
#include "daemon/work/pack_source.h"
#include "daemon/work/quarantine.h"
#include "index/commands/copies.h"
#include "index/commands/packs.h"
#include "index/commands/repairs.h"
#include "index/read/recordings.h"
#include "index/read/work.h"
#include "io/uncached.h"

namespace holdfast {
namespace {

constexpr std::string_view kInMemory =
    "the file system keeps it in memory; it cannot be re-read from its medium";

bool blames_bytes(const Error& error) {
  return error.code == Code::kCorrupt || error.code == Code::kNotFound;
}

// What `read` says once it is known whether the bytes or the moment is bad. `is_there` checks the
// medium's label.
Result<VerifyMode> read_in_earnest(const std::function<Result<VerifyMode>()>& read,
                                   const std::function<Status()>& is_there) {
  for (int tries = 1;; ++tries) {
    auto mode = read();
    if (mode.ok()) return mode;
    const Error& error = mode.error();
    if (!blames_bytes(error) && error.code != Code::kIo) return error;
    // What is missing on a medium that is away is not missing.
    HOLDFAST_TRY(is_there());
    const bool is_known = error.code == Code::kCorrupt ||
                          (error.code == Code::kNotFound && tries > 1) ||
                          tries >= limits::kVerifyReadsMax;
    if (is_known) return Error{Code::kCorrupt, error.message, error.system_errno};
  }
}

CopyCheck unproven(const Error& error) { return {Verdict::kUnproven, error.message, Bytes(0)}; }

const CopyRow* plain_copy(const Recording& recording, int part, const MediumId& standard) {
  for (const CopyRow& copy : recording.copies)
    if (copy.part == part && copy.medium == standard && !copy.pack) return &copy;
  return nullptr;
}

const PartRow* part_row(const Recording& recording, int part) {
  for (const PartRow& row : recording.part_rows)
    if (row.part == part) return &row;
  return nullptr;
}

Result<std::optional<Recording>> look_up(const Archive& archive, RecordingNo number) {
  HOLDFAST_ASSIGN(index, archive.index.take());
  return find_recording(*index, number);
}

}  // namespace

std::string_view word(Verdict verdict) {
  switch (verdict) {
    case Verdict::kSound:
      return "sound";
    case Verdict::kBad:
      return "bad";
    case Verdict::kUnproven:
      return "unproven";
    case Verdict::kGone:
      return "gone";
  }
  return "unproven";
}

Result<VerifyMode> reread_part(Io& io, const Archive& archive, const std::string& directory,
                               const Recording& recording, int part) {
  std::vector<FileRow> files = recording.files;
  std::erase_if(files, [&](const FileRow& file) { return file.part != part; });
  HOLDFAST_ASSIGN(description, archive.standard.read_description(io, directory));
  HOLDFAST_TRY(same_as_acknowledged(description, PartId{recording.recording, part}, files));
  HOLDFAST_ASSIGN(root, archive.standard_root.current(io));
  VerifyMode weakest = VerifyMode::kDirect;
  for (const FileRow& file : files) {
    // No byte, and nothing to read back: its size is all there is.
    HOLDFAST_ASSIGN(found,
                    digest_uncached(io, root->get(), directory + "/" + file.name, file.size));
    if (found.digest != file.sha256)
      return Error{Code::kCorrupt, file.name + " differs from its SHA-256"};
    if (file.size.count == 0) continue;
    if (found.mode == VerifyMode::kNone) weakest = VerifyMode::kNone;
    if (found.mode == VerifyMode::kDropped && weakest == VerifyMode::kDirect)
      weakest = VerifyMode::kDropped;
  }
  return weakest;
}

Result<CopyCheck> check_plain_copy(Io& io, const Archive& archive, const PlainCopyKey& key) {
  HOLDFAST_ASSIGN(recording, look_up(archive, key.recording_no));
  if (!recording) return CopyCheck();
  const MediumId standard = archive.standard_medium();
  const CopyRow* copy = plain_copy(*recording, key.part, standard);
  const PartRow* row = part_row(*recording, key.part);
  if (copy == nullptr || row == nullptr || !row->placed) return CopyCheck();
  if (copy->state == CopyState::kQuarantined)
    return CopyCheck{Verdict::kBad, "it is quarantined", Bytes(0)};
  if (copy->state != CopyState::kCopied && copy->state != CopyState::kVerified) return CopyCheck();
  const std::string directory =
      Place{recording->home, recording->day, recording->call_sid, key.part}.directory();
  const auto mode =
      read_in_earnest([&] { return reread_part(io, archive, directory, *recording, key.part); },
                      [&]() -> Status {
                        auto there = archive.standard_root.checked(io);
                        return there.ok() ? Status() : Status(there.error());
                      });
  if (!mode.ok()) {
    if (mode.error().code != Code::kCorrupt) return unproven(mode.error());
    HOLDFAST_ASSIGN(done, quarantine_copy(archive, BadCopy{key.recording_no, key.part, standard,
                                                           mode.error().message, copy->copied_at}));
    // It left as it should while it was read.
    if (!done) return CopyCheck();
    return CopyCheck{Verdict::kBad, mode.error().message, row->bytes};
  }
  if (*mode == VerifyMode::kNone)
    return CopyCheck{Verdict::kUnproven, std::string(kInMemory), row->bytes};
  HOLDFAST_TRY(archive.writer.call(copy_verified(key.recording_no, key.part, standard, *mode)));
  return CopyCheck{Verdict::kSound, "", row->bytes};
}

Result<VerifyMode> reread_pack(Io& io, const Archive& archive, const PackRow& pack,
                               const PackCopyRow& copy) {
  SessionKeeper* keeper = archive.keeper_of(copy.medium);
  if (keeper == nullptr)
    return Error{Code::kUnavailable, "medium " + copy.medium.text() + " is not attached"};
  return read_in_earnest(
      [&]() -> Result<VerifyMode> {
        VerifyMode mode = VerifyMode::kNone;
        HOLDFAST_TRY(keeper->use(io, [&](PackSession& session) -> Status {
          HOLDFAST_ASSIGN(how, session.verify(io, copy.location, pack.size, pack.sha256));
          mode = how;
          return {};
        }));
        return mode;
      },
      [&] {
        keeper->close();  // the next session checks the label
        return keeper->use(io, [](PackSession&) { return Status(); });
      });
}

Result<CopyCheck> check_pack_copy(Io& io, const Archive& archive, const PackId& pack,
                                  const MediumId& medium) {
  std::optional<PackRow> row;
  std::optional<PackCopyRow> copy;
  {
    HOLDFAST_ASSIGN(index, archive.index.take());
    HOLDFAST_ASSIGN(found, find_pack(*index, pack));
    row = std::move(found);
    HOLDFAST_ASSIGN(lies, find_pack_copy(*index, pack, medium));
    copy = std::move(lies);
  }
  if (!row || !copy || copy->state == CopyState::kReleasing) return CopyCheck();
  if (copy->state == CopyState::kQuarantined)
    return CopyCheck{Verdict::kBad, "it is quarantined", Bytes(0)};
  const auto mode = reread_pack(io, archive, *row, *copy);
  if (!mode.ok()) {
    if (mode.error().code != Code::kCorrupt) return unproven(mode.error());
    // Its first re-read is its move's, which has the members packed anew.
    if (copy->state == CopyState::kCopied)
      return CopyCheck{Verdict::kUnproven, "its move re-reads it yet", row->size};
    HOLDFAST_ASSIGN(done, quarantine_pack(archive, pack, medium, mode.error().message));
    if (!done) return CopyCheck();
    return CopyCheck{Verdict::kBad, mode.error().message, row->size};
  }
  if (*mode == VerifyMode::kNone)
    return CopyCheck{Verdict::kUnproven, std::string(kInMemory), row->size};
  HOLDFAST_TRY(archive.writer.call(pack_scrubbed(pack, medium, *mode)));
  return CopyCheck{Verdict::kSound, "", row->size};
}

}  // namespace holdfast
