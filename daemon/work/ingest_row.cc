#include "daemon/work/ingest_row.h"

#include "audio/sample_form.h"
#include "daemon/work/metadata.h"
#include "daemon/work/part_facts.h"
#include "index/read/attributes.h"

namespace holdfast {

Result<IngestRow> ingest_row(const RecordingDescription& description,
                             std::optional<std::string> metadata_text, const MediumId& medium) {
  CallMetadata metadata;
  AudioClaims claims;
  if (metadata_text) {
    auto parsed = parse_metadata(*metadata_text);
    if (!parsed.ok())
      return parsed.error().within("metadata.json of " + description.part_id().text());
    metadata = std::move(parsed).value();
    claims = read_audio_claims(*metadata_text);
  }
  const EventTimes times = event_times(metadata, description.received_at);

  IngestRow row;
  row.recording = description.recording;
  row.recording_no = description.number;
  row.workspace = description.workspace;
  row.call_sid = description.call_sid;
  row.part = description.part;
  row.service = metadata.service;
  row.direction = metadata.direction;
  row.started_at = times.started_at;
  row.ended_at = times.ended_at;
  row.received_at = description.received_at;
  row.day = description.day;
  row.duration = sounding_time(description.files);
  if (metadata.duration_seconds)
    row.duration = Millis(static_cast<int64_t>(*metadata.duration_seconds * 1000));
  row.part_started_at = description.started_at;
  row.part_ended_at = description.ended_at;
  row.flags = description.flags;
  row.medium = medium;
  for (const RecordedFile& file : description.files) {
    FileRow file_row;
    file_row.part = description.part;
    file_row.name = file.name;
    file_row.size = file.size;
    file_row.sha256 = file.sha256;
    file_row.channel = file.channel;
    file_row.format = file.format;
    file_row.sample_rate = file.sample_rate;
    file_row.tracks = file.tracks;
    file_row.duration = file.duration;
    const ChannelClaim* claim = claims.of(file.name);
    if (claim != nullptr && file.format.empty()) {
      file_row.format = claim->format;
      file_row.sample_rate = claim->sample_rate_hz;
    }
    row.files.push_back(std::move(file_row));
  }
  row.metadata = std::move(metadata_text);
  row.search = search_text(metadata.attributes);
  return row;
}

}  // namespace holdfast
