// Reads, writes and syncs of files with many in flight: io_uring, and pread/pwrite/fsync
// behind the same interface where the kernel forbids io_uring.
//
// An operation belongs to its caller and must stay where it is until it is done:
//   idle → start() → in flight → (done) with `transferred` bytes and perhaps an error.
// EINTR, EAGAIN and short transfers are gone on with inside; an operation is done
// when all its bytes are transferred, a read meets the end of the file, or the
// system refuses. A sync is made once, whatever comes of it. Operations finish in any order.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/types.h"
#include "io/fault.h"

namespace holdfast {

struct RingOperation {
  enum class Kind : uint8_t { kRead, kWrite, kSync, kSyncData };  // fsync(2), fdatasync(2) of `fd`
  Kind kind = Kind::kRead;
  int fd = -1;
  int64_t offset = 0;
  std::byte* data = nullptr;
  size_t length = 0;
  // With O_DIRECT a short read may go on only at a multiple of this.
  size_t alignment = 1;

  // The outcome, once done.
  bool done = false;
  size_t transferred = 0;
  int error_number = 0;  // errno, 0 for success (a short read at the end of the file is one)

  int again = 0;  // times the kernel said EAGAIN in a row; the ring's own
};

// A regular file says EAGAIN only while the kernel lacks memory or worker threads; this many in a
// row is no longer a passing state.
constexpr int kAgainMax = 10'000;

// Thread rule: one thread at a time.
class Ring {
 public:
  virtual ~Ring() = default;
  virtual std::string_view kind() const = 0;  // "io_uring" or "pread"
  // Gives the operation to the kernel, waiting for another to finish when
  // `entries` are in flight.
  virtual void start(RingOperation& operation) = 0;
  // Returns when `operation` is done; others may have finished meanwhile.
  virtual void wait(RingOperation& operation) = 0;
  // The most that ever were in flight at once.
  virtual unsigned in_flight_max() const = 0;
};

// How much of the rest of a read or write is asked of the kernel: all, where no fault says less. A
// direct read is shortened to a multiple of its alignment.
size_t transfer_of(const RingOperation& operation, Faults* faults);

// Nothing when this kernel or its policy forbids io_uring. `faults`: nullptr for none; outlives it.
std::unique_ptr<Ring> open_uring(unsigned entries, Faults* faults);
std::unique_ptr<Ring> open_pread_ring(Faults* faults);

}  // namespace holdfast
