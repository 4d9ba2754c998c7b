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
  row.next_action_at = row.ended_at;  // policy looks when it is due
  return std::optional<IngestRow>(std::move(row));
}

Status MediaSource::walk() {
  std::map<PartId, std::string> placed;
  HOLDFAST_TRY(standard_.each_placed(
      io_, [&](std::string_view directory, const Result<RecordingDescription>& found) -> Status {
        if (found.ok())
          placed.emplace(found->part_id(), std::string(directory));
        else if (is_passing(found.error()))
          return found.error().within(directory);
        else
          log::warning("replay: {}: {}", directory, found.error().message);
        return Status();
      }));
  placed_ = std::move(placed);
  return {};
}

Result<std::optional<IngestRow>> MediaSource::find_ingest(const RecordingId& recording, int part) {
  const std::lock_guard lock(mutex_);
  const PartId id{recording, part};
  HOLDFAST_ASSIGN(incoming, read(incoming_directory(id)));
  if (incoming) return incoming;
  if (!placed_) HOLDFAST_TRY(walk());
  const auto found = placed_->find(id);
  if (found != placed_->end()) return read(found->second);
  const pack::PartMetadata* packed = packs_ != nullptr ? packs_->metadata_of(id) : nullptr;
  if (packed == nullptr) return std::optional<IngestRow>();
  HOLDFAST_ASSIGN(description, parse_recording_json(packed->recording_json));
  HOLDFAST_ASSIGN(row, ingest_row(description, packed->metadata_json, standard_.root().medium()));
  return std::optional<IngestRow>(std::move(row));
}

// The parts in it that lie nowhere else are located with it: their metadata is in it, too.
void MediaSource::expect(SealedPack pack) {
  std::lock_guard lock(expected_mutex_);
  expected_.insert_or_assign(std::pair(pack.pack, pack.medium), std::move(pack));
}

void MediaSource::expect_no_more(const PackId& pack) {
  std::lock_guard lock(expected_mutex_);
  std::erase_if(expected_, [&](const auto& one) { return one.first.first == pack; });
}

Result<std::optional<SealedPack>> MediaSource::find_pack(const PackId& pack,
                                                         const MediumId& medium) {
  {
    std::lock_guard lock(expected_mutex_);
    const auto found = expected_.find(std::pair(pack, medium));
    if (found != expected_.end()) return std::optional<SealedPack>(found->second);
  }
  const std::lock_guard lock(mutex_);
  if (packs_ == nullptr) return std::optional<SealedPack>();
  HOLDFAST_ASSIGN(sealed, packs_->find(pack, standard_.root().archive()));
  // Policy looks at it as soon as it can.
  if (sealed) sealed->next_action_at = UnixMillis(0);
  return sealed;
}

}  // namespace holdfast
