#include "daemon/work/recalled_member.h"

#include "daemon/work/pack_source.h"
#include "index/read/recordings.h"
#include "io/stream.h"
#include "tiers/pack/part_extractor.h"
#include "tiers/pack/reader.h"

namespace holdfast {
namespace {

// One original file out of the recalled pack, proven by its digest, into the sink.
Status extract_into(Io& io, const RecalledPack& recalled, const PackMemberRow& member,
                    const std::vector<std::string>& names, const FileRow& file,
                    const ByteSink& sink) {
  pack::FileReceiver receiver;
  receiver.begin = [](const pack::ExpectedFile&) { return Status(); };
  receiver.write = sink;
  receiver.end = [](const pack::ExpectedFile&) { return Status(); };
  pack::PartExtractor extractor(member.recording, member.part, names,
                                {{file.name, file.size, file.sha256}}, std::move(receiver));
  const std::optional<PackSpan>& span =
      file.name == pack::kMetadataName ? member.metadata : member.audio;
  if (span && span->length.count > 0) {
    HOLDFAST_TRY(read_through(io, recalled.file.get(), span->offset, span->length,
                              [&](ByteSpan bytes) { return extractor.push(bytes); }));
    HOLDFAST_TRY(extractor.end_range());
  }
  return extractor.finish();
}

// The same in a file without a name.
Result<Fd> extract_file(Io& io, const Archive& archive, const RecalledPack& recalled,
                        const PackMemberRow& member, const std::vector<std::string>& names,
                        const FileRow& file) {
  HOLDFAST_ASSIGN(out, open_scratch(io, archive));
  Bytes position;
  HOLDFAST_TRY(extract_into(io, recalled, member, names, file, [&](ByteSpan bytes) -> Status {
    HOLDFAST_TRY(io.write_all(out.get(), position, bytes));
    position += Bytes(static_cast<int64_t>(bytes.size()));
    return {};
  }));
  return Result<Fd>(std::move(out));
}

// The disk that it was recalled to, or a stop: nothing that the pack is to blame for.
bool blames_no_bytes(const Error& error) {
  return error.code == Code::kUnavailable || error.code == Code::kIo ||
         error.code == Code::kNoSpace;
}

Result<std::vector<FileRow>> files_of(const Archive& archive, const PackMemberRow& member) {
  HOLDFAST_ASSIGN(index, archive.index.take());
  HOLDFAST_ASSIGN(files, list_files(*index, member.recording_no));
  std::erase_if(files, [&](const FileRow& file) { return file.part != member.part; });
  return files;
}

// recording.json as it was written at ingest.
Result<std::string> recording_json_of(Io& io, const RecalledPack& recalled,
                                      const PackMemberRow& member,
                                      const std::vector<FileRow>& files) {
  const pack::RangeReader read = [&](const PackRange& range, const ByteSink& sink) {
    return read_through(io, recalled.file.get(), range.offset, range.length, sink);
  };
  HOLDFAST_ASSIGN(metadata, pack::read_part_metadata(
                                read, PackRange{member.metadata->offset, member.metadata->length}));
  HOLDFAST_ASSIGN(description, parse_recording_json(metadata.recording_json));
  HOLDFAST_TRY(same_as_acknowledged(description, PartId{member.recording, member.part}, files));
  return std::move(metadata.recording_json);
}

// The first copy of which `look` finds what it looks for; its place in `copies`.
Result<size_t> first_of(const std::vector<const RecalledPack*>& copies, const std::string& what,
                        const std::function<Status(const RecalledPack&)>& look) {
  std::string why;
  for (size_t i = 0; i < copies.size(); ++i) {
    const Status found = look(*copies[i]);
    if (found.ok()) return i;
    if (blames_no_bytes(found.error())) return found.error();
    why = found.error().message;
  }
  return Error{Code::kCorrupt, what + " is whole in no copy of the pack: " + why};
}

Result<pack::PlannedPart> planned(Io& io, const Archive& archive,
                                  const std::vector<const RecalledPack*>& copies,
                                  const PackMemberRow& member, bool is_proven) {
  if (!member.metadata)
    return Error{Code::kCorrupt, "the index does not know where recording " +
                                     member.recording.text() + " lies in its pack"};
  HOLDFAST_ASSIGN(files, files_of(archive, member));
  pack::PlannedPart part;
  part.recording_id = member.recording;
  part.part = member.part;
  part.recording_no = member.recording_no;
  HOLDFAST_TRY(first_of(copies, "recording.json", [&](const RecalledPack& copy) -> Status {
    HOLDFAST_ASSIGN(text, recording_json_of(io, copy, member, files));
    part.recording_json = std::move(text);
    return {};
  }));
  std::vector<std::string> names;
  names.reserve(files.size());
  for (const FileRow& file : files) names.push_back(file.name);
  const auto nowhere = [](ByteSpan) { return Status(); };
  for (const FileRow& file : files) {
    HOLDFAST_ASSIGN(from, first_of(copies, file.name, [&](const RecalledPack& copy) {
                      return is_proven ? Status()
                                       : extract_into(io, copy, member, names, file, nowhere);
                    }));
    auto open = [&archive, copy = copies[from], member, names, file](Io& with) {
      return extract_file(with, archive, *copy, member, names, file);
    };
    part.files.push_back(pack::PlannedFile{file.name, file.size, file.sha256, std::move(open)});
  }
  return part;
}

}  // namespace

Result<pack::PlannedPart> recalled_member(Io& io, const Archive& archive,
                                          const std::vector<RecalledPack>& copies,
                                          const PackMemberRow& member) {
  std::vector<const RecalledPack*> all;
  all.reserve(copies.size());
  for (const RecalledPack& copy : copies) all.push_back(&copy);
  return planned(io, archive, all, member, false);
}

Result<pack::PlannedPart> recalled_member(Io& io, const Archive& archive, const RecalledPack& whole,
                                          const PackMemberRow& member) {
  return planned(io, archive, {&whole}, member, true);
}

}  // namespace holdfast
