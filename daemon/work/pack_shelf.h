// The media that hold packs, for a start-up that has to bring an older index up to
// date: what is in a pack is then read from the pack itself.
//
// Thread rule: one thread at a time.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "base/config.h"
#include "index/decisions.h"
#include "tiers/backend.h"
#include "tiers/label.h"
#include "tiers/pack/reader.h"
#include "tiers/read/place.h"
#include "tiers/vault/sleeper.h"

namespace holdfast {

class PackShelf {
 public:
  // All outlive this. Nothing is read until somebody asks; a medium that is away shows nothing.
  PackShelf(Io& io, const Config& config, Sleeper& sleeper)
      : io_(io), config_(config), sleeper_(sleeper) {}

  // On whichever medium shows it. Its parts' metadata is kept until the next pack is asked for.
  Result<std::optional<SealedPack>> find(const PackId& pack, const ArchiveId& archive);
  // Of the pack that was found last.
  const pack::PartMetadata* metadata_of(const PartId& part) const;

 private:
  struct Medium {
    std::unique_ptr<MediumRoot> root;
    std::unique_ptr<PackBackend> backend;
  };
  Status open(const ArchiveId& archive);
  Status add(const std::string& path, Tier tier, const ArchiveId& archive);

  Io& io_;
  const Config& config_;
  Sleeper& sleeper_;
  bool opened_ = false;
  std::vector<Medium> media_;
  std::multimap<PackId, std::pair<size_t, ShownPack>> packs_;  // which of media_
  std::map<PartId, pack::PartMetadata> last_;
};

}  // namespace holdfast
