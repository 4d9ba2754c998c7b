#include "base/random.h"

#include <openssl/rand.h>

#include <cstdio>
#include <cstdlib>

namespace holdfast {

void SystemRandom::fill(MutableByteSpan out) {
  if (RAND_bytes(reinterpret_cast<unsigned char*>(out.data()), static_cast<int>(out.size())) != 1) {
    std::fputs("holdfast: the system gives no random bytes\n", stderr);
    std::abort();
  }
}

}  // namespace holdfast
