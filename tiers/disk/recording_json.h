// recording.json: what a part of a recording is, beside its files on every tier.
// Written at ingest, never edited; with metadata.json it is all that a rebuild of
// the index needs. Grammar: docs/recording-json.md.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/rows.h"
#include "base/time_text.h"
#include "base/types.h"
#include "tiers/read/place.h"

namespace holdfast {

constexpr std::string_view kRecordingFileName = "recording.json";

struct RecordedFile {
  std::string name;  // is_file_name, not reserved
  Bytes size;
  Digest sha256;  // of the original bytes
  Channel channel = Channel::kNone;
  // What ingest found out about its sound; empty, 0 and nothing when it is none or not known.
  std::string format = {};
  int sample_rate = 0;  // Hz
  int tracks = 0;       // within the file: 1 mono, 2 stereo
  std::optional<Millis> duration = std::nullopt;
  bool operator==(const RecordedFile&) const = default;
};

struct RecordingDescription {
  ArchiveId archive;
  RecordingId recording;
  RecordingNo number;
  WorkspaceId workspace;
  std::string call_sid;
  int part = 1;
  CalendarDay day;  // of the call's start as frozen at ingest: part of its path
  UnixMillis received_at;
  std::optional<UnixMillis> started_at;
  std::optional<UnixMillis> ended_at;
  int32_t flags = 0;                // Flag bits, what ingest noticed
  std::vector<RecordedFile> files;  // sorted by name when written; at most limits::kFilesPerPartMax
  bool operator==(const RecordingDescription&) const = default;

  PartId part_id() const { return PartId{recording, part}; }
  Place place() const { return Place{workspace, day, call_sid, part}; }
};

// Canonical JSON and a line feed; equal descriptions give equal bytes.
std::string recording_json(const RecordingDescription& description);
// kCorrupt, naming the key, for anything that recording_json does not give.
Result<RecordingDescription> parse_recording_json(std::string_view text);

}  // namespace holdfast
