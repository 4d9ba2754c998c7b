// holdfast/trailer: 512 bytes of fixed-layout text at a fixed place, the entry of
// a reader that knows nothing but where the pack ends (docs/pack-format.md, "Trailer").
// Its checksum is CRC-32 as in ISO 3309, gzip and zip (not CRC-32C), over bytes 0 to 496.
#pragma once

#include <string>

#include "base/types.h"

namespace holdfast::pack {

constexpr int64_t kTrailerBytes = 512;
// The trailer's header, data and the two zero blocks of the tar's end.
constexpr int64_t kPackEndBytes = 2048;
// A pack's length is a multiple of this: tape's block.
constexpr int64_t kPackAlignment = 256 * 1024;

struct Trailer {
  PackId pack_id;
  ArchiveId archive_id;
  UnixMillis sealed_at;
  Bytes pack_size;        // the whole tar
  Digest before_sha256;   // of every byte before the trailer's 512: headers, padding and pad too
  Bytes metadata_offset;  // the region of all metadata entries, headers and padding included
  Bytes metadata_length;
  Digest metadata_sha256;
  Bytes contents_offset;  // the bytes of contents.jsonl
  Bytes contents_length;
  Digest contents_sha256;

  bool operator==(const Trailer&) const = default;
};

// Exactly kTrailerBytes.
std::string render(const Trailer& trailer);
// `bytes` are the file's kTrailerBytes bytes. kCorrupt when the checksum or any
// byte of the layout is wrong; kInvalid for a later version than ours.
Result<Trailer> parse_trailer(ByteSpan bytes);

}  // namespace holdfast::pack
