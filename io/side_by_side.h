// The same work by several threads at once. Each has an Io of its own, and the caller beats for
// them while it waits (io/pulse.h): who watches it sees whether any of them lives.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "io/io.h"

namespace holdfast {

// Thread rule: one thread, the caller's.
class SideBySide {
 public:
  // `threads` with the caller's: 1 or more.
  explicit SideBySide(int threads) : threads_(threads) {}

  // Calls `work`, which throws nothing, in at most `most` threads at once, this one (with `io`)
  // included, and returns when all have ended. A thread or an Io that cannot be had leaves its
  // share to the others.
  void run(Io& io, int most, const std::function<void(Io&)>& work);

 private:
  size_t ready(int most);
  uint64_t beats() const;

  const int threads_;
  std::vector<std::unique_ptr<Io>> others_;  // opened when they are needed
};

}  // namespace holdfast
