// Commands of single copies: plain files on the standard tier.
#pragma once

#include "base/permit.h"
#include "index/guard.h"
#include "index/writer.h"

namespace holdfast {

// Asks the guard; the copy becomes releasing and the recording's tier follows. Idempotent.
// kLocked when verified copies are missing elsewhere. Decision copy.released (weakening).
Command<ReleasePermit> release_copy(RecordingNo recording, int part, MediumId medium,
                                    ReleasePolicy policy, std::string who);
// The released copy's bytes are gone: the row goes. Idempotent; no line.
Command<void> copy_gone(RecordingNo recording, int part, MediumId medium);
// The copy was re-read and differs from its digests, or its bytes are missing. False, without a
// line, when there is no copy to quarantine: it is gone, planned, leaving (released or destroyed)
// or quarantined already, or, with `copied_at`, another took its place since. Decision
// copy.quarantined.
Command<bool> copy_quarantined(RecordingNo recording, int part, MediumId medium,
                               std::optional<UnixMillis> copied_at, std::string reason,
                               std::string who);
// A plain copy was re-read past the page cache. No line.
Command<void> copy_verified(RecordingNo recording, int part, MediumId medium, VerifyMode mode);

}  // namespace holdfast
