// The ring where the kernel forbids io_uring: each operation is made at once.
#include <sched.h>
#include <unistd.h>

#include <cerrno>

#include "io/ring.h"

namespace holdfast {
namespace {

class PreadRing final : public Ring {
 public:
  explicit PreadRing(Faults* faults) : faults_(faults) {}

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
  void step(RingOperation& operation) {
    const bool is_data = operation.kind == RingOperation::Kind::kSyncData;
    if (is_data || operation.kind == RingOperation::Kind::kSync) {
      const int synced = is_data ? ::fdatasync(operation.fd) : ::fsync(operation.fd);
      operation.error_number = synced == 0 ? 0 : errno;
      operation.done = true;
      return;
    }
    std::byte* data = operation.data + operation.transferred;
    const size_t length = transfer_of(operation, faults_);
    const off_t offset = operation.offset + static_cast<off_t>(operation.transferred);
    const bool read = operation.kind == RingOperation::Kind::kRead;
    ssize_t result = read ? ::pread(operation.fd, data, length, offset)
                          : ::pwrite(operation.fd, data, length, offset);
    if (faults_ != nullptr && faults_->interrupts()) {
      result = -1;
      errno = EINTR;
    }
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

  Faults* const faults_;
};

}  // namespace

size_t transfer_of(const RingOperation& operation, Faults* faults) {
  const size_t rest = operation.length - operation.transferred;
  if (faults == nullptr || rest == 0) return rest;
  const size_t asked = faults->transfer_of(rest);
  // What stops between two multiples would be taken for the end of the file.
  const size_t aligned = asked - asked % operation.alignment;
  return aligned == 0 ? rest : aligned;
}

std::unique_ptr<Ring> open_pread_ring(Faults* faults) {
  return std::make_unique<PreadRing>(faults);
}

}  // namespace holdfast
