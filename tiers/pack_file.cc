#include "tiers/pack_file.h"

#include <fcntl.h>

#include "io/publish.h"
#include "io/tree.h"
#include "io/uncached.h"

namespace holdfast {
namespace {

Status check_ranges(const std::vector<PackRange>& ranges) {
  Bytes end;
  for (const PackRange& range : ranges) {
    if (range.length.count < 0 || range.offset < end)
      return Error{Code::kInvalid, "ranges of a pack must ascend and not overlap"};
    end = range.offset + range.length;
  }
  return {};
}

}  // namespace

Status append_pack_file(Io& io, MediumRoot& root, const std::string& path, Bytes size,
                        const PackSource& source) {
  HOLDFAST_ASSIGN(held, root.checked(io));
  HOLDFAST_TRY(root.require_room(io, size));
  const SplitPath split = split_path(path);
  HOLDFAST_ASSIGN(directory, make_directories_beneath(io, held->get(), split.parent));
  PublishOptions options;
  options.size = size;
  options.digest = false;  // the pack's source knows it
  const Result<Fd> leftover = io.open(directory.get(), split.name, O_RDONLY);
  if (leftover.ok()) options.if_exists = IfExists::kReplace;
  if (!leftover.ok() && leftover.error().code != Code::kNotFound) return leftover.error();
  HOLDFAST_TRY(publish_file(io, directory.get(), split.name, options, source));
  return {};
}

Status read_pack_file(Io& io, MediumRoot& root, const std::string& path,
                      const std::vector<PackRange>& ranges, const RangeSink& sink) {
  HOLDFAST_TRY(check_ranges(ranges));
  HOLDFAST_ASSIGN(held, root.current(io));
  HOLDFAST_ASSIGN(fd, io.open(held->get(), path, O_RDONLY));
  HOLDFAST_ASSIGN(status, status_of(fd.get(), path));
  for (size_t index = 0; index < ranges.size(); ++index) {
    const PackRange& range = ranges[index];
    if ((range.offset + range.length).count > status.st_size)
      return Error{Code::kIo, "read " + path + ": the medium ends at byte " +
                                  std::to_string(status.st_size) + ", within range " +
                                  std::to_string(index)};
    const Status read = read_through(io, fd.get(), range.offset, range.length,
                                     [&](ByteSpan bytes) { return sink(index, bytes); });
    if (!read.ok()) return read.error().within("read " + path);
  }
  return {};
}

Result<VerifyMode> verify_pack_file(Io& io, MediumRoot& root, const std::string& path, Bytes size,
                                    const Digest& digest) {
  HOLDFAST_ASSIGN(held, root.current(io));
  HOLDFAST_ASSIGN(found, digest_uncached(io, held->get(), path, size));
  if (found.digest != digest)
    return Error{Code::kCorrupt, "verify " + path + ": its SHA-256 is " + found.digest.hex() +
                                     " instead of " + digest.hex()};
  return found.mode;
}

Result<VerifyMode> replace_pack_file(Io& io, MediumRoot& root, const std::string& path,
                                     const std::string& beside, Bytes size, const Digest& digest,
                                     const PackSource& source) {
  HOLDFAST_TRY(append_pack_file(io, root, beside, size, source));
  HOLDFAST_ASSIGN(mode, verify_pack_file(io, root, beside, size, digest));
  if (mode == VerifyMode::kNone)
    return Error{Code::kUnavailable,
                 "repair " + path + ": what is written there cannot be re-read from its medium"};
  if (beside == path) return mode;
  HOLDFAST_ASSIGN(held, root.checked(io));
  HOLDFAST_TRY(rename_durably(io, held->get(), beside, path, IfExists::kReplace));
  return mode;
}

Status probe_pack_files(Io& io, MediumRoot& root) {
  static const std::string kName = "holdfast-probe";
  const std::string text(4096, 'p');  // one sector of a disk that has large ones
  HOLDFAST_ASSIGN(held, root.checked(io));
  PublishOptions options;
  options.if_exists = IfExists::kReplace;
  HOLDFAST_ASSIGN(published,
                  publish_file(io, held->get(), kName, options,
                               [&](const ByteSink& sink) { return sink(as_bytes(text)); }));
  const Result<UncachedDigest> found = digest_uncached(io, held->get(), kName, published.size);
  HOLDFAST_TRY(unlink_durably(io, held->get(), kName));
  if (!found.ok()) return found.error().within("probe " + root.path());
  if (found->digest != published.digest)
    return Error{Code::kCorrupt,
                 "probe " + root.path() + ": what was written came back with other bytes"};
  return {};
}

Status remove_pack_file(Io& io, MediumRoot& root, const std::string& path, const PackId& pack,
                        const PackReleasePermit& permit) {
  if (permit.medium() != root.medium() || permit.pack() != pack)
    return Error{Code::kInvalid,
                 "remove " + path + ": the permit speaks of another pack or medium"};
  HOLDFAST_ASSIGN(held, root.checked(io));
  const Status removed = unlink_durably(io, held->get(), path);
  if (!removed.ok() && removed.error().code == Code::kNotFound) return {};
  return removed;
}

Result<Bytes> pack_file_size(Io& io, MediumRoot& root, const std::string& path) {
  HOLDFAST_ASSIGN(held, root.current(io));
  HOLDFAST_ASSIGN(fd, io.open(held->get(), path, O_RDONLY));
  HOLDFAST_ASSIGN(status, status_of(fd.get(), path));
  return Bytes(status.st_size);
}

}  // namespace holdfast
