#include "daemon/work/file_reader.h"

#include "daemon/work/quarantine.h"
#include "index/read/recordings.h"

namespace holdfast {
namespace {

// One that is being placed lies in .incoming or, since a moment, in its place already.
Result<Fd> open_at(Io& io, const Archive& archive, const ReadablePlace& place,
                   const Recording& recording, const FileRow& file) {
  auto fd = archive.standard.open_for_read(io, place.directory, file.name, file.size);
  const PartId id{recording.recording, file.part};
  if (fd.ok() || fd.error().code != Code::kNotFound || place.directory != incoming_directory(id))
    return fd;
  const Place settled{recording.home, recording.day, recording.call_sid, file.part};
  return archive.standard.open_for_read(io, settled.directory(), file.name, file.size);
}

// With the bytes that were acknowledged.
Result<Fd> open_whole(Io& io, const Archive& archive, const ReadablePlace& place,
                      const Recording& recording, const FileRow& file) {
  HOLDFAST_ASSIGN(fd, open_at(io, archive, place, recording, file));
  HOLDFAST_TRY(ensure_digest(io, fd, file.size, file.sha256, archive.digests));
  return Result<Fd>(std::move(fd));
}

bool is_suspect(Code code) { return code == Code::kNotFound || code == Code::kCorrupt; }

Result<Recording> look_again(const Archive& archive, const Recording& seen) {
  HOLDFAST_ASSIGN(index, archive.index.take());
  HOLDFAST_ASSIGN(now, find_recording(*index, seen.recording_no));
  if (now) return *std::move(now);
  return Error{Code::kNotFound, "recording " + seen.recording.text() + " is gone"};
}

}  // namespace

std::optional<ReadablePlace> readable_place(const Archive& archive, const Recording& recording,
                                            int part) {
  if (recording.state == RecordingState::kDestroying ||
      recording.state == RecordingState::kUnlocated)
    return std::nullopt;
  const PartId id{recording.recording, part};
  for (const CopyRow& copy : recording.copies) {
    if (copy.part != part || copy.pack || copy.medium != archive.standard_medium()) continue;
    if (copy.state == CopyState::kStaged)
      return ReadablePlace{staged_directory(id), copy.medium, copy.copied_at};
    if (copy.state != CopyState::kCopied && copy.state != CopyState::kVerified) continue;
    for (const PartRow& row : recording.part_rows) {
      if (row.part != part) continue;
      const Place place{recording.home, recording.day, recording.call_sid, part};
      return ReadablePlace{row.placed ? place.directory() : incoming_directory(id), copy.medium,
                           copy.copied_at};
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
  const auto archived = [&] {
    return Error{Code::kArchived, "recording " + recording.recording.text() + " is archived"};
  };
  std::optional<ReadablePlace> place = readable_place(archive, recording, file.part);
  if (!place) return archived();
  Result<Fd> fd = open_whole(io, archive, *place, recording, file);
  if (!fd.ok() && is_suspect(fd.error().code)) {
    // Since the look-up the part may have been released, destroyed, staged or repaired, and its
    // files unlinked while they were read. And what is missing on a medium that is away is not
    // missing.
    HOLDFAST_TRY(archive.standard_root.checked(io));
    HOLDFAST_ASSIGN(now, look_again(archive, recording));
    place = readable_place(archive, now, file.part);
    if (!place) return archived();
    fd = open_whole(io, archive, *place, now, file);
  }
  if (fd.ok()) return fd;
  Error error = fd.error();
  if (error.code == Code::kNotFound)
    error = Error{Code::kCorrupt, file.name + " is missing from " + place->directory};
  if (error.code == Code::kCorrupt)
    HOLDFAST_TRY(
        quarantine_copy(archive, BadCopy{recording.recording_no, file.part, place->medium,
                                         file.name + ": " + error.message, place->copied_at}));
  return error;
}

}  // namespace holdfast
