// An operator stops what moves, and lets it go on. A pause is a decision: it outlives the index.
#pragma once

#include "index/read/pauses.h"
#include "index/writer.h"

namespace holdfast {

// Of one tier (whatever is copied or released to or from it), or of everything. Gives the pauses in
// force afterwards. One that is there already stays as it was. Decision moves.paused.
Command<std::vector<PauseRow>> pause_moves(std::optional<Tier> tier, std::string reason,
                                           std::string who);
// Ends the pause of the tier; without a tier, all that are in force. Gives those that are left.
// Decision moves.resumed for each that ended.
Command<std::vector<PauseRow>> resume_moves(std::optional<Tier> tier, std::string who);

}  // namespace holdfast
