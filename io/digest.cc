#include "io/digest.h"

#include <openssl/evp.h>

#include <cstdio>
#include <cstdlib>
#include <utility>

#include "io/stream.h"

namespace holdfast {
namespace {

// OpenSSL fails here only when memory is out or its provider cannot be loaded;
// an archive that cannot compute SHA-256 cannot run.
void require(bool ok) {
  if (ok) return;
  std::fputs("<3>SHA-256 is not available from OpenSSL\n", stderr);
  std::abort();
}

}  // namespace

Sha256::Sha256() : context_(EVP_MD_CTX_new()) {
  require(context_ != nullptr && EVP_DigestInit_ex(context_, EVP_sha256(), nullptr) == 1);
}

Sha256::~Sha256() { EVP_MD_CTX_free(context_); }

Sha256::Sha256(Sha256&& other) noexcept : context_(std::exchange(other.context_, nullptr)) {}

Sha256& Sha256::operator=(Sha256&& other) noexcept {
  std::swap(context_, other.context_);
  return *this;
}

void Sha256::update(ByteSpan bytes) {
  require(EVP_DigestUpdate(context_, bytes.data(), bytes.size()) == 1);
}

Digest Sha256::finish() {
  Digest digest;
  unsigned length = 0;
  require(EVP_DigestFinal_ex(context_, reinterpret_cast<unsigned char*>(digest.bytes.data()),
                             &length) == 1 &&
          length == digest.bytes.size());
  require(EVP_DigestInit_ex(context_, EVP_sha256(), nullptr) == 1);
  return digest;
}

Digest Sha256::so_far() const {
  Sha256 copy;
  require(EVP_MD_CTX_copy_ex(copy.context_, context_) == 1);
  return copy.finish();
}

Digest sha256(ByteSpan bytes) {
  Sha256 hash;
  hash.update(bytes);
  return hash.finish();
}

Result<Digest> digest_file(Io& io, int fd, Bytes length) {
  Sha256 hash;
  HOLDFAST_TRY(read_through(io, fd, Bytes(0), length, [&](ByteSpan bytes) -> Status {
    hash.update(bytes);
    return {};
  }));
  return hash.finish();
}

}  // namespace holdfast
