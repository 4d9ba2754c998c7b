#include "daemon/work/segments.h"

#include <algorithm>
#include <map>
#include <tuple>

#include "base/file_name.h"

namespace holdfast {
namespace {

using Key = std::pair<int, int>;  // part, number

std::map<Key, CallSegment> by_key(const Recording& recording) {
  std::map<Key, CallSegment> segments;
  for (const FileRow& file : recording.files) {
    if (file.channel == Channel::kNone) continue;
    const Key key{file.part, segment_of(file.name)};
    const auto [found, is_new] = segments.try_emplace(key);
    CallSegment& segment = found->second;
    segment.part = key.first;
    segment.number = key.second;
    segment.files.push_back(file.name);
    const bool known = file.duration && (is_new || segment.duration);
    segment.duration =
        known ? std::optional(std::max(segment.duration.value_or(Millis(0)), *file.duration))
              : std::nullopt;
  }
  return segments;
}

void add_times(const Recording& recording, std::map<Key, CallSegment>& segments) {
  for (const PartRow& part : recording.part_rows) {
    const auto first = segments.lower_bound({part.part, 0});
    if (first == segments.end() || first->first.first != part.part) continue;
    const auto last = std::prev(segments.lower_bound({part.part + 1, 0}));
    first->second.started_at = part.started_at;
    last->second.ended_at = part.ended_at;
  }
}

// By its end, or by its start and length.
std::optional<UnixMillis> end_of(const CallSegment& segment) {
  if (segment.ended_at) return segment.ended_at;
  if (segment.started_at && segment.duration) return *segment.started_at + *segment.duration;
  return std::nullopt;
}

}  // namespace

std::vector<CallSegment> segments_of(const Recording& recording) {
  std::map<Key, CallSegment> found = by_key(recording);
  add_times(recording, found);
  std::vector<CallSegment> segments;
  segments.reserve(found.size());
  for (auto& [key, segment] : found) segments.push_back(std::move(segment));
  const bool timed = std::all_of(segments.begin(), segments.end(), [](const CallSegment& segment) {
    return segment.started_at.has_value();
  });
  if (timed)
    std::stable_sort(
        segments.begin(), segments.end(),
        [](const CallSegment& a, const CallSegment& b) { return *a.started_at < *b.started_at; });
  for (size_t i = 1; i < segments.size(); ++i) {
    const std::optional<UnixMillis> before = end_of(segments[i - 1]);
    if (before && segments[i].started_at) segments[i].gap = *segments[i].started_at - *before;
  }
  return segments;
}

const FileRow* first_file(const std::vector<FileRow>& files, Channel channel) {
  const auto order = [](const FileRow& file) {
    return std::make_tuple(segment_of(file.name), file.part);
  };
  const FileRow* first = nullptr;
  for (const FileRow& file : files)
    if (file.channel == channel && (first == nullptr || order(file) < order(*first))) first = &file;
  return first;
}

bool is_stereo(const std::vector<FileRow>& files) {
  if (first_file(files, Channel::kInbound) != nullptr &&
      first_file(files, Channel::kOutbound) != nullptr)
    return true;
  return std::any_of(files.begin(), files.end(), [](const FileRow& file) {
    return file.channel == Channel::kBoth && file.tracks >= 2;
  });
}

}  // namespace holdfast
