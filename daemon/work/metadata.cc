#include "daemon/work/metadata.h"

#include <cmath>

#include "base/time_text.h"
#include "index/read/attributes.h"

namespace holdfast {
namespace {

Result<std::optional<WorkspaceId>> find_uuid(const json::object& object, std::string_view key) {
  HOLDFAST_ASSIGN(text, find_string(object, key));
  if (!text) return std::optional<WorkspaceId>();
  auto id = WorkspaceId::from_text(*text);
  if (!id.ok()) return id.error().within("\"" + std::string(key) + "\"");
  return std::optional<WorkspaceId>(*id);
}

// A date of a clock that was never set, or was set wildly back: as good as none.
bool is_before_1970(std::string_view text) {
  return text.size() > 4 && text[4] == '-' && text.substr(0, 4) < "1970" &&
         text.substr(0, 4).find_first_not_of("0123456789") == std::string_view::npos;
}

Result<std::optional<UnixMillis>> find_time(const json::object& object, std::string_view key) {
  HOLDFAST_ASSIGN(text, find_string(object, key));
  if (!text || is_before_1970(*text)) return std::optional<UnixMillis>();
  auto time = from_iso(*text);
  if (!time.ok()) return time.error().within("\"" + std::string(key) + "\"");
  return std::optional<UnixMillis>(*time);
}

Result<ChannelFormat> channel_format(const json::object& object, const std::string& name) {
  HOLDFAST_ASSIGN(format, find_string(object, name + "_format"));
  HOLDFAST_ASSIGN(rate, find_integer(object, name + "_sample_rate"));
  HOLDFAST_ASSIGN(size, find_integer(object, name + "_size_bytes"));
  if (rate && (*rate < 0 || *rate > 768'000))
    return Error{Code::kInvalid, "\"" + name + "_sample_rate\" must be between 0 and 768000 Hz"};
  if (size && *size < 0)
    return Error{Code::kInvalid, "\"" + name + "_size_bytes\" must be 0 or more"};
  return ChannelFormat{format.value_or(""), rate.value_or(0), size};
}

}  // namespace

Result<CallMetadata> parse_metadata(std::string_view text) {
  HOLDFAST_ASSIGN(value, parse_json(text));
  if (!value.is_object()) return Error{Code::kInvalid, "metadata.json must be one JSON object"};
  const json::object& object = value.get_object();

  CallMetadata metadata;
  HOLDFAST_ASSIGN(call_sid, find_string(object, "call_sid"));
  if (call_sid && !is_call_sid(*call_sid))
    return Error{Code::kInvalid, "\"call_sid\" must be 1 to 128 of A-Z a-z 0-9 . _ : -"};
  HOLDFAST_ASSIGN(workspace, find_uuid(object, "workspace_id"));
  HOLDFAST_ASSIGN(service, find_uuid(object, "service_id"));
  HOLDFAST_ASSIGN(direction, find_string(object, "direction"));
  HOLDFAST_ASSIGN(duration, find_number(object, "duration_seconds"));
  HOLDFAST_ASSIGN(inbound, channel_format(object, "inbound"));
  HOLDFAST_ASSIGN(outbound, channel_format(object, "outbound"));
  HOLDFAST_ASSIGN(tts_provider, find_string(object, "tts_provider"));
  HOLDFAST_ASSIGN(started_at, find_time(object, "call_start_iso"));
  HOLDFAST_ASSIGN(ended_at, find_time(object, "call_end_iso"));
  HOLDFAST_ASSIGN(media_start, find_number(object, "media_start_epoch_ms"));
  if (direction && !direction_from(*direction))
    return Error{Code::kInvalid, "\"direction\" must be \"inbound\" or \"outbound\""};
  // A clock that was set back in mid-call: what it says is not a length. Evidence is kept, flagged.
  if (duration && !(*duration >= 0 && *duration < 1e9)) duration.reset();

  metadata.call_sid = call_sid.value_or("");
  metadata.workspace = workspace;
  metadata.service = service;
  if (direction) metadata.direction = direction_from(*direction);
  metadata.duration_seconds = duration;
  metadata.inbound = std::move(inbound);
  metadata.outbound = std::move(outbound);
  metadata.tts_provider = tts_provider.value_or("");
  metadata.started_at = started_at;
  metadata.ended_at = ended_at;
  metadata.media_start_epoch_ms = media_start;
  metadata.incomplete = !call_sid || !workspace || !direction || !duration || !tts_provider ||
                        !started_at || !ended_at || !media_start;
  metadata.attributes = attributes_of(object);
  return metadata;
}

json::object describe(const CallMetadata& metadata, const WorkspaceId& workspace) {
  json::object out;
  out["call_sid"] = metadata.call_sid;
  out["workspace_id"] = workspace.text();
  out["service_id"] =
      metadata.service ? json::value(metadata.service->text()) : json::value(nullptr);
  out["direction"] = word(metadata.direction.value_or(Direction::kInbound));
  out["duration_seconds"] = metadata.duration_seconds.value_or(0);
  out["inbound_format"] = metadata.inbound.format;
  out["inbound_sample_rate"] = metadata.inbound.sample_rate;
  out["outbound_format"] = metadata.outbound.format;
  out["outbound_sample_rate"] = metadata.outbound.sample_rate;
  out["tts_provider"] = metadata.tts_provider;
  out["call_start_iso"] = to_iso(metadata.started_at.value_or(UnixMillis(0)));
  out["call_end_iso"] = to_iso(metadata.ended_at.value_or(UnixMillis(0)));
  out["inbound_size_bytes"] = metadata.inbound.size_bytes.value_or(0);
  out["outbound_size_bytes"] = metadata.outbound.size_bytes.value_or(0);
  out["media_start_epoch_ms"] = metadata.media_start_epoch_ms.value_or(0);
  out["attributes"] = metadata.attributes;
  return out;
}

EventTimes event_times(const CallMetadata& metadata, UnixMillis received) {
  // No recorder is older: such a time is that of a clock which was never set, and tells nothing.
  constexpr UnixMillis kEarliest(631'152'000'000);  // 1990
  const auto told = [&](const std::optional<UnixMillis>& time) {
    return time && *time >= kEarliest ? time : std::nullopt;
  };
  const std::optional<UnixMillis> start = told(metadata.started_at);
  const std::optional<UnixMillis> end = told(metadata.ended_at);
  EventTimes times{start.value_or(received), end.value_or(received), 0};
  if (!start || !end) times.flags |= static_cast<int32_t>(Flag::kEventTimeAbsent);
  const UnixMillis latest = received + hours(1);
  if (times.started_at > latest || times.ended_at > latest)
    times.flags |= static_cast<int32_t>(Flag::kEventTimeInFuture);
  if (times.started_at > latest) times.started_at = received;
  if (times.ended_at > latest) times.ended_at = received;
  // A call that ends before it begins: one of the two is wrong, and nothing may be due too early.
  if (start && end && *end < *start) {
    times.flags |= static_cast<int32_t>(Flag::kEventTimeAbsent);
    times.ended_at = received;
  }
  return times;
}

}  // namespace holdfast
