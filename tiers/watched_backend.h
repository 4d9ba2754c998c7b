// A decorator that tells a BackendHealth what the back-end itself failed at.
//
// An error that the caller's source or sink gave is the caller's, and comes back as it was. A full
// medium and a request that makes no sense are no failures either.
#pragma once

#include <memory>

#include "tiers/backend.h"
#include "tiers/health.h"

namespace holdfast {

class WatchedBackend final : public PackBackend {
 public:
  // Both outlive this and its sessions.
  WatchedBackend(PackBackend& inner, BackendHealth& health) : inner_(inner), health_(health) {}

  MediumId medium() const override { return inner_.medium(); }
  Tier tier() const override { return inner_.tier(); }
  std::string_view kind() const override { return inner_.kind(); }
  Result<std::unique_ptr<PackSession>> attach(Io& io) override;

 private:
  PackBackend& inner_;
  BackendHealth& health_;
};

}  // namespace holdfast
