// What a pack shall hold.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/types.h"
#include "io/fd.h"
#include "io/io.h"

namespace holdfast::pack {

// Kept in the metadata region, whose entries a rebuild reads.
constexpr std::string_view kMetadataName = "metadata.json";
constexpr std::string_view kRecordingName = "recording.json";

struct PlannedFile {
  std::string name;  // is_file_name; not recording.json
  Bytes size;
  Digest sha256;
  // Opens the original bytes for reading. Called once, for metadata.json once more for every other
  // file of its part; at most two descriptors per encoder are open at a time. Several threads may
  // call it at once, each with its own Io.
  std::function<Result<Fd>(Io&)> open;
};

struct PlannedPart {
  RecordingId recording_id;
  int part = 1;
  RecordingNo recording_no;
  std::vector<PlannedFile> files;
  std::string recording_json;  // stored as recording.json, plain
};

struct PackPlan {
  PackId pack_id;
  ArchiveId archive_id;
  UnixMillis sealed_at;
  std::vector<PlannedPart> parts;  // 1 to limits::kPackMembersMax; order is kept
};

}  // namespace holdfast::pack
