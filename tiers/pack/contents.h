// holdfast/contents.jsonl: one canonical JSON line per stored payload file, in
// the order of their offsets. No personal data: the digests of the originals are in
// each part's recording.json.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/types.h"
#include "tiers/pack/codec.h"

namespace holdfast::pack {

struct ContentsLine {
  std::string path;  // below the pack's directory: "data/<recording_id>.<part>/inbound.ulaw.flac"
  std::string original;  // the original file's name: "inbound.ulaw"
  Codec codec = Codec::kStored;
  Piece piece = Piece::kWhole;
  SampleForm form = SampleForm::kNone;  // of kFlac
  Bytes offset;                         // of the stored bytes in the pack, behind the tar header
  Bytes length;
  Digest sha256;  // of the stored bytes
};

// With the line feed.
std::string render(const ContentsLine& line);
// The whole file; kCorrupt with the line's number.
Result<std::vector<ContentsLine>> parse_contents(std::string_view text);

}  // namespace holdfast::pack
