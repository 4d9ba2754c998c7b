// libarchive is only ever asked for a header: the body, its padding and the tar's end are
// plain zeros that need no library. Paths are ASCII (is_file_name, ids), so that no locale
// takes part in what is written.
#include "tiers/pack/tar.h"

#include <archive.h>
#include <archive_entry.h>

#include <algorithm>
#include <memory>

namespace holdfast::pack {
namespace {

constexpr mode_t kMode = 0444;

struct WriterDeleter {
  void operator()(struct archive* writer) const { archive_write_free(writer); }
};
struct ReaderDeleter {
  void operator()(struct archive* reader) const { archive_read_free(reader); }
};
struct EntryDeleter {
  void operator()(struct archive_entry* entry) const { archive_entry_free(entry); }
};

// What libarchive writes is kept until the header is whole. Freeing the writer would then write
// the whole body as zeros: the first of them is refused. (archive_write_fail would prevent it
// too, but libarchive 3.6 then leaks its buffer.)
struct HeaderSink {
  std::string bytes;
  bool whole = false;
};

la_ssize_t keep_bytes(struct archive*, void* client, const void* bytes, size_t size) {
  HeaderSink& sink = *static_cast<HeaderSink*>(client);
  if (sink.whole) return -1;
  sink.bytes.append(static_cast<const char*>(bytes), size);
  return static_cast<la_ssize_t>(size);
}

bool is_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c > 0x20 && c < 0x7F; });
}

}  // namespace

Result<std::string> tar_header(const TarEntry& entry) {
  if (!is_ascii(entry.path) || entry.path.empty() || entry.size.count < 0)
    return Error{Code::kInvalid, "write tar header: a path outside ASCII or a negative size"};
  HeaderSink header;  // outlives the writer
  std::unique_ptr<struct archive, WriterDeleter> writer(archive_write_new());
  std::unique_ptr<struct archive_entry, EntryDeleter> fields(archive_entry_new());
  if (!writer || !fields) return Error{Code::kIo, "write tar header: no memory"};
  // Restricted: a pax header only where ustar's fields are too small.
  bool opened =
      archive_write_set_format_pax_restricted(writer.get()) == ARCHIVE_OK &&
      archive_write_set_bytes_per_block(writer.get(), 0) == ARCHIVE_OK &&
      archive_write_open(writer.get(), &header, nullptr, keep_bytes, nullptr) == ARCHIVE_OK;
  archive_entry_set_pathname(fields.get(), entry.path.c_str());
  archive_entry_set_filetype(fields.get(), AE_IFREG);
  archive_entry_set_perm(fields.get(), kMode);
  archive_entry_set_size(fields.get(), entry.size.count);
  archive_entry_set_mtime(fields.get(), entry.mtime_seconds, 0);
  archive_entry_set_uid(fields.get(), 0);
  archive_entry_set_gid(fields.get(), 0);
  if (!opened || archive_write_header(writer.get(), fields.get()) != ARCHIVE_OK) {
    const char* why = archive_error_string(writer.get());
    return Error{Code::kInvalid,
                 "write tar header of " + entry.path + ": " + (why != nullptr ? why : "refused")};
  }
  header.whole = true;
  writer.reset();
  return std::move(header.bytes);
}

Result<std::optional<TarEntry>> parse_tar_header(ByteSpan bytes) {
  // A pax header in front makes it three blocks or more; how many is only known by trying.
  for (size_t length = static_cast<size_t>(kTarBlock); length <= bytes.size();
       length += static_cast<size_t>(kTarBlock)) {
    std::unique_ptr<struct archive, ReaderDeleter> reader(archive_read_new());
    if (!reader || archive_read_support_format_tar(reader.get()) != ARCHIVE_OK)
      return Error{Code::kIo, "read tar header: no memory"};
    struct archive_entry* fields = nullptr;
    if (archive_read_open_memory(reader.get(), bytes.data(), length) != ARCHIVE_OK ||
        archive_read_next_header(reader.get(), &fields) != ARCHIVE_OK)
      continue;
    const char* path = archive_entry_pathname(fields);
    if (path == nullptr || archive_entry_filetype(fields) != AE_IFREG ||
        archive_entry_hardlink(fields) != nullptr || archive_entry_size(fields) < 0)
      return Error{Code::kCorrupt, "a tar entry is not a regular file"};
    return std::optional<TarEntry>(
        {path, Bytes(archive_entry_size(fields)), archive_entry_mtime(fields)});
  }
  if (bytes.size() >= kTarHeaderBytesMax) return Error{Code::kCorrupt, "not a tar header"};
  return std::optional<TarEntry>();
}

}  // namespace holdfast::pack
