// holdfastd rebuild: the index made anew, with the daemon stopped. docs/rebuild.md.
#pragma once

#include <string>
#include <vector>

namespace holdfast {

// `words` are those after "rebuild". Gives the exit code.
int run_rebuild_command(const std::vector<std::string>& words);

}  // namespace holdfast
