#include "base/allocator.h"

#include <malloc.h>

#include "base/log.h"

namespace holdfast {
namespace {

constexpr int kKeptBytes = 512 << 10;
constexpr int kWholeBytes = 1 << 20;

}  // namespace

void keep_freed_memory() {
  if (::mallopt(M_TRIM_THRESHOLD, kKeptBytes) != 1 || ::mallopt(M_MMAP_THRESHOLD, kWholeBytes) != 1)
    log::warning("the allocator keeps its own settings");
}

}  // namespace holdfast
