// SHA-256 (FIPS 180-4) by OpenSSL's EVP.
#pragma once

#include "base/result.h"
#include "base/types.h"

struct evp_md_ctx_st;

namespace holdfast {

class Io;

// update()* finish(); then it starts anew. Thread rule: one thread at a time.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(Sha256&& other) noexcept;
  Sha256& operator=(Sha256&& other) noexcept;
  Sha256(const Sha256&) = delete;
  Sha256& operator=(const Sha256&) = delete;

  void update(ByteSpan bytes);
  Digest finish();
  // What finish() would give now; this goes on.
  Digest so_far() const;

 private:
  evp_md_ctx_st* context_;
};

Digest sha256(ByteSpan bytes);
inline Digest sha256(std::string_view text) { return sha256(as_bytes(text)); }

// The digest of the first `length` bytes of `fd`; kCorrupt when the file is shorter.
Result<Digest> digest_file(Io& io, int fd, Bytes length);

}  // namespace holdfast
