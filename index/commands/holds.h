// Commands of legal holds.
#pragma once

#include "index/writer.h"

namespace holdfast {

struct PlaceHold {
  RecordingId recording;
  WorkspaceNo workspace_no;  // of the matter
  std::string matter;        // its name; the matter is made at its first hold
  std::string reason;        // free text, kept as an erasable note; may be empty
  std::string who;
};

// Places a hold; a condemned recording is live again. The same matter on the same recording is one
// hold: the unreleased one is returned. kConflict "already-destroyed" when destroying;
// kNotFound when the index knows no such recording. Decision hold.placed (protecting).
Command<HoldRow> place_hold(PlaceHold request);

// kNotFound, or kConflict when released already. Decision hold.released (weakening).
Command<HoldRow> release_hold(HoldId hold, std::string reason, std::string who);

}  // namespace holdfast
