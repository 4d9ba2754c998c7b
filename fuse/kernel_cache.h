// What the kernel keeps of our tree, as something that can be told to forget.
#pragma once

#include <cstdint>
#include <string>

namespace holdfast {

// For whoever knows what changed; nothing of it waits for a directory in which somebody hangs.
// Thread rule: one thread at a time, but never one that answers the kernel.
class KernelCache {
 public:
  virtual ~KernelCache() = default;
  // Forgets attributes and listing of a directory, and of a listing under way what was read so far.
  // No effect on a directory it does not know.
  virtual void drop_listing(uint64_t directory) = 0;
  // Forgets an entry and, when it is a directory, all below it as far as nobody works in it; and
  // then the parent's listing.
  virtual void drop_entry(uint64_t parent, const std::string& name) = 0;
  // drop_listing() for every directory whose listing was handed out before this call.
  virtual void drop_all_listings() = 0;
  // Whether listings that are handed out from now on may be kept until they are dropped.
  virtual void keep_listings(bool keep) = 0;
  // The drops above are asked for; this waits until they are done.
  virtual void settle() = 0;
};

// The single messages to the kernel. Each returns when it is done, and that is when whoever holds
// the directory lets go of it: a listing under way does, and its buffer's page may be one that
// never comes. Nothing ends this wait but the other's end. Thread rule: any thread, but never one
// that answers the kernel, and none that others wait for without a bound.
class KernelNotices {
 public:
  virtual ~KernelNotices() = default;
  virtual void drop_listing(uint64_t directory) = 0;
  virtual void drop_entry(uint64_t parent, const std::string& name) = 0;
};

}  // namespace holdfast
