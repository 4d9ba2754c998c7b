// Commands of scrub, repair and compaction.
#pragma once

#include "index/guard.h"
#include "index/read/repairs.h"
#include "index/writer.h"

namespace holdfast {

// The pack on the medium was read back again with the right digest. Only one that was verified
// before; no line: the next run of the scrub says it again.
Command<void> pack_scrubbed(PackId pack, MediumId medium, VerifyMode mode);

// The guard's word that proven bytes may take a bad copy's place (Guard::check_copy_repair).
Command<CopyRepairPermit> permit_copy_repair(RecordingNo recording, int part, MediumId medium);
Command<PackRepairPermit> permit_pack_repair(PackId pack, MediumId medium);
// The quarantined copy is good again: written anew, or never bad, and re-read past the page cache.
// kConflict when it is not quarantined; kInvalid with mode none. Decision copy.repaired.
Command<void> copy_repaired(RecordingNo recording, int part, MediumId medium, VerifyMode mode,
                            std::string who);
// The same for a pack, which lies at `location` now. Its members' copies there are good with it,
// those too that were quarantined by themselves. kConflict when nothing of it is quarantined.
// Decision pack.repaired.
Command<void> pack_repaired(PackId pack, MediumId medium, std::string location, VerifyMode mode,
                            std::string who);
// The try failed: the next one is at `not_before`. No line.
Command<void> repair_failed(int64_t quarantine_no, std::string error, UnixMillis not_before);
// There is no bad copy any more: it went, or another took its place. No line.
Command<void> quarantine_over(int64_t quarantine_no);

// Begins the rewriting of a sealed pack; gives the row that is there, with `new_pack` only when the
// one that it names was given up or has no good copy any more. kConflict when the pack is not
// sealed. No line.
Command<RewriteRow> begin_rewrite(PackId pack, PackId new_pack);
// The new pack is about to be made, and written to a medium. No line.
Command<void> rewrite_written(PackId pack);
// It was not: making it failed before anything of it came to a medium. No line.
Command<void> rewrite_not_written(PackId pack);
// A new pack that no row speaks of may go (Guard::check_stray_pack). No line: nothing was ever told
// of it.
Command<PackReleasePermit> permit_stray_pack(PackId new_pack, MediumId medium);
// The step failed: the rewriting is set back until `not_before`. Whoever only waits has used up no
// try. A new pack that stands meanwhile goes on its way, but not to where the old one lies, nor off
// a tier where it does. No line.
struct SetBack {
  std::string error;
  UnixMillis not_before;
  bool is_waiting = false;
};
Command<void> rewrite_failed(PackId pack, SetBack back);
// Its step went well: it is under way again. No line.
Command<void> rewrite_went_on(PackId pack);
// The old pack lies nowhere any more but, for living members whose last copy that is, on media that
// were declared lost. kConflict while it does.
Command<void> finish_rewrite(PackId pack);

// The medium was declared lost, and with it what it had of the pack. When every living member
// stands well elsewhere (Guard::check_pack_lost) the pack is released there; else its destroyed
// members alone are forgotten there, and no permit is given. Moves from and to the medium end.
// kConflict when it was not declared lost. Idempotent. Decision pack.released (weakening).
Command<std::optional<PackReleasePermit>> give_up_lost_pack(PackId pack, MediumId medium,
                                                            std::string who);
// The rewriting ends where it is: of a pack without a good copy what could be read is in the new
// one, and the rest stays. No line.
Command<void> end_salvage(PackId pack);

// The new pack is complete on its medium and was re-read there: its members' copies on the medium
// are in it now, and the old pack is released there (with `release_old`; else its other members
// stay in it). kLocked when a living member of the old pack is not in the new one; kConflict while
// a move of the old pack is under way, and when no member of the new one is in the old one there.
// Idempotent. Decisions pack.rewritten and pack.released (weakening).
struct RewrittenPack {
  SealedPack pack;
  PackId from;
  VerifyMode mode = VerifyMode::kNone;
  bool release_old = true;
};
Command<std::optional<PackReleasePermit>> rewrite_pack(RewrittenPack request, std::string who);

// Nothing is left to do for the mirror of warm: its members that wait for a copy more are due. No
// line.
Command<void> pack_mirrored(PackId pack);

}  // namespace holdfast
