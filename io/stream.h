// Bytes in order, with many reads or writes in flight and bounded memory.
//
// Streams of one Io may be nested: the sink of read_through may append to a
// StreamWriter of the same Io. Each stream takes what buffers are free, up to
// Io::depth(), and never needs more than one to make progress.
#pragma once

#include <functional>
#include <memory>

#include "base/result.h"
#include "base/types.h"
#include "io/digest.h"

namespace holdfast {

class Io;

// Receives bytes in order. An error ends the delivery and is returned to its starter.
using ByteSink = std::function<Status(ByteSpan)>;
// Writes all its bytes into the sink, in order. Called once.
using ByteSource = std::function<Status(const ByteSink&)>;

// Delivers `length` bytes of `fd` from `offset`, in order, in pieces of at most
// Io::block(). kCorrupt when the file ends before, never zeros and never a short
// delivery that looks whole; kIo when the system refuses; or the sink's error. An Interruptible of
// the Io ends it between two pieces.
Status read_through(Io& io, int fd, Bytes offset, Bytes length, const ByteSink& sink);

// The same for a descriptor opened with O_DIRECT: `offset` is a multiple of
// `alignment` (which divides Io::block()), and the last read is asked for in whole
// multiples of it. What is delivered is `length` bytes all the same.
Status read_through_aligned(Io& io, int fd, Bytes offset, Bytes length, size_t alignment,
                            const ByteSink& sink);

// Appends to a file from an offset.
//   open → append()* → finish() → finished; an error anywhere → failed, for good.
// The destructor waits for what is in flight. Nothing is synced.
class StreamWriter {
 public:
  struct Options {
    Bytes offset{0};
    bool digest = false;  // SHA-256 of what is appended, on the fly
  };
  StreamWriter(Io& io, int fd, Options options);
  StreamWriter(Io& io, int fd) : StreamWriter(io, fd, Options()) {}
  ~StreamWriter();
  StreamWriter(const StreamWriter&) = delete;
  StreamWriter& operator=(const StreamWriter&) = delete;

  // The bytes are copied; the span may go. An error may be that of an earlier append.
  Status append(ByteSpan bytes);
  // Writes the rest and waits for all.
  Status finish();
  // Bytes appended so far.
  Bytes size() const;
  // After a finish() that was ok, when a digest was asked for.
  Digest digest() const;
  // append() as a sink; valid as long as this is.
  ByteSink sink();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// Copies the first `length` bytes of `from_fd` to the start of `to_fd` and
// returns their digest. Nothing is synced.
Result<Digest> copy_file_contents(Io& io, int from_fd, int to_fd, Bytes length);

}  // namespace holdfast
