// Warm: packs as files in a labelled directory.
//
//   packs/<first 2 characters of the pack id>/<pack_id>.tar
//
// A session costs nothing, so any number may be open at a time and attach never
// waits; the label is checked at attach and before each append and removal.
// Appending publishes (io/publish.h), reading keeps the ring full, verification
// goes past the page cache (io/uncached.h).
#pragma once

#include "tiers/backend.h"
#include "tiers/label.h"

namespace holdfast {

class PackDirectory final : public PackBackend {
 public:
  // `root` outlives this and its sessions.
  explicit PackDirectory(MediumRoot& root, Tier tier = Tier::kWarm) : root_(root), tier_(tier) {}

  MediumId medium() const override { return root_.medium(); }
  Tier tier() const override { return tier_; }
  std::string_view kind() const override { return "pack"; }
  Result<std::unique_ptr<PackSession>> attach(Io& io) override;

 private:
  MediumRoot& root_;
  const Tier tier_;
};

}  // namespace holdfast
