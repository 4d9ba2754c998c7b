#include "cli/description.h"

#include <algorithm>

namespace holdfast::cli {
namespace {

// The name a value is asked for by.
std::string asked(const OptionDescription& option) {
  return option.placeholder.empty() && !option.names.empty() ? option.names[0] : option.placeholder;
}

}  // namespace

bool is_directory(const OptionDescription& option) { return asked(option) == "DIR"; }

// A FILE that stands alone is a recording's file, in the archive.
bool is_file(const OptionDescription& option) {
  return option.placeholder == "FILE" || option.placeholder == "PATH";
}

}  // namespace holdfast::cli
