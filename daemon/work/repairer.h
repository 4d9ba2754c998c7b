// The repairer: makes quarantined copies good again, from another copy, and keeps the mirror of
// warm.
//
//   quarantined ──read again, right──────────────────────────────▶ good (it was never bad)
//        │     ──another good copy──▶ written beside ──re-read──▶ in its place ──▶ good
//        │     ──its time on the tier is over, good elsewhere───▶ released
//        │     ──a pack whose members all stand elsewhere───────▶ released, packed anew
//        │     ──a pack without a good copy─────────────────────▶ salvaged (compactor_salvage.cc)
//        └──none of these──▶ stays quarantined, is told, is tried again (later and later)
//
// Invariants
// - The open rows of `quarantine` are the work; a restart does the same.
// - A bad copy's bytes stay where they are until good ones were re-read beside them, and give way
//   only with the guard's permit. What has no good copy is never removed, and never served.
// - A repaired copy counts once it was re-read past the page cache, and that is committed.
// - What a move is making is the move's to make again.
// - A stop, or a pause of a tier that is read or written, ends what is under way at its next piece:
//   it has not failed, and its row stays due.
#pragma once

#include <atomic>
#include <map>

#include "daemon/work/archive.h"
#include "daemon/work/pack_recall.h"
#include "daemon/work/remover.h"
#include "index/read/repairs.h"

namespace holdfast {

class Repairer {
 public:
  explicit Repairer(const Archive& archive) : archive_(archive), remover_(archive) {}

  // The repairs that are due, then a pack that the mirror lacks. True when something was done and
  // more may be due. Thread rule: one thread.
  Result<bool> run_once(Io& io);
  void run(Io& io);
  void request_stop() { stop_ = true; }

 private:
  Status repair(Io& io, const QuarantineRow& row);
  Status wait_for_next_try(const QuarantineRow& row, const Error& error);

  // --- plain copies
  Status repair_plain(Io& io, const QuarantineRow& row, const Recording& recording,
                      const CopyRow& copy);
  Result<bool> release_if_over(Io& io, const Recording& recording, const CopyRow& copy);
  Status rewrite_plain(Io& io, const Recording& recording, const CopyRow& bad);
  Status extract_from(Io& io, const Recording& recording, const CopyRow& good, int part);

  // --- packs
  Status repair_pack(Io& io, const QuarantineRow& row, const PackId& pack);
  Status replace_pack(Io& io, const PackRow& pack, const PackCopyRow& bad,
                      const std::vector<PackCopyRow>& sources);
  Error begin_to_salvage(const PackId& pack, const MediumId& medium);
  Status let_members_stand_elsewhere(Io& io, const PackRow& pack, const PackCopyRow& bad);

  // --- the mirror of warm
  Result<bool> mirror_packs(Io& io);
  Status mirror_pack(Io& io, const PackId& pack);
  Status append_to_mirror(Io& io, const PackRow& pack, const std::vector<PackCopyRow>& sources,
                          PackLocation& location);
  Status note_first_reread(const PackId& pack, const MediumId& medium,
                           const Result<VerifyMode>& mode);

  Archive archive_;
  Remover remover_;
  UnixMillis mirror_not_before_;                         // of all packs: the mirror is away or full
  std::map<PackId, UnixMillis> mirror_pack_not_before_;  // of those that failed
  std::atomic<bool> stop_{false};
};

}  // namespace holdfast
