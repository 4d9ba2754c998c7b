// How a file of a recording is stored in a pack: as it is, as zstd, or as FLAC
// with the bytes around the samples beside it (docs/pack-format.md, "Codecs").
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "audio/flac.h"
#include "audio/sample_form.h"
#include "base/types.h"
#include "tiers/backend.h"

namespace holdfast::pack {

// The words are on media: they never change.
enum class Codec : int8_t { kStored = 0, kZstd = 1, kFlac = 2 };
std::string_view word(Codec codec);
Result<Codec> codec_from(std::string_view text);

// Which bytes of the original one stored file holds.
enum class Piece : int8_t { kWhole = 0, kHead = 1, kSamples = 2, kTail = 3 };
std::string_view word(Piece piece);
Result<Piece> piece_from(std::string_view text);

// How one original is laid down. The original is head ‖ samples ‖ tail.
struct Encoding {
  Codec codec = Codec::kStored;
  FlacFormat flac;  // of kFlac
  Bytes head;       // of kFlac: bytes before the first whole frame, stored verbatim
  Bytes tail;       // of kFlac: bytes after the last whole frame, stored verbatim
};

// The choice by name, claims and first bytes (kWavHeadBytes of them, or the whole
// file). It need not be right: an encoding that does not give the original back is dropped.
Encoding choose_encoding(std::string_view file_name, const AudioClaims& claims, ByteSpan first,
                         Bytes length);

// One stored file of an original: its name beside the others of the part, what it holds.
struct StoredPiece {
  std::string stored_name;  // "inbound.ulaw.flac", "recording.wav.head", …
  Piece piece = Piece::kWhole;
  Codec codec = Codec::kStored;
  Bytes original_length;  // bytes of the original in this piece
};
// The pieces in order; empty heads and tails are left out.
std::vector<StoredPiece> pieces_of(std::string_view file_name, const Encoding& encoding,
                                   Bytes length);

// True when one of the encoding's stored names is the name of a file of the part: the
// original is then stored unencoded. `is_name` answers whether the part has such a file.
bool collides(std::string_view file_name, const Encoding& encoding, Bytes length,
              const std::function<bool(std::string_view)>& is_name);

// One direction of one codec as a stream: bytes in, bytes out, in bounded memory.
// Thread rule: one thread at a time.
class ByteTransform {
 public:
  virtual ~ByteTransform() = default;
  virtual Status write(ByteSpan bytes) = 0;
  virtual Status finish() = 0;  // called once, last
};

// Encodes one piece. `length` is what will be written.
Result<std::unique_ptr<ByteTransform>> make_encoder(Codec codec, const FlacFormat& flac,
                                                    Bytes length, FlacEncoder::Output output);
// Gives the original bytes of one stored piece; kCorrupt when the stored bytes
// are not a whole stream of that codec.
Result<std::unique_ptr<ByteTransform>> make_decoder(Codec codec, ByteSink output);

}  // namespace holdfast::pack
