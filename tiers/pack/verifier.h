// Checks a pack byte by byte, from the pack alone: the tar, every digest of the bag, contents
// and trailer. Any changed, missing or added byte is found; nothing is decoded.
//
// Thread rule: one thread at a time.
#pragma once

#include <memory>

#include "base/types.h"
#include "tiers/pack/trailer.h"

namespace holdfast::pack {

struct VerifiedPack {
  Trailer trailer;
  Digest sha256;  // of the whole pack
  int64_t payload_files = 0;
};

class PackVerifier {
 public:
  PackVerifier();
  ~PackVerifier();
  PackVerifier(PackVerifier&&) noexcept;
  PackVerifier& operator=(PackVerifier&&) noexcept;

  // The pack's bytes in order, in pieces of any size. kCorrupt names what is wrong and where.
  // After an error the verifier is not used again.
  Status push(ByteSpan bytes);
  // kCorrupt when the pack ends early or its parts do not agree.
  Result<VerifiedPack> finish();

 private:
  class State;
  std::unique_ptr<State> state_;
};

}  // namespace holdfast::pack
