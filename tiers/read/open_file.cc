#include "tiers/read/open_file.h"

#include <fcntl.h>

#include <string>

namespace holdfast {

Result<Fd> open_for_read(const Fd& root, std::string_view directory, std::string_view file,
                         Bytes size) {
  if (!is_file_name(file))
    return Error{Code::kInvalid, "open \"" + std::string(file) + "\": not a file name"};
  const std::string path = std::string(directory) + "/" + std::string(file);
  // Without O_NONBLOCK a FIFO put here by another hand would hang the reader.
  HOLDFAST_ASSIGN(fd, open_beneath(root.get(), path, O_RDONLY | O_NONBLOCK));
  HOLDFAST_ASSIGN(status, status_of(fd.get(), path));
  if (!S_ISREG(status.st_mode))
    return Error{Code::kCorrupt, "open " + path + ": not a regular file"};
  if (status.st_size != size.count)
    return Error{Code::kCorrupt, "open " + path + ": has " + std::to_string(status.st_size) +
                                     " bytes instead of " + std::to_string(size.count)};
  return fd;
}

}  // namespace holdfast
