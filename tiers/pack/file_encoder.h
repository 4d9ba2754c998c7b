// Encodes files one after another into the scratch file of a pack in the making, and proves each
// before it counts:
//
//   choose → encode → read back, decode, digest → proven
//                                               ↘ the source is what it should be? another
//                                               encoding:
//                                                 FLAC → zstd → stored
//
// What decodes to the acknowledged digest was made from the right bytes: the source is digested by
// itself only when it does not.
//
// Thread rule: one thread at a time.
#pragma once

#include <functional>
#include <string_view>
#include <vector>

#include "audio/sample_form.h"
#include "base/types.h"
#include "io/io.h"
#include "tiers/pack/codec.h"
#include "tiers/pack/plan.h"

namespace holdfast::pack {

// One stored file as it lies in the scratch file.
struct EncodedPiece {
  StoredPiece piece;
  SampleForm form = SampleForm::kNone;  // of a FLAC stream
  Bytes scratch_offset;
  Bytes length;
  Digest sha256;
};

class FileEncoder {
 public:
  // Neither is owned.
  FileEncoder(Io& io, int scratch_fd) : io_(io), scratch_fd_(scratch_fd) {}

  // kCorrupt when the source is not what size and SHA-256 say. `is_name` answers whether the part
  // has a file of that name.
  Result<std::vector<EncodedPiece>> encode(const PlannedFile& file, const AudioClaims& claims,
                                           const std::function<bool(std::string_view)>& is_name);

 private:
  Result<std::vector<EncodedPiece>> encode_as(const Encoding& encoding, const PlannedFile& file,
                                              int source_fd);
  Result<EncodedPiece> encode_piece(const StoredPiece& piece, const FlacFormat& flac, int source_fd,
                                    Bytes source_offset);
  // Digests the stored bytes into the pieces; false when decoding does not give the original.
  Result<bool> prove(std::vector<EncodedPiece>& pieces, const Digest& original);

  Io& io_;
  const int scratch_fd_;
  Bytes end_;  // of what is proven: the next file begins here
};

}  // namespace holdfast::pack
