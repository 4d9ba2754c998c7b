// Rows are looked at when their `next_action_at` is due, and that was reckoned by the rules of its
// day. When the rules are others (a new configuration, at a start or a reload), everything that
// waits is made due once, and the mover reckons anew.
#pragma once

#include "daemon/work/archive.h"

namespace holdfast {

// The rules that `next_action_at` follows from, in one line.
std::string policy_text(const PolicySettings& policy);

// Compares the rules in force with those the index was last reckoned by. True when they differ and
// everything was made due: the mover has work. Waits for the writer; a crash in between is repeated
// by the next start. Thread rule: any thread but the writer's and the loop's.
Result<bool> apply_policy_change(const Archive& archive);

}  // namespace holdfast
