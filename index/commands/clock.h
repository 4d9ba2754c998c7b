// Commands of the compliance clock (base/compliance_clock.h).
#pragma once

#include "index/read/retention.h"
#include "index/writer.h"

namespace holdfast {

// The clock of a new archive begins with the system's. Nothing when there is one already. Decision
// clock.begun.
Command<void> begin_clock(std::string who);

// Keeps where the clock is. False: it was set meanwhile (another epoch), and that stands. No line.
Command<bool> keep_clock(ComplianceState state, int64_t epoch);

// Tells in the ledger where it is, for a rebuild; nothing when it was set meanwhile (another
// epoch). Decision clock.kept.
Command<void> note_clock(UnixMillis now, int64_t epoch, std::string who);

// The system clock is right, a person says: the compliance clock is set to it, and goes. Set
// forward, what arrived while it stood may have arrived as late as now, so that its ends are put
// off by as much; and expiry waits for `not_before` from here on. Decision clock.accepted
// (weakening).
Command<ClockRow> accept_clock(std::string reason, std::string who);

}  // namespace holdfast
