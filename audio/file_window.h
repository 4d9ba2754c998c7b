// A file of which a parser wants to see a few bytes here and there: what it
// asks for comes from the block that was read last, or from another one.
#pragma once

#include <algorithm>
#include <functional>
#include <string>

#include "base/result.h"
#include "base/types.h"

namespace holdfast {

// Up to `most` bytes from `offset` on; fewer only at the file's end.
using ReadAt = std::function<Result<std::string>(int64_t offset, size_t most)>;

// Thread rule: one thread.
class FileWindow {
 public:
  static constexpr size_t kLookBytesMax = 4096;  // of one look

  // `block_bytes`: what is read at a time, at least 3 * kLookBytesMax.
  FileWindow(ReadAt read, Bytes length, size_t block_bytes)
      : read_(std::move(read)), length_(length.count), block_bytes_(block_bytes) {}

  int64_t length() const { return length_; }

  // `count` bytes, at most kLookBytesMax, from `offset` (0 or more) on; fewer at the file's end.
  // Good until the next call.
  Result<ByteSpan> at(int64_t offset, size_t count) {
    if (offset >= length_) return ByteSpan();
    const auto wanted =
        static_cast<size_t>(std::min<int64_t>(static_cast<int64_t>(count), length_ - offset));
    if (offset < begin_ || offset + static_cast<int64_t>(wanted) > end()) {
      // From a little before: who looks ahead and comes back does not read it all again.
      const int64_t begin = std::max<int64_t>(0, offset - static_cast<int64_t>(kLookBytesMax));
      HOLDFAST_ASSIGN(block, read_(begin, block_bytes_));
      block_ = std::move(block);
      begin_ = begin;
      if (offset > end()) return ByteSpan();  // it became shorter meanwhile
    }
    const ByteSpan there = as_bytes(block_).subspan(static_cast<size_t>(offset - begin_));
    return there.first(std::min(wanted, there.size()));
  }

 private:
  int64_t end() const { return begin_ + static_cast<int64_t>(block_.size()); }

  const ReadAt read_;
  const int64_t length_;
  const size_t block_bytes_;
  int64_t begin_ = 0;
  std::string block_;
};

}  // namespace holdfast
