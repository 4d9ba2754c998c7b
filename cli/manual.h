// The manual's pages, made from what `--help` teaches: `holdfast manual DIR` writes holdfast.1 and
// holdfast-<command>.1 there. The package's build calls it.
#pragma once

#include <string>
#include <vector>

#include "cli/description.h"

namespace holdfast::cli {

struct ManualPage {
  std::string name;  // "holdfast-medium-init.1"
  std::string text;  // roff, macros of man(7)
};

std::vector<ManualPage> manual_pages(const CommandDescription& program);

}  // namespace holdfast::cli
