#include "daemon/work/file_reader.h"

#include "base/log.h"
#include "index/commands/copies.h"

namespace holdfast {

std::optional<ReadablePlace> readable_place(const Archive& archive, const Recording& recording,
                                            int part) {
  if (recording.state == RecordingState::kDestroying ||
      recording.state == RecordingState::kUnlocated)
    return std::nullopt;
  const PartId id{recording.recording, part};
  for (const CopyRow& copy : recording.copies) {
    if (copy.part != part || copy.pack || copy.medium != archive.standard_medium()) continue;
    if (copy.state == CopyState::kStaged) return ReadablePlace{staged_directory(id), copy.medium};
    if (copy.state != CopyState::kCopied && copy.state != CopyState::kVerified) continue;
    for (const PartRow& row : recording.part_rows) {
      if (row.part != part) continue;
      const Place place{recording.workspace, recording.day, recording.call_sid, part};
      return ReadablePlace{row.placed ? place.directory() : incoming_directory(id), copy.medium};
    }
  }
  return std::nullopt;
}

bool is_available(const Archive& archive, const Recording& recording) {
  for (const PartRow& part : recording.part_rows)
    if (!readable_place(archive, recording, part.part)) return false;
  return true;
}

Result<Fd> open_file(Io& io, const Archive& archive, const Recording& recording,
                     const FileRow& file) {
  const std::optional<ReadablePlace> place = readable_place(archive, recording, file.part);
  if (!place)
    return Error{Code::kArchived, "recording " + recording.recording.text() + " is archived"};
  auto fd = archive.standard.open_for_read(io, place->directory, file.name, file.size);
  // Between the look-up and now the part may have been renamed from .incoming into its place.
  if (!fd.ok() && fd.error().code == Code::kNotFound) {
    const Place settled{recording.workspace, recording.day, recording.call_sid, file.part};
    fd = archive.standard.open_for_read(io, settled.directory(), file.name, file.size);
  }
  Status whole = fd.ok() ? ensure_digest(io, *fd, file.size, file.sha256, archive.digests)
                         : Status(fd.error());
  if (whole.ok()) return fd;
  if (whole.error().code == Code::kCorrupt) {
    log::error("recording {}: {}: {}", recording.recording.text(), file.name,
               whole.error().message);
    HOLDFAST_TRY(archive.writer.call(copy_quarantined(
        recording.recording_no, file.part, place->medium, whole.error().message, "system")));
  }
  return whole.error();
}

}  // namespace holdfast
