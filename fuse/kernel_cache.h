// What the kernel keeps of our tree, as something that can be told to forget.
#pragma once

#include <cstdint>
#include <string>

namespace holdfast {

// Thread rule: any thread, but never one that answers the kernel: a dropped entry or listing waits
// for its directory's lock, which a request may hold.
class KernelCache {
 public:
  virtual ~KernelCache() = default;
  // Forgets attributes and listing of a directory, and of a listing under way what was read so far.
  // No effect on a directory it does not know.
  virtual void drop_listing(uint64_t directory) = 0;
  // Forgets an entry and, when it is a directory, all below it as far as nobody works in it.
  virtual void drop_entry(uint64_t parent, const std::string& name) = 0;
  // drop_listing() for every directory whose listing was handed out before this call.
  virtual void drop_all_listings() = 0;
  // Whether listings that are handed out from now on may be kept until they are dropped.
  virtual void keep_listings(bool keep) = 0;
};

}  // namespace holdfast
