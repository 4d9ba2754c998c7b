// Opens a file of a part for reading: a plain file below a medium's root, by
// the location that the index keeps. Looking starts no recall.
#pragma once

#include <string_view>

#include "base/result.h"
#include "base/types.h"
#include "io/fd.h"

namespace holdfast {

// `directory` is relative to the root (Place::directory, incoming_directory or
// staged_directory), `file` a name without separators. Opened read-only, below
// the root, without following links; a regular file only.
// kNotFound when it is not there, kCorrupt when its size is not `size`.
Result<Fd> open_for_read(const Fd& root, std::string_view directory, std::string_view file,
                         Bytes size);

}  // namespace holdfast
