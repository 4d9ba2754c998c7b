// Small files, whole: labels, recording.json, notes.
#pragma once

#include <string>
#include <string_view>

#include "io/publish.h"

namespace holdfast {

// The whole file. kTooLarge when it has more than `most` bytes; kNotFound; kIo.
// Only a regular file is read.
Result<std::string> read_text(Io& io, int dir_fd, std::string_view relative, Bytes most);

// publish_file of `text`.
Status publish_text(Io& io, int dir_fd, std::string_view relative, std::string_view text,
                    const PublishOptions& options = PublishOptions());

}  // namespace holdfast
