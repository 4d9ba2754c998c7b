// Reads a pack from any medium by ranges: the trailer at its end, then what the
// trailer points to. A rebuild reads two ranges per pack.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/types.h"
#include "tiers/backend.h"
#include "tiers/pack/contents.h"
#include "tiers/pack/trailer.h"

namespace holdfast::pack {

// Delivers exactly one range of the pack. Usually a PackSession and a location.
using RangeReader = std::function<Status(const PackRange&, const ByteSink&)>;

// The trailer of a pack of `pack_size` bytes. kCorrupt when the last kPackEndBytes are not
// a trailer entry and the tar's end, or the trailer speaks of another size.
Result<Trailer> read_trailer(const RangeReader& read, Bytes pack_size);

// contents.jsonl, compared with the trailer's digest. kTooLarge over
// limits::kPackContentsBytesMax.
Result<std::vector<ContentsLine>> read_contents(const RangeReader& read, const Trailer& trailer);

// Where a part lies in the pack, as the writer's StoredPart tells it.
struct PartSpan {
  RecordingId recording_id;
  int part = 1;
  PackRange audio;     // headers and padding included; of length 0 when the part has none
  PackRange metadata;  // of metadata.json and recording.json
};
// Every part's, in pack order. kCorrupt when the lines are not those of a pack.
Result<std::vector<PartSpan>> part_spans(const Trailer& trailer,
                                         const std::vector<ContentsLine>& contents);

// What is said about one part: all that a rebuild needs.
struct PartMetadata {
  RecordingId recording_id;
  int part = 1;
  std::string recording_json;                // as written at ingest
  std::optional<std::string> metadata_json;  // the original bytes; nothing when the part has none
};
using PartMetadataSink = std::function<Status(PartMetadata)>;

// Every part's metadata, in pack order, one part in memory at a time. kCorrupt when the region
// differs from the trailer's digest: that is known only at the end, so a caller keeps what it
// was given apart until this returns.
Status read_metadata_region(const RangeReader& read, const Trailer& trailer,
                            const PartMetadataSink& sink);
// One part's metadata from its own range (StoredPart::metadata_offset). Checked by its
// digests in recording.json only if the caller does so.
Result<PartMetadata> read_part_metadata(const RangeReader& read, const PackRange& range);

}  // namespace holdfast::pack
