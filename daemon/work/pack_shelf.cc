#include "daemon/work/pack_shelf.h"

#include <cerrno>

#include "base/log.h"
#include "daemon/work/pack_contents.h"
#include "tiers/pack_directory.h"
#include "tiers/vault/vault.h"

namespace holdfast {

Status PackShelf::add(const std::string& path, Tier tier, const ArchiveId& archive) {
  const auto label = read_label(io_, path);
  // One that is away shows none; one that could not be opened just now may show some.
  const int number_of_error = label.ok() ? 0 : label.error().system_errno;
  if (number_of_error == EMFILE || number_of_error == ENFILE || number_of_error == ENOMEM)
    return label.error();
  if (!label.ok() || label->archive != archive) {
    log::warning("replay: the {} medium at {} shows no packs: {}", word(tier), path,
                 label.ok() ? "it is another archive's" : label.error().message);
    return {};
  }
  Medium medium;
  if (tier == Tier::kWarm) {
    medium.root = std::make_unique<MediumRoot>(path, archive, label->medium);
    medium.backend = std::make_unique<PackDirectory>(*medium.root);
  } else {
    const VaultTimes times{config_.cold->attach_time, config_.cold->detach_time};
    medium.backend = std::make_unique<Vault>(path, archive, label->medium, times, sleeper_);
  }
  HOLDFAST_ASSIGN(session, medium.backend->attach(io_));
  const size_t number = media_.size();
  HOLDFAST_TRY(session->list(io_, [&](const ShownPack& shown) -> Status {
    packs_.emplace(shown.pack, std::pair(number, shown));
    return {};
  }));
  media_.push_back(std::move(medium));
  return {};
}

Status PackShelf::open(const ArchiveId& archive) {
  if (opened_) return {};
  HOLDFAST_TRY(add(config_.warm.path, Tier::kWarm, archive));
  if (!config_.warm.mirror.empty()) HOLDFAST_TRY(add(config_.warm.mirror, Tier::kWarm, archive));
  if (config_.cold) HOLDFAST_TRY(add(config_.cold->path, Tier::kCold, archive));
  opened_ = true;
  return {};
}

Result<std::optional<SealedPack>> PackShelf::find(const PackId& pack, const ArchiveId& archive) {
  HOLDFAST_TRY(open(archive));
  last_.clear();
  std::optional<Error> passing;
  const auto [begin, end] = packs_.equal_range(pack);
  for (auto one = begin; one != end; ++one) {
    const auto& [number, shown] = one->second;
    PackBackend& backend = *media_[number].backend;
    const auto session = backend.attach(io_);
    if (!session.ok()) {
      passing = session.error();
      continue;
    }
    auto sealed = read_sealed_pack(io_, **session, shown, backend.medium(), archive);
    Status read = sealed.ok() ? each_packed_part(io_, **session, shown,
                                                 [&](pack::PartMetadata part) -> Status {
                                                   const PartId id{part.recording_id, part.part};
                                                   last_.insert_or_assign(id, std::move(part));
                                                   return {};
                                                 })
                              : Status(sealed.error());
    if (read.ok()) return std::optional<SealedPack>(std::move(sealed).value());
    last_.clear();
    log::warning("replay: pack {} at {}: {}", pack.text(), shown.location, read.error().message);
    if (is_passing(read.error())) passing = read.error();
  }
  if (passing) return *passing;  // no other place has it
  return std::optional<SealedPack>();
}

const pack::PartMetadata* PackShelf::metadata_of(const PartId& part) const {
  const auto found = last_.find(part);
  return found == last_.end() ? nullptr : &found->second;
}

}  // namespace holdfast
