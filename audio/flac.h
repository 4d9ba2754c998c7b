// FLAC (RFC 9639) by libFLAC, as streams in bounded memory: bytes of an
// uncompressed form go in, a FLAC stream comes out, and back.
//
// The bytes are those of the form (s16le, u8, s24le) or of G.711, whose codes are
// sorted first (audio/g711.h). Each stream carries the comment HOLDFAST_FORM=<word>
// and is so decodable without anything beside it.
//
// The MD5 of the samples is neither made nor looked at: the SHA-256 of the original, with which
// every caller compares what comes out, says more, and the MD5 took a third of the encoder's time.
//
// Thread rule: an object is used by one thread at a time.
#pragma once

#include <functional>
#include <memory>

#include "audio/sample_form.h"
#include "base/types.h"

namespace holdfast {

struct FlacFormat {
  SampleForm form = SampleForm::kNone;
  int channels = 1;            // 1 to 8
  int32_t sample_rate_hz = 0;  // told in the stream only; 1 to 655,350, others are told as 8,000
};

// True when FLAC takes these: a known form and 1 to 8 channels.
bool flac_can_encode(const FlacFormat& format);

class FlacEncoder {
 public:
  // Where the stream goes: `append` adds bytes at its end, `rewrite` replaces
  // bytes at `offset` from its start (the encoder puts the length into its header
  // last).
  struct Output {
    std::function<Status(ByteSpan)> append;
    std::function<Status(Bytes offset, ByteSpan)> rewrite;
  };

  static Result<std::unique_ptr<FlacEncoder>> create(const FlacFormat& format, Output output);
  virtual ~FlacEncoder() = default;
  // Any number of bytes; a sample may be split between calls.
  virtual Status write(ByteSpan bytes) = 0;
  // kInvalid when the bytes were not a whole number of frames. Called once, last.
  virtual Status finish() = 0;
};

class FlacDecoder {
 public:
  // Receives the original bytes in order.
  using Output = std::function<Status(ByteSpan)>;

  static Result<std::unique_ptr<FlacDecoder>> create(Output output);
  virtual ~FlacDecoder() = default;
  // Any number of bytes of the stream. kCorrupt when they are not FLAC, lack
  // the form's comment, or are beyond what our encoder writes (frames over 256 KiB).
  virtual Status write(ByteSpan bytes) = 0;
  // kCorrupt when the stream ends early. Called once, last.
  virtual Status finish() = 0;
};

}  // namespace holdfast
