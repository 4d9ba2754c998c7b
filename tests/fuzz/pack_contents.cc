// A pack's contents.jsonl and manifests: what is read is written again with the same meaning, and
// the parts' ranges that follow from the contents lie in the pack, one behind the other.
//
//   input = metadata_offset(8) contents.jsonl
#include "tests/fuzz/input.h"
#include "tests/fuzz/targets.h"
#include "tiers/pack/bag.h"
#include "tiers/pack/contents.h"
#include "tiers/pack/payload_path.h"
#include "tiers/pack/reader.h"

namespace holdfast::fuzz {
namespace {

void expect_contents(std::string_view text, const pack::Trailer& trailer) {
  const auto lines = pack::parse_contents(text);
  if (!lines.ok()) {
    expect(lines.error().message.starts_with("contents.jsonl line "), "an error names the line",
           lines.error().message);
    return;
  }
  std::string written;
  for (const pack::ContentsLine& line : *lines) written += pack::render(line);
  const auto again = pack::parse_contents(written);
  expect(again.ok() && again->size() == lines->size(), "contents can be read again", written);
  std::string written_again;
  for (const pack::ContentsLine& line : *again) written_again += pack::render(line);
  expect(written == written_again, "contents are written as they were read", written);

  const auto spans = pack::part_spans(trailer, *lines);
  if (!spans.ok()) return;
  Bytes audio_end;
  Bytes metadata_end = trailer.metadata_offset;
  for (const pack::PartSpan& span : *spans) {
    for (const PackRange& range : {span.audio, span.metadata})
      expect(range.offset.count >= 0 && range.length.count >= 0 &&
                 range.length.count <= trailer.pack_size.count - range.offset.count,
             "a part's range lies in the pack");
    expect(span.audio.offset >= audio_end, "parts' audio lies one behind the other");
    audio_end = span.audio.offset + span.audio.length;
    expect(span.metadata.offset == metadata_end, "parts' metadata lie one behind the other");
    metadata_end = span.metadata.offset + span.metadata.length;
  }
}

void expect_manifest(std::string_view text) {
  const auto files = pack::parse_manifest(text);
  if (!files.ok()) return;
  const std::string written = pack::manifest_txt(*files);
  const auto again = pack::parse_manifest(written);
  expect(again.ok() && pack::manifest_txt(*again) == written,
         "a manifest is written as it was read");
  for (const pack::BagFile& file : *files) {
    const auto path = pack::parse_payload_path(file.path);
    if (!path.ok()) continue;
    expect(path->pack_id.text() + "/" + pack::part_directory(path->recording_id, path->part) +
                   path->stored_name ==
               file.path,
           "a payload's path has one spelling", file.path);
  }
}

}  // namespace

void pack_contents(ByteSpan bytes) {
  Input input(bytes);
  pack::Trailer trailer;
  trailer.metadata_offset = Bytes(static_cast<int64_t>(input.number(8) & INT64_MAX));
  trailer.pack_size = Bytes(INT64_MAX - INT64_MAX % pack::kPackAlignment);
  const std::string text(input.rest());
  expect_contents(text, trailer);
  expect_manifest(text);
}

}  // namespace holdfast::fuzz
