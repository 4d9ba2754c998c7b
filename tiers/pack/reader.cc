#include "tiers/pack/reader.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "base/limits.h"
#include "io/digest.h"
#include "tiers/pack/payload_path.h"
#include "tiers/pack/plan.h"
#include "tiers/pack/tar.h"
#include "tiers/pack/tar_stream.h"

namespace holdfast::pack {
namespace {

Error unreadable(const std::string& what) { return Error{Code::kCorrupt, "read pack: " + what}; }

// One range into memory; the caller has bounded it.
Result<std::string> read_range(const RangeReader& read, const PackRange& range) {
  std::string text;
  text.reserve(static_cast<size_t>(range.length.count));
  HOLDFAST_TRY(read(range, [&](ByteSpan bytes) {
    if (static_cast<int64_t>(text.size() + bytes.size()) > range.length.count)
      return Status(unreadable("more bytes than were asked for"));
    return text += as_text(bytes), Status();
  }));
  if (static_cast<int64_t>(text.size()) != range.length.count)
    return unreadable("fewer bytes than were asked for");
  return text;
}

// Gathers the metadata entries of a range, part by part.
class MetadataCollector {
 public:
  explicit MetadataCollector(const PartMetadataSink& sink)
      : sink_(sink),
        tar_(TarReceiver{[this](const TarMember& member) { return begin(member.entry); },
                         [this](ByteSpan bytes) { return decoder_->write(bytes); },
                         [this] { return end(); }}) {}

  Status push(ByteSpan bytes) { return tar_.push(bytes); }

  Status finish() {
    if (!tar_.between_entries() || tar_.end_zeros().count > 0)
      return unreadable("the metadata ends amid an entry");
    if (gathered_ != nullptr) return unreadable("metadata.json without recording.json");
    return Status();
  }

 private:
  Status begin(const TarEntry& entry) {
    HOLDFAST_ASSIGN(path, parse_payload_path(entry.path));
    if (gathered_ == nullptr) {
      gathered_ = std::make_unique<PartMetadata>();
      gathered_->recording_id = path.recording_id;
      gathered_->part = path.part;
    }
    if (path.recording_id != gathered_->recording_id || path.part != gathered_->part)
      return unreadable("metadata.json without recording.json before " + entry.path);
    Codec codec = Codec::kStored;
    at_recording_ = path.stored_name == kRecordingName;
    if (!at_recording_) {
      std::string name(kMetadataName);
      if (path.stored_name != name && path.stored_name != name + ".zst")
        return unreadable(entry.path + " among the metadata");
      if (gathered_->metadata_json) return unreadable("two files " + entry.path);
      if (path.stored_name != name) codec = Codec::kZstd;
      gathered_->metadata_json.emplace();
    }
    std::string& text = at_recording_ ? gathered_->recording_json : *gathered_->metadata_json;
    HOLDFAST_ASSIGN(decoder, make_decoder(codec, [&text](ByteSpan bytes) {
                      if (text.size() + bytes.size() > size_t{limits::kMetadataBytesMax})
                        return Status(unreadable("a metadata file over its limit"));
                      return text += as_text(bytes), Status();
                    }));
    decoder_ = std::move(decoder);
    return Status();
  }

  Status end() {
    HOLDFAST_TRY(decoder_->finish());
    if (!at_recording_) return Status();
    std::unique_ptr<PartMetadata> whole = std::move(gathered_);
    return sink_(std::move(*whole));
  }

  const PartMetadataSink& sink_;
  std::unique_ptr<PartMetadata> gathered_;  // of the part whose recording.json is not yet read
  bool at_recording_ = false;
  std::unique_ptr<ByteTransform> decoder_;
  TarStream tar_;
};

}  // namespace

Result<Trailer> read_trailer(const RangeReader& read, Bytes pack_size) {
  if (pack_size.count < kPackAlignment || pack_size.count % kPackAlignment != 0)
    return unreadable("a pack has no " + std::to_string(pack_size.count) + " bytes");
  HOLDFAST_ASSIGN(end,
                  read_range(read, {Bytes(pack_size.count - kPackEndBytes), Bytes(kPackEndBytes)}));
  std::string trailer_body;
  std::string path;
  TarStream tar({[&](const TarMember& member) { return path = member.entry.path, Status(); },
                 [&](ByteSpan bytes) { return trailer_body += as_text(bytes), Status(); },
                 [] { return Status(); }});
  HOLDFAST_TRY(tar.push(as_bytes(end)));
  HOLDFAST_ASSIGN(trailer, parse_trailer(as_bytes(trailer_body)));
  if (path != trailer.pack_id.text() + "/holdfast/trailer" ||
      tar.end_zeros().count != 2 * kTarBlock)
    return unreadable("its last bytes are not a trailer and the tar's end");
  if (trailer.pack_size != pack_size)
    return unreadable("the trailer speaks of " + std::to_string(trailer.pack_size.count) +
                      " bytes, there are " + std::to_string(pack_size.count));
  for (const auto& [offset, length] : {std::pair(trailer.metadata_offset, trailer.metadata_length),
                                       std::pair(trailer.contents_offset, trailer.contents_length)})
    if (offset > pack_size || length.count > pack_size.count - offset.count)
      return unreadable("the trailer points outside the pack");
  return trailer;
}

Result<std::vector<ContentsLine>> read_contents(const RangeReader& read, const Trailer& trailer) {
  if (trailer.contents_length.count > limits::kPackContentsBytesMax)
    return Error{Code::kTooLarge, "read pack " + trailer.pack_id.text() + ": contents.jsonl has " +
                                      std::to_string(trailer.contents_length.count) + " bytes"};
  HOLDFAST_ASSIGN(text, read_range(read, {trailer.contents_offset, trailer.contents_length}));
  if (sha256(text) != trailer.contents_sha256)
    return unreadable("contents.jsonl of " + trailer.pack_id.text() + " differs from its digest");
  return parse_contents(text);
}

Status read_metadata_region(const RangeReader& read, const Trailer& trailer,
                            const PartMetadataSink& sink) {
  Sha256 digest;
  Bytes length;
  MetadataCollector collector(sink);
  HOLDFAST_TRY(read({trailer.metadata_offset, trailer.metadata_length}, [&](ByteSpan bytes) {
    digest.update(bytes);
    length += Bytes(static_cast<int64_t>(bytes.size()));
    return collector.push(bytes);
  }));
  HOLDFAST_TRY(collector.finish());
  if (length != trailer.metadata_length || digest.finish() != trailer.metadata_sha256)
    return unreadable("the metadata of " + trailer.pack_id.text() + " differ from their digest");
  return Status();
}

Result<PartMetadata> read_part_metadata(const RangeReader& read, const PackRange& range) {
  std::optional<PartMetadata> found;
  PartMetadataSink sink = [&](PartMetadata part) {
    if (found) return Status(unreadable("the range holds more than one part"));
    return found = std::move(part), Status();
  };
  MetadataCollector collector(sink);
  HOLDFAST_TRY(read(range, [&](ByteSpan bytes) { return collector.push(bytes); }));
  HOLDFAST_TRY(collector.finish());
  if (!found) return unreadable("the range holds no recording.json");
  return *std::move(found);
}

namespace {

Bytes end_of(const ContentsLine& line) {
  return line.offset + line.length + Bytes(tar_padding(line.length));
}

// Entries lie in the pack one behind the other. A pack that says otherwise was made by nobody we
// know, and its numbers are not reckoned with.
Status check_order(const Trailer& trailer, const std::vector<ContentsLine>& contents) {
  Bytes end;
  for (const ContentsLine& line : contents) {
    if (line.offset < end || line.offset.count % kTarBlock != 0 ||
        line.offset > trailer.pack_size ||
        line.length.count > trailer.pack_size.count - line.offset.count)
      return unreadable("its contents say that " + line.path + " has " +
                        std::to_string(line.length.count) + " bytes at " +
                        std::to_string(line.offset.count) + ", where they cannot be");
    end = end_of(line);
  }
  return Status();
}

// The first entry's header is written as tar_header gives it; every other one begins where the
// entry before it ends.
Result<Bytes> begin_of(const Trailer& trailer, const ContentsLine& line) {
  TarEntry entry;
  entry.path = trailer.pack_id.text() + "/" + line.path;
  entry.size = line.length;
  entry.mtime_seconds = trailer.sealed_at.count / 1000;
  HOLDFAST_ASSIGN(header, tar_header(entry));
  return Bytes(line.offset.count - static_cast<int64_t>(header.size()));
}

}  // namespace

Result<std::vector<PartSpan>> part_spans(const Trailer& trailer,
                                         const std::vector<ContentsLine>& contents) {
  HOLDFAST_TRY(check_order(trailer, contents));
  std::vector<PartSpan> spans;
  // The parts as their metadata say, in whose order the audio lies, too.
  size_t first_metadata = 0;
  while (first_metadata < contents.size() &&
         contents[first_metadata].offset < trailer.metadata_offset)
    ++first_metadata;
  Bytes position = trailer.metadata_offset;
  for (size_t i = first_metadata; i < contents.size(); ++i) {
    HOLDFAST_ASSIGN(path, parse_payload_path(trailer.pack_id.text() + "/" + contents[i].path));
    if (path.stored_name != kRecordingName) continue;
    PartSpan span;
    span.recording_id = path.recording_id;
    span.part = path.part;
    span.metadata = {position, Bytes(end_of(contents[i]).count - position.count)};
    position = end_of(contents[i]);
    spans.push_back(std::move(span));
  }
  Bytes audio = trailer.metadata_offset;
  if (first_metadata > 0) {
    HOLDFAST_ASSIGN(begin, begin_of(trailer, contents[0]));
    audio = begin;
  }
  size_t next = 0;
  for (PartSpan& span : spans) {
    span.audio = {audio, Bytes(0)};
    const std::string directory = part_directory(span.recording_id, span.part);
    while (next < first_metadata && contents[next].path.starts_with(directory))
      audio = end_of(contents[next++]);
    span.audio.length = Bytes(audio.count - span.audio.offset.count);
  }
  const bool are_in_order = next == first_metadata && audio <= trailer.metadata_offset &&
                            (spans.empty() || spans.front().audio.offset.count >= 0);
  if (!are_in_order) return unreadable("its contents are in no pack's order");
  return spans;
}

}  // namespace holdfast::pack
