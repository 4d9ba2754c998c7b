// Work that may have to end before its end: while one of these lives, whatever its Io reads in bulk
// (io/stream.h) asks between two pieces, and ends with the error that it is told.
//
// They nest; each is asked. Only reading ends so: what is being published or removed goes on to its
// next durable state.
#pragma once

#include "io/io.h"

namespace holdfast {

// Thread rule: that of the Io.
class Interruptible {
 public:
  // `io` outlives it. `why` is asked often: it must be cheap.
  Interruptible(Io& io, Interruption why) : io_(io), why_(std::move(why)) {
    io_.interruptions_.push_back(&why_);
  }
  ~Interruptible() { io_.interruptions_.pop_back(); }
  Interruptible(const Interruptible&) = delete;
  Interruptible& operator=(const Interruptible&) = delete;

 private:
  Io& io_;
  const Interruption why_;
};

}  // namespace holdfast
