#include "io/publish.h"

#include <fcntl.h>

#include <string>

#include "io/tree.h"

namespace holdfast {
namespace {

constexpr int kCreate = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW;

// A new temporary file; one that a crash left behind is replaced.
Result<Fd> create_temporary(Io& io, int parent, const std::string& temporary, mode_t mode) {
  Result<Fd> fd = io.open(parent, temporary, kCreate, mode);
  if (fd.ok() || fd.error().code != Code::kConflict) return fd;
  HOLDFAST_TRY(io.unlink(parent, temporary));
  return io.open(parent, temporary, kCreate, mode);
}

Result<Published> write_temporary(Io& io, int fd, const PublishOptions& options,
                                  const ByteSource& source, const std::string& name) {
  StreamWriter::Options stream;
  stream.digest = options.digest;
  StreamWriter writer(io, fd, stream);
  HOLDFAST_TRY(source(writer.sink()));
  HOLDFAST_TRY(writer.finish());
  HOLDFAST_ASSIGN(status, status_of(fd, name));
  if (status.st_size != writer.size().count || (options.size && writer.size() != *options.size))
    return Error{Code::kCorrupt, std::to_string(status.st_size) + " bytes written, " +
                                     std::to_string(options.size.value_or(writer.size()).count) +
                                     " expected"};
  HOLDFAST_TRY(io.sync(fd, name));
  return Published{writer.size(), options.digest ? writer.digest() : Digest()};
}

// The name stands, but not durably. Taken back, so that an error means that
// nothing is visible; a file that it replaced cannot come back.
Status take_back(Io& io, int parent, const std::string& name, IfExists if_exists, Status failure) {
  if (if_exists == IfExists::kReplace) return failure;
  const Status removed = io.unlink(parent, name);
  if (removed.ok()) return failure;
  return Error{
      failure.error().code,
      failure.error().message + "; and it cannot be taken back: " + removed.error().message,
      failure.error().system_errno};
}

Result<Published> publish_in(Io& io, int parent, const std::string& name,
                             const PublishOptions& options, const ByteSource& source) {
  const std::string temporary = std::string(kTemporaryPrefix) + name;
  HOLDFAST_ASSIGN(fd, create_temporary(io, parent, temporary, options.mode));
  Result<Published> written = write_temporary(io, fd.get(), options, source, name);
  Status status = written.ok() ? Status() : Status(written.error());
  if (status.ok()) status = io.rename(parent, temporary, parent, name, options.if_exists);
  if (!status.ok()) {
    // What cannot be removed now is replaced by the next publication of this name.
    static_cast<void>(io.unlink(parent, temporary));
    return status.error();
  }
  status = io.sync(parent, "the directory of " + name);
  if (status.ok()) return written;
  return take_back(io, parent, name, options.if_exists, std::move(status)).error();
}

}  // namespace

Result<Published> publish_file(Io& io, int dir_fd, std::string_view relative,
                               const PublishOptions& options, const ByteSource& source) {
  const SplitPath path = split_path(relative);
  const std::string context = "publish " + std::string(relative);
  Result<Fd> parent = open_directory_beneath(io, dir_fd, path.parent);
  if (!parent.ok()) return parent.error().within(context);
  Result<Published> published = publish_in(io, parent->get(), path.name, options, source);
  if (!published.ok()) return published.error().within(context);
  return published;
}

}  // namespace holdfast
