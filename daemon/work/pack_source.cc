#include "daemon/work/pack_source.h"

#include <algorithm>

#include "index/read/recordings.h"

namespace holdfast {

Status same_as_acknowledged(const RecordingDescription& description, const PartId& part,
                            const std::vector<FileRow>& files) {
  const auto differs = [](const std::string& what) {
    return Error{Code::kCorrupt, "recording.json differs from the index: " + what};
  };
  if (description.part_id() != part)
    return differs("it is that of recording " + description.part_id().text());
  for (const FileRow& file : files) {
    const auto found = std::find_if(description.files.begin(), description.files.end(),
                                    [&](const RecordedFile& one) { return one.name == file.name; });
    if (found == description.files.end()) return differs("it does not name " + file.name);
    if (found->size != file.size || found->sha256 != file.sha256)
      return differs("size or SHA-256 of " + file.name);
  }
  if (description.files.size() != files.size())
    return differs("it names " + std::to_string(description.files.size()) + " files instead of " +
                   std::to_string(files.size()));
  return {};
}

namespace {

std::string directory_of(const PackMemberRow& member) {
  return Place{member.home, member.day, member.call_sid, member.part}.directory();
}

// What is missing on a medium that is away is not missing.
Error unless_away(Io& io, const Archive& archive, Error error) {
  if (error.code != Code::kNotFound) return error;
  auto there = archive.standard_root.checked(io);
  return there.ok() ? error : there.error();
}

Result<std::vector<FileRow>> acknowledged_files(const Archive& archive,
                                                const PackMemberRow& member) {
  HOLDFAST_ASSIGN(index, archive.index.take());
  HOLDFAST_ASSIGN(files, list_files(*index, member.recording_no));
  std::erase_if(files, [&](const FileRow& file) { return file.part != member.part; });
  return files;
}

// recording.json, if it says what the index does.
Result<RecordingDescription> checked_description(Io& io, const Archive& archive,
                                                 const PackMemberRow& member,
                                                 const std::vector<FileRow>& files) {
  auto description = archive.standard.read_description(io, directory_of(member));
  if (!description.ok()) return unless_away(io, archive, description.error());
  HOLDFAST_TRY(same_as_acknowledged(*description, PartId{member.recording, member.part}, files));
  return description;
}

}  // namespace

Result<pack::PlannedPart> planned_part(Io& io, const Archive& archive,
                                       const PackMemberRow& member) {
  HOLDFAST_ASSIGN(files, acknowledged_files(archive, member));
  HOLDFAST_ASSIGN(description, checked_description(io, archive, member, files));
  const std::string directory = directory_of(member);
  pack::PlannedPart part;
  part.recording_id = member.recording;
  part.part = member.part;
  part.recording_no = member.recording_no;
  part.recording_json = recording_json(description);
  for (const FileRow& file : files) {
    auto open = [&standard = archive.standard, directory, file](Io& io) {
      return standard.open_for_read(io, directory, file.name, file.size);
    };
    part.files.push_back(pack::PlannedFile{file.name, file.size, file.sha256, std::move(open)});
  }
  return part;
}

Status check_source(Io& io, const Archive& archive, const PackMemberRow& member) {
  HOLDFAST_ASSIGN(files, acknowledged_files(archive, member));
  HOLDFAST_TRY(checked_description(io, archive, member, files));
  for (const FileRow& file : files) {
    auto fd = archive.standard.open_for_read(io, directory_of(member), file.name, file.size);
    if (!fd.ok()) return unless_away(io, archive, fd.error());
    HOLDFAST_ASSIGN(digest, digest_file(io, fd->get(), file.size));
    if (digest != file.sha256)
      return Error{Code::kCorrupt, file.name + " differs from its SHA-256"};
  }
  return {};
}

}  // namespace holdfast
