// Random bytes for ids, salts and keys.
#pragma once

#include "base/types.h"

namespace holdfast {

// Thread rule: every method may be called from any thread.
class Random {
 public:
  virtual ~Random() = default;
  virtual void fill(MutableByteSpan out) = 0;

  template <typename Identifier>
  Identifier id() {
    Identifier value;
    fill(value.bytes);
    return value;
  }
};

// OpenSSL's generator. A machine that cannot give random bytes cannot run an
// archive: failure ends the process with a message.
class SystemRandom final : public Random {
 public:
  void fill(MutableByteSpan out) override;
};

}  // namespace holdfast
