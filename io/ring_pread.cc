// The ring where the kernel forbids io_uring: each operation is made at once.
#include <sched.h>
#include <unistd.h>

#include <cerrno>

#include "io/ring.h"

namespace holdfast {
namespace {

class PreadRing final : public Ring {
 public:
  std::string_view kind() const override { return "pread"; }

  void start(RingOperation& operation) override {
    operation.done = false;
    operation.transferred = 0;
    operation.error_number = 0;
    operation.again = 0;
    while (!operation.done) step(operation);
  }

  void wait(RingOperation&) override {}
  unsigned in_flight_max() const override { return 0; }

 private:
  static void step(RingOperation& operation) {
    const bool is_data = operation.kind == RingOperation::Kind::kSyncData;
    if (is_data || operation.kind == RingOperation::Kind::kSync) {
      const int synced = is_data ? ::fdatasync(operation.fd) : ::fsync(operation.fd);
      operation.error_number = synced == 0 ? 0 : errno;
      operation.done = true;
      return;
    }
    std::byte* data = operation.data + operation.transferred;
    const size_t length = operation.length - operation.transferred;
    const off_t offset = operation.offset + static_cast<off_t>(operation.transferred);
    const bool read = operation.kind == RingOperation::Kind::kRead;
    const ssize_t result = read ? ::pread(operation.fd, data, length, offset)
                                : ::pwrite(operation.fd, data, length, offset);
    if (result < 0 && (errno == EINTR || errno == EAGAIN) && ++operation.again <= kAgainMax) {
      if (errno == EAGAIN) sched_yield();
      return;
    }
    if (result <= 0) {
      operation.done = true;
      operation.error_number = result < 0 ? errno : (read ? 0 : EIO);
      return;
    }
    operation.again = 0;
    operation.transferred += static_cast<size_t>(result);
    const bool at_end = operation.transferred % operation.alignment != 0;
    operation.done = operation.transferred == operation.length || at_end;
  }
};

}  // namespace

std::unique_ptr<Ring> open_pread_ring() { return std::make_unique<PreadRing>(); }

}  // namespace holdfast
