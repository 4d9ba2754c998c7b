#include "tiers/disk/recording_json.h"

#include <algorithm>
#include <array>

#include "base/json.h"
#include "base/limits.h"

namespace holdfast {
namespace {

constexpr int64_t kFormat = 1;

json::value time_or_null(const std::optional<UnixMillis>& time) {
  return time ? json::value(to_iso(*time)) : json::value(nullptr);
}

Result<Channel> channel_from(std::string_view text) {
  for (const Channel channel :
       {Channel::kNone, Channel::kInbound, Channel::kOutbound, Channel::kBoth})
    if (word(channel) == text) return channel;
  return Error{Code::kInvalid, "\"" + std::string(text) + "\" is no channel"};
}

Result<std::optional<UnixMillis>> find_time(const json::object& object, std::string_view key) {
  HOLDFAST_ASSIGN(text, find_string(object, key));
  if (!text) return std::optional<UnixMillis>();
  HOLDFAST_ASSIGN(time, from_iso(*text));
  return std::optional<UnixMillis>(time);
}

// An array that must be there, with `most` elements at most.
Result<const json::array*> need_array(const json::object& object, std::string_view key,
                                      size_t most) {
  const json::value* value = object.if_contains(key);
  if (value == nullptr || !value->is_array())
    return Error{Code::kInvalid, "\"" + std::string(key) + "\" must be an array"};
  if (value->get_array().size() > most)
    return Error{Code::kInvalid, "\"" + std::string(key) + "\" has more than " +
                                     std::to_string(most) + " elements"};
  return &value->get_array();
}

// 0 when absent.
Result<int> find_count(const json::object& object, std::string_view key) {
  HOLDFAST_ASSIGN(value, find_integer(object, key));
  if (value && (*value < 0 || *value > INT32_MAX))
    return Error{Code::kInvalid, "\"" + std::string(key) + "\" is out of range"};
  return static_cast<int>(value.value_or(0));
}

json::object file_to(const RecordedFile& file) {
  json::object object{{"name", file.name},
                      {"size", file.size.count},
                      {"sha256", file.sha256.hex()},
                      {"channel", word(file.channel)}};
  if (!file.format.empty()) object["format"] = file.format;
  if (file.sample_rate > 0) object["sample_rate"] = file.sample_rate;
  if (file.tracks > 0) object["tracks"] = file.tracks;
  if (file.duration) object["duration_ms"] = file.duration->count;
  return object;
}

Result<RecordedFile> file_from(const json::value& value) {
  if (!value.is_object()) return Error{Code::kInvalid, "a file must be an object"};
  const json::object& object = value.get_object();
  HOLDFAST_ASSIGN(name, need_string(object, "name"));
  if (!is_file_name(name) || is_reserved_file_name(name))
    return Error{Code::kInvalid, "\"" + name + "\" is no name of a file"};
  HOLDFAST_ASSIGN(size, need_integer(object, "size"));
  if (size < 0 || size > limits::kFileBytesMax)
    return Error{Code::kInvalid, "the size of " + name + " is out of range"};
  HOLDFAST_ASSIGN(digest_text, need_string(object, "sha256"));
  HOLDFAST_ASSIGN(digest, Digest::from_hex(digest_text));
  HOLDFAST_ASSIGN(channel_text, need_string(object, "channel"));
  HOLDFAST_ASSIGN(channel, channel_from(channel_text));
  RecordedFile file{name, Bytes(size), digest, channel};
  HOLDFAST_ASSIGN(format, find_string(object, "format"));
  HOLDFAST_ASSIGN(rate, find_count(object, "sample_rate"));
  HOLDFAST_ASSIGN(tracks, find_count(object, "tracks"));
  HOLDFAST_ASSIGN(duration, find_integer(object, "duration_ms"));
  file.format = format.value_or("");
  file.sample_rate = rate;
  file.tracks = tracks;
  if (duration && *duration < 0)
    return Error{Code::kInvalid, "the duration of " + name + " is out of range"};
  if (duration) file.duration = Millis(*duration);
  return file;
}

Result<int32_t> flags_from(const json::array& words) {
  int32_t mask = 0;
  for (const json::value& value : words) {
    if (!value.is_string()) return Error{Code::kInvalid, "a flag must be a string"};
    int32_t found = 0;
    for (int32_t bit = 1; bit <= static_cast<int32_t>(Flag::kUndecodableAudio); bit <<= 1)
      if (word(static_cast<Flag>(bit)) == std::string_view(value.get_string())) found = bit;
    // A flag of a later version says something this one cannot keep: it is left out.
    mask |= found;
  }
  return mask;
}

Result<RecordingDescription> parse(std::string_view text) {
  HOLDFAST_ASSIGN(value, parse_json(text));
  if (!value.is_object()) return Error{Code::kInvalid, "not a JSON object"};
  const json::object& object = value.get_object();
  HOLDFAST_ASSIGN(format, need_integer(object, "format"));
  if (format != kFormat)
    return Error{Code::kInvalid, "format " + std::to_string(format) + " is not known here"};

  RecordingDescription out;
  HOLDFAST_ASSIGN(archive_text, need_string(object, "archive"));
  HOLDFAST_ASSIGN(archive, ArchiveId::from_text(archive_text));
  out.archive = archive;
  HOLDFAST_ASSIGN(recording_text, need_string(object, "recording"));
  HOLDFAST_ASSIGN(recording, RecordingId::from_text(recording_text));
  out.recording = recording;
  HOLDFAST_ASSIGN(number, need_integer(object, "recording_no"));
  if (number < 1) return Error{Code::kInvalid, "\"recording_no\" must be 1 or more"};
  out.number = RecordingNo(number);
  HOLDFAST_ASSIGN(workspace_text, need_string(object, "workspace"));
  HOLDFAST_ASSIGN(workspace, WorkspaceId::from_text(workspace_text));
  out.workspace = workspace;
  HOLDFAST_ASSIGN(call_sid, need_string(object, "call_sid"));
  if (!is_call_sid(call_sid)) return Error{Code::kInvalid, "\"call_sid\" is none"};
  out.call_sid = call_sid;
  HOLDFAST_ASSIGN(part, need_integer(object, "part"));
  if (part < 1 || part > limits::kPartsMax)
    return Error{Code::kInvalid, "\"part\" is out of range"};
  out.part = static_cast<int>(part);

  HOLDFAST_ASSIGN(day, need_string(object, "day"));
  HOLDFAST_ASSIGN(day_start, from_iso(day + "T00:00:00Z"));
  out.day = day_of(day_start);
  HOLDFAST_ASSIGN(received_text, need_string(object, "received_at"));
  HOLDFAST_ASSIGN(received_at, from_iso(received_text));
  out.received_at = received_at;
  HOLDFAST_ASSIGN(started_at, find_time(object, "started_at"));
  out.started_at = started_at;
  HOLDFAST_ASSIGN(ended_at, find_time(object, "ended_at"));
  out.ended_at = ended_at;

  HOLDFAST_ASSIGN(flag_words, need_array(object, "flags", 32));
  HOLDFAST_ASSIGN(flags, flags_from(*flag_words));
  out.flags = flags;
  HOLDFAST_ASSIGN(files, need_array(object, "files", limits::kFilesPerPartMax));
  for (const json::value& element : *files) {
    HOLDFAST_ASSIGN(file, file_from(element));
    for (const RecordedFile& other : out.files)
      if (other.name == file.name)
        return Error{Code::kInvalid, "the file " + file.name + " stands twice"};
    out.files.push_back(std::move(file));
  }
  return out;
}

}  // namespace

std::string recording_json(const RecordingDescription& description) {
  json::array flags;
  each_flag(description.flags, [&](std::string_view text) { flags.emplace_back(text); });
  std::vector<const RecordedFile*> sorted;
  for (const RecordedFile& file : description.files) sorted.push_back(&file);
  std::sort(sorted.begin(), sorted.end(),
            [](const RecordedFile* a, const RecordedFile* b) { return a->name < b->name; });
  json::array files;
  for (const RecordedFile* file : sorted) files.push_back(file_to(*file));
  std::string day_text = description.day.path();
  std::replace(day_text.begin(), day_text.end(), '/', '-');
  return canonical(json::object{{"format", kFormat},
                                {"archive", description.archive.text()},
                                {"recording", description.recording.text()},
                                {"recording_no", description.number.value},
                                {"workspace", description.workspace.text()},
                                {"call_sid", description.call_sid},
                                {"part", description.part},
                                {"day", day_text},
                                {"received_at", to_iso(description.received_at)},
                                {"started_at", time_or_null(description.started_at)},
                                {"ended_at", time_or_null(description.ended_at)},
                                {"flags", std::move(flags)},
                                {"files", std::move(files)}}) +
         "\n";
}

Result<RecordingDescription> parse_recording_json(std::string_view text) {
  Result<RecordingDescription> description = parse(text);
  if (!description.ok())
    return Error{Code::kCorrupt, "read recording.json: " + description.error().message};
  return description;
}

}  // namespace holdfast
