#include "io/text_file.h"

#include <fcntl.h>

namespace holdfast {

Result<std::string> read_text(Io& io, int dir_fd, std::string_view relative, Bytes most) {
  const std::string name(relative);
  // O_NONBLOCK: a FIFO that somebody put in the place of the file must not hold us up.
  HOLDFAST_ASSIGN(fd, io.open(dir_fd, relative, O_RDONLY | O_NONBLOCK));
  HOLDFAST_ASSIGN(status, status_of(fd.get(), name));
  if (!S_ISREG(status.st_mode)) return Error{Code::kInvalid, "read " + name + ": not a file"};
  if (status.st_size > most.count)
    return Error{Code::kTooLarge, "read " + name + ": " + std::to_string(status.st_size) +
                                      " bytes, over " + std::to_string(most.count)};
  std::string text(static_cast<size_t>(status.st_size), '\0');
  const MutableByteSpan out(reinterpret_cast<std::byte*>(text.data()), text.size());
  if (Status read = io.read_exactly(fd.get(), Bytes(0), out); !read.ok())
    return read.error().within("read " + name);
  return text;
}

Status publish_text(Io& io, int dir_fd, std::string_view relative, std::string_view text,
                    const PublishOptions& options) {
  const Result<Published> published = publish_file(
      io, dir_fd, relative, options, [&](const ByteSink& sink) { return sink(as_bytes(text)); });
  return published.ok() ? Status() : Status(published.error());
}

}  // namespace holdfast
