// Completion for shells, made from what the command line takes:
//
//   holdfast completion bash > /usr/share/bash-completion/completions/holdfast
//   holdfast completion zsh  > /usr/share/zsh/vendor-completions/_holdfast
//
// It completes commands, options, words of a choice, and names of files.
#pragma once

#include <string>

#include "cli/description.h"

namespace holdfast::cli {

std::string bash_completion(const CommandDescription& program);
std::string zsh_completion(const CommandDescription& program);

}  // namespace holdfast::cli
