// The one function that publishes a file.
//
//   temporary (".tmp-" + name) → written → length checked → synced → renamed →
//   directory synced = published
// An error at any point leaves nothing visible under the name (with kReplace: the
// old file). After a failed sync the file is never synced again: it is unlinked
// and the publication fails. What a crash leaves behind is ".tmp-" + name, which
// readers skip and the next publication of that name replaces.
#pragma once

#include <optional>
#include <string_view>

#include "io/io.h"

namespace holdfast {

constexpr std::string_view kTemporaryPrefix = ".tmp-";
inline bool is_temporary_name(std::string_view name) {
  return name.substr(0, kTemporaryPrefix.size()) == kTemporaryPrefix;
}

struct PublishOptions {
  mode_t mode = 0640;
  IfExists if_exists = IfExists::kRefuse;
  std::optional<Bytes> size;  // when known: another length is kCorrupt
  bool digest = true;         // false: nobody asks for Published::digest, and it is zeros
};

struct Published {
  Bytes size;
  Digest digest;
};

// Publishes what `source` writes as `relative` below `dir_fd`; its directory
// exists. kConflict when the name exists and kRefuse was asked; kNoSpace; kIo; or
// the source's error. Two publications of one name at a time are a bug of the caller.
Result<Published> publish_file(Io& io, int dir_fd, std::string_view relative,
                               const PublishOptions& options, const ByteSource& source);

}  // namespace holdfast
