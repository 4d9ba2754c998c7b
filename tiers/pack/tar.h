// Tar headers by libarchive (POSIX pax), one at a time, so that every offset of a
// pack is known before it is written.
//
// All entries are regular files, mode 0444, uid and gid 0, without names, with whole seconds
// of time: the same entry always gives the same bytes.
#pragma once

#include <optional>
#include <string>

#include "base/types.h"

namespace holdfast::pack {

constexpr int64_t kTarBlock = 512;
// More header than any path and size of ours needs.
constexpr size_t kTarHeaderBytesMax = 16 * 512;

struct TarEntry {
  std::string path;
  Bytes size;
  int64_t mtime_seconds = 0;
};

// The header's bytes, a multiple of kTarBlock; with a pax header in front when
// ustar's fields are too small.
Result<std::string> tar_header(const TarEntry& entry);
// The entry whose header begins `bytes`: nothing when more bytes are needed. kCorrupt when the
// bytes are no header of a regular file. Headers of any libarchive are understood, not only
// those of the one that wrote this pack.
Result<std::optional<TarEntry>> parse_tar_header(ByteSpan bytes);

// Zeros behind a body of `size` bytes.
constexpr int64_t tar_padding(Bytes size) {
  return (kTarBlock - size.count % kTarBlock) % kTarBlock;
}

}  // namespace holdfast::pack
