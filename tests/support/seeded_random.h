// Random bytes that a seed repeats, for ids and contents in tests.
#pragma once

#include <cstdlib>
#include <iostream>
#include <random>
#include <string>

#include "base/random.h"

namespace holdfast {

// The seed of this run: $HOLDFAST_TEST_SEED, or a new one; printed once.
inline uint64_t test_seed() {
  static const uint64_t kSeed = [] {
    const char* given = std::getenv("HOLDFAST_TEST_SEED");
    const uint64_t seed = given != nullptr ? std::strtoull(given, nullptr, 10)
                                           : std::random_device()() % 1'000'000'000;
    std::cout << "seed " << seed << " (repeat with HOLDFAST_TEST_SEED)\n";
    return seed;
  }();
  return kSeed;
}

// Thread rule: one thread at a time.
class SeededRandom final : public Random {
 public:
  explicit SeededRandom(uint64_t seed = test_seed()) : engine_(seed) {}

  void fill(MutableByteSpan out) override {
    for (std::byte& byte : out) byte = static_cast<std::byte>(engine_() & 0xFF);
  }
  // 0 to `bound` - 1.
  uint64_t below(uint64_t bound) { return engine_() % bound; }
  std::string bytes(size_t count) {
    std::string text(count, '\0');
    for (char& c : text) c = static_cast<char>(engine_() & 0xFF);
    return text;
  }

 private:
  std::mt19937_64 engine_;
};

}  // namespace holdfast
