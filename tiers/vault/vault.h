// Cold: a directory that behaves as a medium in a vault. It is offline until it
// is attached, which takes its time; packs are appended one after another; what
// is read is read in the order in which it lies there.
//
//   detached ──attach (label checked, attach_time passes)──▶ attached
//      ▲                                                        │ append, read, verify, remove
//      └──────────── session destroyed (detach_time passes) ────┘
//
// On the medium: vault/<nnnnnnnnnn>-<pack_id>.tar, numbered in the order of
// appending. The location is the file's name: locations sort in media order.
//
// Invariants:
// - One session at a time: a second attach answers kUnavailable at once, so that
//   no worker waits for another; callers queue (tiers/recall_order.h).
// - No descriptor of the medium is held while it is detached.
// - Ranges of one read ascend and do not overlap; others are refused (kInvalid).
#pragma once

#include <atomic>
#include <memory>
#include <string>

#include "tiers/backend.h"
#include "tiers/label.h"
#include "tiers/vault/sleeper.h"

namespace holdfast {

struct VaultTimes {
  Millis attach{0};  // what a session's opening costs
  Millis detach{0};
};

class Vault final : public PackBackend {
 public:
  // `sleeper` outlives this and its sessions.
  Vault(std::string path, ArchiveId archive, MediumId medium, VaultTimes times, Sleeper& sleeper);

  // As MediumRoot::set_reserve.
  void set_reserve(Bytes reserve) { root_.set_reserve(reserve); }
  // As MediumRoot::respect.
  void respect(SpaceReserve& kept) { root_.respect(kept); }

  MediumId medium() const override { return root_.medium(); }
  Tier tier() const override { return Tier::kCold; }
  std::string_view kind() const override { return "vault"; }
  Result<std::unique_ptr<PackSession>> attach(Io& io) override;

 private:
  MediumRoot root_;
  const VaultTimes times_;
  Sleeper& sleeper_;
  std::atomic<bool> attached_{false};
};

}  // namespace holdfast
