// What the policy's rules were when rows were given their `next_action_at`, and how they are looked
// at again under new ones. No lines: the configuration itself is a decision (`config.applied`).
#pragma once

#include <string>

#include "index/writer.h"

namespace holdfast {

// The setting that holds the rules, as policy_text() writes them.
constexpr std::string_view kPolicySetting = "policy";

// Makes due now some of the recordings that policy would look at later; gives how many (at most
// `rows`: ask again).
Command<int64_t> hasten_recordings(int64_t rows);
// The same for every pack, also those that waited for no time.
Command<void> hasten_packs();
Command<void> set_policy_setting(std::string text);

}  // namespace holdfast
