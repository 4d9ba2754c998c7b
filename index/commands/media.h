// Commands of media and of the history that estimates come from.
#pragma once

#include "index/writer.h"

namespace holdfast {

// Idempotent by id: kind and tier must then be the same (kConflict), a new name is taken.
// Decision medium.registered.
Command<MediumRow> register_medium(MediumRow medium, std::string who);
// From now on the medium belongs at `place`, a path as place_of() gives it, and whatever belonged
// there no longer does. Idempotent; kNotFound. Decision medium.placed.
Command<void> place_medium(MediumId medium, std::string place, std::string who);
// A path as the index remembers it: normal, without a "/" at its end.
std::string place_of(const std::string& path);
// Idempotent; kNotFound. online ⇄ offline make no line, the others do. Decision medium.state.
Command<void> set_medium_state(MediumId medium, MediumState state, std::string who);
// The label was seen. No line.
Command<void> medium_checked(MediumId medium);
// Keeps the newest limits::kRecallSamplesKept of the medium. No line.
Command<void> add_recall_sample(MediumId medium, RecallSampleRow sample);

}  // namespace holdfast
