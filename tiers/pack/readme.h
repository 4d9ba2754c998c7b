// holdfast/README.txt: how to read a pack without us (promise P10).
#pragma once

#include <string>

namespace holdfast::pack {

// The same text in every pack of this format version; tests/tiers/pack/unpack_with_stock_tools.sh
// runs the commands that stand in it.
std::string readme_txt();

}  // namespace holdfast::pack
