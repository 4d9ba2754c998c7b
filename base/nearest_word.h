// What somebody who misspelt a word most likely meant.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast {

// The word of `words` that is fewest letters away from `word` (inserted, left out, replaced, or two
// neighbours swapped), if that is at most a third of its letters and no more than three.
std::optional<std::string> nearest_word(std::string_view word,
                                        const std::vector<std::string>& words);

}  // namespace holdfast
