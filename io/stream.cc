#include "io/stream.h"

#include <algorithm>
#include <cstring>
#include <deque>
#include <optional>

#include "io/io.h"

namespace holdfast {
namespace {

// A block on its way: the operation stays where it is until it is done.
struct InFlight {
  Io::Buffer buffer;
  RingOperation operation;
  size_t length = 0;  // bytes that must arrive
};

// What is in flight of one stream, oldest first. Nothing is forgotten: the
// destructor waits, because the kernel still works on that memory.
class Window {
 public:
  explicit Window(Io& io) : io_(io) {}
  ~Window() { drain(); }
  Window(const Window&) = delete;
  Window& operator=(const Window&) = delete;

  size_t size() const { return flights_.size(); }
  bool empty() const { return flights_.empty(); }

  void start(RingOperation::Kind kind, int fd, int64_t offset, const Io::Buffer& buffer,
             size_t length, size_t alignment) {
    InFlight& flight = flights_.emplace_back();
    flight.buffer = buffer;
    flight.length = length;
    flight.operation.kind = kind;
    flight.operation.fd = fd;
    flight.operation.offset = offset;
    flight.operation.data = buffer.data;
    flight.operation.length = (length + alignment - 1) / alignment * alignment;
    flight.operation.alignment = alignment;
    io_.start(flight.operation);
  }

  // Waits for the oldest and takes it out; its buffer is the caller's to give back.
  Result<InFlight> take() {
    const Status status = io_.wait(flights_.front().operation, flights_.front().length);
    InFlight flight = flights_.front();
    flights_.pop_front();
    if (status.ok()) return flight;
    io_.give_back(flight.buffer);
    return status.error();
  }

  void drain() {
    while (!flights_.empty())
      if (Result<InFlight> flight = take(); flight.ok()) io_.give_back(flight->buffer);
  }

 private:
  Io& io_;
  std::deque<InFlight> flights_;  // its ends grow and shrink without moving what is between
};

}  // namespace

Status read_through_aligned(Io& io, int fd, Bytes offset, Bytes length, size_t alignment,
                            const ByteSink& sink) {
  Window window(io);
  int64_t next = offset.count;
  const int64_t end = offset.count + length.count;
  const auto fill = [&] {
    while (next < end && window.size() < io.depth()) {
      std::optional<Io::Buffer> buffer =
          window.empty() ? std::optional(io.need_buffer()) : io.lend_buffer();
      if (!buffer) break;
      const size_t piece = std::min(io.block(), static_cast<size_t>(end - next));
      window.start(RingOperation::Kind::kRead, fd, next, *buffer, piece, alignment);
      next += static_cast<int64_t>(piece);
    }
  };
  for (fill(); !window.empty();) {
    if (auto why = io.interruption()) return *std::move(why);
    HOLDFAST_ASSIGN(flight, window.take());
    fill();  // the disk works while the sink does
    const Status taken = sink(ByteSpan(flight.buffer.data, flight.length));
    io.give_back(flight.buffer);
    HOLDFAST_TRY(taken);
  }
  return {};
}

Status read_through(Io& io, int fd, Bytes offset, Bytes length, const ByteSink& sink) {
  return read_through_aligned(io, fd, offset, length, 1, sink);
}

struct StreamWriter::State {
  State(Io& context, int file, const Options& options)
      : io(context), fd(file), next(options.offset.count), window(context) {
    if (options.digest) hash.emplace();
  }
  ~State() {
    if (buffer) io.give_back(*buffer);
  }

  Io& io;
  const int fd;
  int64_t next;  // where the buffer's first byte will be written
  int64_t appended = 0;
  Window window;
  std::optional<Io::Buffer> buffer;  // being filled
  size_t filled = 0;
  std::optional<Sha256> hash;
  std::optional<Digest> result;
  std::optional<Error> failure;

  // Writes the buffer and leaves none.
  void flush() {
    window.start(RingOperation::Kind::kWrite, fd, next, *buffer, filled, 1);
    next += static_cast<int64_t>(filled);
    buffer.reset();
    filled = 0;
  }

  Status finish_oldest() {
    HOLDFAST_ASSIGN(flight, window.take());
    io.give_back(flight.buffer);
    return {};
  }

  // A buffer to fill: a free one, or that of our oldest write once it is done.
  Status need_buffer() {
    while (!buffer) {
      if (window.size() < io.depth()) buffer = io.lend_buffer();
      if (!buffer && window.empty()) buffer = io.need_buffer();
      if (!buffer) HOLDFAST_TRY(finish_oldest());
    }
    return {};
  }

  Status append(ByteSpan bytes) {
    while (!bytes.empty()) {
      HOLDFAST_TRY(need_buffer());
      const size_t piece = std::min(bytes.size(), io.block() - filled);
      std::memcpy(buffer->data + filled, bytes.data(), piece);
      filled += piece;
      bytes = bytes.subspan(piece);
      if (filled == io.block()) flush();
    }
    return {};
  }

  Status finish() {
    if (filled > 0) flush();
    while (!window.empty()) HOLDFAST_TRY(finish_oldest());
    return {};
  }

  Status keep(Status status) {
    if (!status.ok()) failure = status.error();
    return status;
  }
};

StreamWriter::StreamWriter(Io& io, int fd, Options options)
    : state_(std::make_unique<State>(io, fd, options)) {}

StreamWriter::~StreamWriter() = default;

Status StreamWriter::append(ByteSpan bytes) {
  if (state_->failure) return *state_->failure;
  if (state_->hash) state_->hash->update(bytes);
  state_->appended += static_cast<int64_t>(bytes.size());
  return state_->keep(state_->append(bytes));
}

Status StreamWriter::finish() {
  if (state_->failure) return *state_->failure;
  HOLDFAST_TRY(state_->keep(state_->finish()));
  if (state_->hash && !state_->result) state_->result = state_->hash->finish();
  return {};
}

Bytes StreamWriter::size() const { return Bytes(state_->appended); }

Digest StreamWriter::digest() const {
  assert(state_->result.has_value());
  return *state_->result;
}

ByteSink StreamWriter::sink() {
  return [this](ByteSpan bytes) { return append(bytes); };
}

Result<Digest> copy_file_contents(Io& io, int from_fd, int to_fd, Bytes length) {
  StreamWriter::Options options;
  options.digest = true;
  StreamWriter writer(io, to_fd, options);
  HOLDFAST_TRY(read_through(io, from_fd, Bytes(0), length, writer.sink()));
  HOLDFAST_TRY(writer.finish());
  return writer.digest();
}

}  // namespace holdfast
