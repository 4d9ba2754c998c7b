// Pack trailers: one that is accepted is written again as the same bytes, and nothing that a pack's
// end points to lies outside the pack.
//
//   input = seal(1) up to 512 bytes of a trailer
#include <boost/crc.hpp>

#include "base/limits.h"
#include "tests/fuzz/input.h"
#include "tests/fuzz/targets.h"
#include "tiers/pack/reader.h"
#include "tiers/pack/tar.h"
#include "tiers/pack/trailer.h"

namespace holdfast::fuzz {
namespace {

constexpr size_t kCheckedBytes = 497;  // before the line of the checksum

// With the checksum of what stands there: the fields are looked at, not the checksum alone.
std::string sealed(std::string text) {
  text.resize(kCheckedBytes, ' ');
  text.back() = '\n';
  boost::crc_32_type crc;
  crc.process_bytes(text.data(), text.size());
  char line[16];
  std::snprintf(line, sizeof line, "crc32 %08x\n", static_cast<unsigned>(crc.checksum()));
  return text + line;
}

// Reads the end of a pack of `size` bytes that has this trailer.
void read_end(const pack::Trailer& trailer, const std::string& text, Bytes size) {
  pack::TarEntry entry;
  entry.path = trailer.pack_id.text() + "/holdfast/trailer";
  entry.size = Bytes(pack::kTrailerBytes);
  entry.mtime_seconds = trailer.sealed_at.count / 1000;
  const auto header = pack::tar_header(entry);
  if (!header.ok()) return;  // a time that no tar can tell
  const std::string end = *header + text + std::string(1024, '\0');
  if (end.size() != static_cast<size_t>(pack::kPackEndBytes)) return;
  const auto read = pack::read_trailer(
      [&](const PackRange& range, const ByteSink& sink) {
        expect(range.offset.count == size.count - pack::kPackEndBytes &&
                   range.length.count == pack::kPackEndBytes,
               "a pack's end is one range");
        return sink(as_bytes(end));
      },
      size);
  if (!read.ok()) return;
  expect(*read == trailer && trailer.pack_size == size, "a pack's end is read as it is");
  for (const auto& [offset, length] : {std::pair(read->metadata_offset, read->metadata_length),
                                       std::pair(read->contents_offset, read->contents_length)})
    expect(offset.count >= 0 && length.count >= 0 && offset.count <= size.count &&
               length.count <= size.count - offset.count,
           "a trailer points into its pack");
}

}  // namespace

void pack_trailer(ByteSpan bytes) {
  Input input(bytes);
  const bool seal = input.byte() % 2 == 1;
  const std::string given(input.rest());
  const std::string text = seal ? sealed(given) : given;
  const auto trailer = pack::parse_trailer(as_bytes(text));
  if (!trailer.ok()) {
    expect(!trailer.error().message.empty(), "a refusal says why");
    return;
  }
  expect(pack::render(*trailer) == text, "a trailer is written as it was read", text);
  read_end(*trailer, text, trailer->pack_size);
  read_end(*trailer, text, Bytes(pack::kPackAlignment));
}

}  // namespace holdfast::fuzz
