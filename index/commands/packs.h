// Commands of packs: gather members, seal, copy, verify, release.
#pragma once

#include "base/permit.h"
#include "index/guard.h"
#include "index/writer.h"

namespace holdfast {

struct OpenPack {
  PackId pack;
  std::string cohort;
  MediumId target;
  UnixMillis next_action_at;  // when it seals at the latest
};
// kConflict when the id exists. No line: an open pack is nothing but rows.
Command<PackRow> open_pack(OpenPack request);

struct PartKey {
  RecordingNo recording;
  int part = 1;
};
struct AssignedMembers {
  PackRow pack;                  // with its new totals
  std::vector<PartKey> skipped;  // not live, not placed, or planned for that medium already
};
// Plans a copy of each part on the pack's target and takes the recording out of the due rows
// (next_action_at = none). kConflict unless the pack is open. No line.
Command<AssignedMembers> assign_members(PackId pack, std::vector<PartKey> members);
// Takes members out of an open pack again; their recordings are due at `retry_at`. No line.
Command<void> drop_members(PackId pack, std::vector<PartKey> members, UnixMillis retry_at);
// Forgets an open pack without members. No line.
Command<void> drop_pack(PackId pack);
// When policy looks at the pack again; none: never. No line.
Command<void> set_pack_action(PackId pack, std::optional<UnixMillis> at);
// The same, unless another has set it since it was `seen`.
Command<void> replace_pack_action(PackId pack, std::optional<UnixMillis> seen,
                                  std::optional<UnixMillis> at);

// The pack is complete and durable on its first medium: digest, size and ranges are taken, members'
// copies are copied. The members sealed must be the members planned (kConflict): drop_members
// comes first. Decision pack.sealed (protecting).
Command<PackRow> seal_pack(SealedPack pack, std::string who);
// The sealed pack lies unchanged on a further medium. Idempotent. Decision pack.copied.
Command<void> pack_copied(PackId pack, MediumId medium, std::string location, std::string who);
// The pack on the medium was re-read past the page cache with the right digest: its members' copies
// there are verified. kInvalid with mode none. Decision pack.verified.
Command<void> pack_verified(PackId pack, MediumId medium, VerifyMode mode, std::string who);
// The pack on the medium was re-read and differs: it and its members' copies there are quarantined.
// Idempotent; nothing happens to one that is releasing. Decision copy.quarantined.
Command<void> pack_quarantined(PackId pack, MediumId medium, std::string reason, std::string who);

// Asks the guard; pack and members on the medium become releasing, tiers follow. Idempotent.
// Decision pack.released (weakening).
Command<PackReleasePermit> release_pack(PackId pack, MediumId medium, ReleasePolicy policy,
                                        std::string who);
// The same for a pack that was found bad before it was ever verified: what it was made from stands
// (Guard::check_pack_abandon). Idempotent. Decision pack.released (weakening).
Command<PackReleasePermit> abandon_pack(PackId pack, MediumId medium, std::string who);
// The released pack's bytes are gone from the medium: rows go, its quarantine there is over. When
// it lies nowhere any more its unfinished moves are forgotten (the lines of the pack tell what
// became of it), and its members are due at once: they may join another pack. Idempotent; no line.
Command<void> pack_gone(PackId pack, MediumId medium);

}  // namespace holdfast
