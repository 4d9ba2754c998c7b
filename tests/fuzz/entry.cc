// libFuzzer's way into one target.
#include <cstdint>

#include "tests/fuzz/targets.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  holdfast::fuzz::HOLDFAST_FUZZ_TARGET(
      holdfast::ByteSpan(reinterpret_cast<const std::byte*>(data), size));
  return 0;
}
