// Text as a row keeps it: its own bytes, or one zstd frame (RFC 8878) of them where that is
// shorter. No JSON begins with a frame's first byte, so the two cannot be confused, and whoever
// reads the database with stock tools has `zstd -d`.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace holdfast {

// Any thread.
std::string pack_text(std::string_view text);
// kCorrupt when it is a frame that does not give back what its head says, or says that it is larger
// than metadata may be (limits::kMetadataBytesMax). Any thread.
Result<std::string> unpack_text(std::string_view bytes);

}  // namespace holdfast
