#include "daemon/work/part_facts.h"

#include <algorithm>
#include <map>
#include <set>

#include "audio/check.h"
#include "base/file_name.h"

namespace holdfast {

Channel channel_of(std::string_view file_name) {
  if (file_name.starts_with("inbound.")) return Channel::kInbound;
  if (file_name.starts_with("outbound.")) return Channel::kOutbound;
  if (file_name.starts_with("recording.")) return Channel::kBoth;
  return Channel::kNone;
}

Result<int32_t> notice_files(std::vector<RecordedFile>& files, const AudioClaims& claims,
                             const ReadOf& read) {
  std::set<int> segments;
  for (RecordedFile& file : files) {
    file.channel = channel_of(file.name);
    if (file.channel != Channel::kNone) segments.insert(segment_of(file.name));
  }
  AudioClaims own = claims;
  if (segments.size() > 1) {
    own.duration_seconds.reset();
    own.inbound.bytes.reset();
    own.outbound.bytes.reset();
  }
  int32_t flags = 0;
  for (RecordedFile& file : files) {
    HOLDFAST_ASSIGN(first, read(file, 0, kAudioCheckBytes));
    HOLDFAST_ASSIGN(sound,
                    measure_compressed(file.name, file.size, [&](int64_t offset, size_t most) {
                      return read(file, offset, most);
                    }));
    flags |= check_audio(file.name, own, file.size, as_bytes(first), sound);
    AudioFacts facts = audio_facts(file.name, own.of(file.name), file.size, as_bytes(first), sound);
    file.format = std::move(facts.format);
    file.sample_rate = facts.sample_rate_hz;
    file.tracks = facts.tracks;
    file.duration = facts.duration;
  }
  if (segments.size() > 1 && claims.duration_seconds) {
    const std::optional<Millis> measured = sounding_time(files);
    if (measured &&
        duration_differs(*claims.duration_seconds, static_cast<double>(measured->count) / 1000))
      flags |= static_cast<int32_t>(Flag::kDurationMismatch);
  }
  return flags;
}

std::optional<Millis> sounding_time(const std::vector<RecordedFile>& files) {
  std::map<int, Millis> longest;
  for (const RecordedFile& file : files) {
    if (file.channel == Channel::kNone) continue;
    if (!file.duration) return std::nullopt;
    Millis& most = longest.try_emplace(segment_of(file.name), Millis(0)).first->second;
    most = std::max(most, *file.duration);
  }
  if (longest.empty()) return std::nullopt;
  Millis sum(0);
  for (const auto& [segment, length] : longest) sum.count += length.count;
  return sum;
}

}  // namespace holdfast
