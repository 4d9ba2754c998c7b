// Reading a file back from its medium, not from the page cache: what a
// verification must do before a source may go (P2).
//
//   O_DIRECT, and the file system says that it honours it       → VerifyMode::kDirect
//   else sync, POSIX_FADV_DONTNEED, and no page is left cached   → VerifyMode::kDropped
//   else the bytes are delivered all the same                    → VerifyMode::kNone
//
// ext4 and xfs: direct. overlay: what the file system below does. tmpfs and ramfs
// have no medium behind the page cache: always kNone, also where they accept
// O_DIRECT (Linux 6.6 and later do). kNone does not satisfy P2.
#pragma once

#include <string_view>

#include "base/rows.h"
#include "io/io.h"

namespace holdfast {

// Delivers exactly `size` bytes. kCorrupt when the file has another size;
// kNotFound; kIo; or the sink's error.
Result<VerifyMode> read_uncached(Io& io, int dir_fd, std::string_view relative, Bytes size,
                                 const ByteSink& sink);

struct UncachedDigest {
  Digest digest;
  VerifyMode mode = VerifyMode::kNone;
};
Result<UncachedDigest> digest_uncached(Io& io, int dir_fd, std::string_view relative, Bytes size);

}  // namespace holdfast
