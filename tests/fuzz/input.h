// The bytes of one run, taken off the front: what a target decides by (cuts, kinds, lengths) comes
// first, what it hands to the product is the rest.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string_view>
#include <vector>

#include "base/types.h"

namespace holdfast::fuzz {

class Input {
 public:
  explicit Input(ByteSpan bytes) : rest_(as_text(bytes)) {}

  bool empty() const { return rest_.empty(); }
  // 0 when nothing is left.
  uint8_t byte() {
    if (rest_.empty()) return 0;
    const auto value = static_cast<uint8_t>(rest_.front());
    rest_.remove_prefix(1);
    return value;
  }
  // Little-endian, 1 to 8 bytes.
  uint64_t number(int bytes) {
    uint64_t value = 0;
    for (int i = 0; i < bytes; ++i) value |= uint64_t{byte()} << (8 * i);
    return value;
  }
  std::string_view take(size_t count) {
    const std::string_view taken = rest_.substr(0, count);
    rest_.remove_prefix(taken.size());
    return taken;
  }
  // Up to the next line feed, which is dropped.
  std::string_view line() {
    const std::string_view taken = rest_.substr(0, rest_.find('\n'));
    rest_.remove_prefix(std::min(rest_.size(), taken.size() + 1));
    return taken;
  }
  std::string_view rest() { return take(rest_.size()); }

 private:
  std::string_view rest_;
};

// How a text is handed over in pieces: three numbers, taken in turns, give their lengths. 255 is a
// long piece.
class Cuts {
 public:
  explicit Cuts(Input& input) : lengths_{input.byte(), input.byte(), input.byte()} {}

  // The next piece of `text` from `at` on; never empty before its end.
  std::string_view next(std::string_view text, size_t at) {
    const size_t length = lengths_[turn_++ % lengths_.size()];
    return text.substr(at, length == 255 ? 4096 : std::max<size_t>(length, 1));
  }

 private:
  std::vector<uint8_t> lengths_;
  size_t turn_ = 0;
};

}  // namespace holdfast::fuzz
