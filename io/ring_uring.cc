// The ring of io_uring(7). Submissions are made one by one (a system call per
// block of 256 KiB is not what limits us), completions are taken as they come.
#include <liburing.h>
#include <sched.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "io/ring.h"

namespace holdfast {
namespace {

// One submission moves at most this much: the length of an SQE is 32 bits.
constexpr size_t kTransferMax = size_t{1} << 30;

// The kernel may still write into memory of operations in flight; a ring that
// can be neither waited for nor submitted to leaves no safe way on.
[[noreturn]] void ring_is_lost(const char* what, int error_number) {
  std::fprintf(stderr, "<3>io_uring: %s: %s\n", what, std::strerror(error_number));
  std::abort();
}

class UringRing final : public Ring {
 public:
  UringRing(unsigned entries, Faults* faults) : entries_(entries), faults_(faults) {}
  ~UringRing() override {
    if (!open_) return;
    while (in_flight_ > 0) take_completion();
    io_uring_queue_exit(&ring_);
  }

  bool open() {
    open_ = io_uring_queue_init(entries_, &ring_, 0) == 0;
    return open_;
  }

  std::string_view kind() const override { return "io_uring"; }

  void start(RingOperation& operation) override {
    operation.done = false;
    operation.transferred = 0;
    operation.error_number = 0;
    operation.again = 0;
    while (in_flight_ >= entries_) take_completion();
    submit(operation);
  }

  void wait(RingOperation& operation) override {
    while (!operation.done) take_completion();
  }

  unsigned in_flight_max() const override { return in_flight_max_; }

 private:
  // Gives the rest of the operation to the kernel.
  void submit(RingOperation& operation) {
    io_uring_sqe* sqe = io_uring_get_sqe(&ring_);
    if (sqe == nullptr) ring_is_lost("the submission queue is full", EBUSY);
    std::byte* data = operation.data + operation.transferred;
    const auto length =
        static_cast<unsigned>(std::min(transfer_of(operation, faults_), kTransferMax));
    const auto offset = static_cast<uint64_t>(operation.offset) + operation.transferred;
    switch (operation.kind) {
      case RingOperation::Kind::kRead:
        io_uring_prep_read(sqe, operation.fd, data, length, offset);
        break;
      case RingOperation::Kind::kWrite:
        io_uring_prep_write(sqe, operation.fd, data, length, offset);
        break;
      case RingOperation::Kind::kSync:
        io_uring_prep_fsync(sqe, operation.fd, 0);
        break;
      case RingOperation::Kind::kSyncData:
        io_uring_prep_fsync(sqe, operation.fd, IORING_FSYNC_DATASYNC);
        break;
    }
    io_uring_sqe_set_data(sqe, &operation);
    for (int tries = 0;; ++tries) {
      const int submitted = io_uring_submit(&ring_);
      if (submitted > 0) break;
      if (submitted < 0 && submitted != -EINTR && submitted != -EAGAIN && submitted != -EBUSY)
        ring_is_lost("submit", -submitted);
      if (tries >= kAgainMax) ring_is_lost("submit", EAGAIN);
      sched_yield();
    }
    ++in_flight_;
    in_flight_max_ = std::max(in_flight_max_, in_flight_);
  }

  void take_completion() {
    io_uring_cqe* cqe = nullptr;
    int status;
    do {
      status = io_uring_wait_cqe(&ring_, &cqe);
    } while (status == -EINTR || status == -EAGAIN);
    if (status != 0) ring_is_lost("wait", -status);
    auto* operation = static_cast<RingOperation*>(io_uring_cqe_get_data(cqe));
    const int result = cqe->res;
    io_uring_cqe_seen(&ring_, cqe);
    --in_flight_;
    advance(*operation, result);
  }

  // One completion: the operation is done, or its rest is submitted again.
  void advance(RingOperation& operation, int result) {
    const bool is_sync = operation.kind == RingOperation::Kind::kSync ||
                         operation.kind == RingOperation::Kind::kSyncData;
    if (!is_sync && faults_ != nullptr && faults_->interrupts()) result = -EINTR;
    if (!is_sync && (result == -EINTR || result == -EAGAIN) && ++operation.again <= kAgainMax) {
      if (result == -EAGAIN) sched_yield();
      return submit(operation);
    }
    if (result <= 0) {
      operation.done = true;
      operation.error_number = -result;
      // A write that moves nothing and gives no reason would be tried for ever.
      if (result == 0 && operation.kind == RingOperation::Kind::kWrite)
        operation.error_number = EIO;
      return;
    }
    operation.again = 0;
    operation.transferred += static_cast<size_t>(result);
    // A direct read stops between two multiples of its alignment only where the file ends.
    const bool at_end = operation.transferred % operation.alignment != 0;
    if (operation.transferred < operation.length && !at_end) return submit(operation);
    operation.done = true;
  }

  const unsigned entries_;
  Faults* const faults_;
  io_uring ring_ = {};
  bool open_ = false;
  unsigned in_flight_ = 0;
  unsigned in_flight_max_ = 0;
};

}  // namespace

std::unique_ptr<Ring> open_uring(unsigned entries, Faults* faults) {
  auto ring = std::make_unique<UringRing>(entries, faults);
  if (!ring->open()) return nullptr;
  return ring;
}

}  // namespace holdfast
