#include "daemon/work/part_extraction.h"

namespace holdfast {

std::vector<PackRange> ranges_of(const CopyRow& copy) {
  std::vector<PackRange> ranges;
  for (const std::optional<PackSpan>& span : {copy.audio, copy.metadata})
    if (span && span->length.count > 0) ranges.push_back(PackRange{span->offset, span->length});
  return ranges;
}

Status extract_part(Io& io, PartWriter& writer, const Recording& recording, int part,
                    const TargetError& of_target,
                    const std::function<Status(pack::PartExtractor&)>& feed) {
  std::vector<std::string> names;
  std::vector<pack::ExpectedFile> wanted;
  for (const FileRow& file : recording.files) {
    if (file.part != part) continue;
    names.push_back(file.name);
    wanted.push_back({file.name, file.size, file.sha256});
  }
  names.push_back(std::string(kRecordingFileName));
  std::unique_ptr<FileWriter> open;
  pack::FileReceiver receiver;
  receiver.begin = [&](const pack::ExpectedFile& file) -> Status {
    auto created = writer.create(io, file.name, file.size);
    if (!created.ok()) return of_target(created.error());
    open = std::move(created).value();
    return {};
  };
  receiver.write = [&](ByteSpan bytes) -> Status {
    Status appended = open->append(io, bytes);
    return appended.ok() ? appended : Status(of_target(appended.error()));
  };
  receiver.end = [&](const pack::ExpectedFile&) -> Status {
    auto finished = open->finish(io);
    open.reset();
    return finished.ok() ? Status() : Status(of_target(finished.error()));
  };
  pack::PartExtractor extractor(recording.recording, part, std::move(names), std::move(wanted),
                                std::move(receiver));
  HOLDFAST_TRY(feed(extractor));
  return extractor.finish();
}

Status feed_ranges(Io& io, PackSession& session, const PackLocation& location,
                   const std::vector<PackRange>& ranges, pack::PartExtractor& extractor) {
  size_t current = 0;
  HOLDFAST_TRY(session.read(io, location, ranges, [&](size_t index, ByteSpan bytes) -> Status {
    if (index != current) HOLDFAST_TRY(extractor.end_range());
    current = index;
    return extractor.push(bytes);
  }));
  return extractor.end_range();
}

}  // namespace holdfast
