// Whoever finds a copy bad says so here: the row is quarantined, the ledger and the log tell it,
// and the mount forgets what it remembers of the recording.
#pragma once

#include <optional>
#include <string>

#include "daemon/work/archive.h"

namespace holdfast {

struct BadCopy {
  RecordingNo recording_no;
  int part = 1;
  MediumId medium;
  std::string reason;
  // When given: only if the copy is still the one that was copied then, and not one that took its
  // place since it was looked at.
  std::optional<UnixMillis> copied_at;
};

// False, and nothing was done, when there is no such copy any more, it is leaving as it should
// (released, destroyed), or it is quarantined already. Thread rule: any thread but the loop's.
Result<bool> quarantine_copy(const Archive& archive, const BadCopy& bad);

// The mount forgets what it remembers of a pack's members: their copies on the medium changed.
Status tell_members(const Archive& archive, const PackId& pack, const MediumId& medium);

// The same for a whole pack on one medium.
Result<bool> quarantine_pack(const Archive& archive, const PackId& pack, const MediumId& medium,
                             const std::string& reason);

}  // namespace holdfast
