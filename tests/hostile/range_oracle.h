// RFC 9110, section 14, read a second time and otherwise: numbers stay decimal strings, a list is
// walked by the grammar of 5.6.1, and of a small file each byte is asked whether a range wants it.
// It knows nothing of the product but its documented choices (daemon/http/file_semantics.h).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast::hostile {

// "first-last", "first-" or "-suffix", digits as they stand; nothing that is absent.
struct RangeSpec {
  std::optional<std::string> first;
  std::optional<std::string> last;  // of a suffix: how many bytes
};

enum class RangeReading {
  kForeign,    // no ranges-specifier of ours: another unit, or outside the grammar
  kSeveral,    // a list of more than one element, empty ones included
  kSingle,     // exactly one range
  kWithSpace,  // one range with white space around it, which the grammar does not have and
               // everybody reads over
};

struct ReadRange {
  RangeReading reading = RangeReading::kForeign;
  std::vector<RangeSpec> specs;  // of kSeveral those that are not empty
};

ReadRange read_range_field(std::string_view field);

// Of numbers in decimal without bound: whether a < b.
bool is_less(std::string_view a, std::string_view b);

// RFC 9110, 14.1.1 and 14.1.2: whether `spec` can be satisfied of `size` bytes, and whether it
// wants the byte at `position` (both in decimal).
bool is_satisfiable(const RangeSpec& spec, const std::string& size);
bool wants(const RangeSpec& spec, const std::string& size, const std::string& position);

}  // namespace holdfast::hostile
