#include "daemon/work/media_source.h"

#include "base/limits.h"
#include "base/log.h"
#include "daemon/work/ingest_row.h"
#include "io/text_file.h"

namespace holdfast {

Result<std::optional<IngestRow>> MediaSource::read(const std::string& directory) {
  auto description = standard_.read_description(io_, directory);
  if (!description.ok()) {
    if (description.error().code == Code::kNotFound) return std::optional<IngestRow>();
    return description.error();
  }
  std::optional<std::string> metadata;
  for (const RecordedFile& file : description->files) {
    if (file.name != "metadata.json") continue;
    HOLDFAST_ASSIGN(fd, standard_.open_for_read(io_, directory, file.name, file.size));
    std::string text(static_cast<size_t>(file.size.count), '\0');
    HOLDFAST_TRY(
        io_.read_exactly(fd.get(), Bytes(0),
                         MutableByteSpan(reinterpret_cast<std::byte*>(text.data()), text.size())));
    metadata = std::move(text);
  }
  HOLDFAST_ASSIGN(row, ingest_row(*description, std::move(metadata), standard_.root().medium()));
  return std::optional<IngestRow>(std::move(row));
}

Status MediaSource::walk() {
  placed_.emplace();
  return standard_.each_placed(
      io_, [&](std::string_view directory, const Result<RecordingDescription>& found) {
        if (found.ok())
          placed_->emplace(found->part_id(), std::string(directory));
        else
          log::warning("replay: {}: {}", directory, found.error().message);
        return Status();
      });
}

Result<std::optional<IngestRow>> MediaSource::find_ingest(const RecordingId& recording, int part) {
  const PartId id{recording, part};
  HOLDFAST_ASSIGN(incoming, read(incoming_directory(id)));
  if (incoming) return incoming;
  if (!placed_) HOLDFAST_TRY(walk());
  const auto found = placed_->find(id);
  if (found == placed_->end()) return std::optional<IngestRow>();
  return read(found->second);
}

// A pack that the index lost is found by a rebuild, which reads the media whole; the lines after it
// are kept as they are until then.
Result<std::optional<SealedPack>> MediaSource::find_pack(const PackId&, const MediumId&) {
  return std::optional<SealedPack>();
}

}  // namespace holdfast
