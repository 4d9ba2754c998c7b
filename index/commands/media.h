// Commands of media and of the history that estimates come from.
#pragma once

#include "index/writer.h"

namespace holdfast {

// Idempotent by id: kind and tier must then be the same (kConflict), a new name is taken.
// Decision medium.registered.
Command<MediumRow> register_medium(MediumRow medium, std::string who);
// Idempotent; kNotFound. online ⇄ offline make no line, the others do. Decision medium.state.
Command<void> set_medium_state(MediumId medium, MediumState state, std::string who);
// The label was seen. No line.
Command<void> medium_checked(MediumId medium);
// Keeps the newest limits::kRecallSamplesKept of the medium. No line.
Command<void> add_recall_sample(MediumId medium, RecallSampleRow sample);

}  // namespace holdfast
