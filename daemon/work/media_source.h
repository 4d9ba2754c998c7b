// Where replayed decisions find what their lines only name: recording.json and
// metadata.json on the standard tier, trailers of packs.
#pragma once

#include <map>
#include <memory>

#include "index/decisions.h"
#include "tiers/disk/standard_tree.h"

namespace holdfast {

// Thread rule: one thread at a time.
class MediaSource final : public DecisionSource {
 public:
  // Both outlive this.
  MediaSource(Io& io, StandardTree& standard) : io_(io), standard_(standard) {}

  Result<std::optional<IngestRow>> find_ingest(const RecordingId& recording, int part) override;
  Result<std::optional<SealedPack>> find_pack(const PackId& pack, const MediumId& medium) override;

 private:
  Result<std::optional<IngestRow>> read(const std::string& directory);
  Status walk();

  Io& io_;
  StandardTree& standard_;
  // Where placed parts lie, by id: filled by one walk, when a line first needs it.
  std::optional<std::map<PartId, std::string>> placed_;
};

}  // namespace holdfast
