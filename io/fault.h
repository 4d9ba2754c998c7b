// Fault points: the places of the I/O layer where a test may make the world fail.
//
// They live in this layer because nothing below it sees them all: LD_PRELOAD and
// strace do not see operations of io_uring.
#pragma once

#include <cstddef>
#include <string_view>

#include "base/result.h"

namespace holdfast {

// Called by Io before each operation, with its name: "open", "list", "read",
// "write", "fsync", "fdatasync", "rename", "unlink", "mkdir", "truncate".
// Thread rule: called by the thread that uses the Io.
class Faults {
 public:
  virtual ~Faults() = default;
  // An error: the operation is not made and fails with it.
  virtual Status at(std::string_view point) = 0;
  // How many of the `length` bytes of a write that `at` just refused reach the
  // file all the same (a torn write). 0 to `length`.
  virtual size_t torn_bytes(size_t length) { return static_cast<void>(length), size_t{0}; }

  // What a kernel may do and nobody above the ring should notice, asked for each read and write,
  // and for each rest of one: a transfer of `length` bytes, 1 or more, is asked of the kernel for
  // so many, 1 to `length`; one that was made is told as interrupted (EINTR).
  virtual size_t transfer_of(size_t length) { return length; }
  virtual bool interrupts() { return false; }
};

}  // namespace holdfast
