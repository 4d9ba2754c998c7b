// What lies in .incoming and nobody works on: left by a crash, by a commit whose outcome was
// unknown, by an upload that no worker had time to clear away. Start-up settles it, and so does a
// turn every minute while the daemon runs; it is the same code (P7).
//
//   no row, incomplete ──▶ discarded: never acknowledged
//   no row, complete   ──▶ synced, and read from the medium
//                            every digest right ──▶ adopted: acknowledged after all
//                            else               ──▶ discarded: a loss of power came amid its
//                                                   syncs; left alone where a line that is lost
//                                                   may have acknowledged it
//   a row              ──▶ placed
//
// What it leaves (such a damaged one, until the next start; what it tries again in its next turn)
// is in Archive::left_parts, from where status tells it.
//
// A part that somebody is writing (LiveParts) is not looked at. Parts of a known recording are
// settled in its turn (Turns), so that nobody begins one of the same number meanwhile.
#pragma once

#include "daemon/work/archive.h"

namespace holdfast {

struct IncomingReport {
  int adopted = 0;    // complete entries without a row
  int placed = 0;     // acknowledged parts renamed into place now
  int discarded = 0;  // partial entries
};

// Of a part without a row: whether no line can have promised it. False where one may be lost or out
// of sight: the index was rebuilt, decisions are missing, main and mirror contradict each other, or
// the mirror was away at the start.
Result<bool> was_never_acknowledged(const Archive& archive);

// What cannot be settled now is told in the log and left for the next turn. kUnavailable when the
// standard medium is offline. Any thread, one at a time.
Result<IncomingReport> settle_incoming(Io& io, const Archive& archive);

}  // namespace holdfast
