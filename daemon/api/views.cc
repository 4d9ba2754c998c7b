#include "daemon/api/views.h"

#include <charconv>

#include "base/time_text.h"
#include "daemon/api/locked.h"
#include "daemon/work/segments.h"

namespace holdfast::api {

json::value iso_or_null(const std::optional<UnixMillis>& time) {
  if (!time) return nullptr;
  return json::value(json::string(to_iso(*time)));
}

json::value id_or_null(const std::optional<WorkspaceId>& id) {
  return id ? json::value(json::string(id->text())) : json::value(nullptr);
}

json::array flags_view(int32_t mask) {
  json::array flags;
  each_flag(mask, [&](std::string_view flag) { flags.emplace_back(flag); });
  return flags;
}

json::object recording_view(const RecordingRow& recording) {
  json::object view;
  view["call_sid"] = recording.call_sid;
  view["recording_id"] = recording.recording.text();
  view["recording_no"] = recording.recording_no.value;
  view["started_at"] = to_iso(recording.started_at);
  view["ended_at"] = to_iso(recording.ended_at);
  view["duration_seconds"] = nullptr;
  if (recording.duration)
    view["duration_seconds"] = static_cast<double>(recording.duration->count) / 1000;
  view["direction"] = recording.direction ? json::value(holdfast::word(*recording.direction))
                                          : json::value(nullptr);
  view["tier"] = holdfast::word(recording.tier);
  view["state"] = holdfast::word(recording.state);
  view["bytes"] = recording.bytes.count;
  view["holds"] = recording.holds;
  view["retention_class"] = nullptr;
  if (recording.retention_class) view["retention_class"] = *recording.retention_class;
  view["retain_until"] = nullptr;
  if (recording.retain_until) view["retain_until"] = end_text(*recording.retain_until);
  view["flags"] = flags_view(recording.flags);
  view["parts"] = recording.parts;
  return view;
}

json::object workspace_view(const WorkspaceRow& workspace) {
  json::object view{{"workspace_id", workspace.workspace.text()},
                    {"slug", workspace.name},
                    {"link_life_seconds", nullptr}};
  if (workspace.link_life) view["link_life_seconds"] = workspace.link_life->count / 1000;
  return view;
}

json::object file_view(const FileRow& file) {
  return {{"name", file.name},           {"type", media_type(file.name)},
          {"part", file.part},           {"size", file.size.count},
          {"sha256", file.sha256.hex()}, {"channel", holdfast::word(file.channel)}};
}

bool is_anothers(const Call& call, const HoldRow& hold) {
  if (call.actor.is_operator || !call.workspace) return false;
  return hold.workspace_no != WorkspaceNo(0) && hold.workspace_no != call.workspace->workspace_no;
}

json::object hold_view(const Call& call, const HoldRow& hold, const std::string& call_sid) {
  json::object view{{"hold_id", hold.hold.text()},
                    {"matter", hold.matter_name},
                    {"matter_id", hold.matter.text()},
                    {"recording_id", hold.recording.text()},
                    {"call_sid", call_sid},
                    {"reason", hold.reason},
                    {"placed_at", to_iso(hold.placed_at)},
                    {"placed_by", hold.placed_by},
                    {"released_at", iso_or_null(hold.released_at)},
                    {"released_by", hold.released_at ? json::value(json::string(hold.released_by))
                                                     : json::value(nullptr)}};
  if (is_anothers(call, hold))
    for (const std::string_view words : {"matter", "reason", "placed_by", "released_by"})
      view[words] = nullptr;
  return view;
}

void add_space(json::object& view, const MediumSight& sight) {
  view["free_bytes"] = nullptr;
  view["total_bytes"] = nullptr;
  if (!sight.is_online()) return;
  view["free_bytes"] = sight.free_bytes.count;
  view["total_bytes"] = sight.total_bytes.count;
}

json::array pauses_view(const std::vector<PauseRow>& pauses) {
  json::array views;
  for (const PauseRow& pause : pauses)
    views.push_back(json::object{
        {"tier", pause.tier ? json::value(json::string(word(*pause.tier))) : json::value(nullptr)},
        {"since", to_iso(pause.since)},
        {"by", pause.who},
        {"reason", pause.reason}});
  return views;
}

json::object key_view(const ApiKeyRow& key) {
  json::array scopes;
  for (int32_t bit = 1; bit <= kAllScopes; bit <<= 1)
    if ((key.scopes & bit) != 0) scopes.emplace_back(holdfast::word(static_cast<Scope>(bit)));
  return {{"id", key.key.text()},
          {"workspace_id",
           key.workspace ? json::value(json::string(key.workspace->text())) : json::value(nullptr)},
          {"name", key.name},
          {"scopes", std::move(scopes)},
          {"created_at", to_iso(key.created_at)},
          {"expires_at", iso_or_null(key.expires_at)},
          {"revoked_at", iso_or_null(key.revoked_at)}};
}

json::object waiter_view(const RestoreWaiterRow& waiter) {
  return {{"state", holdfast::word(waiter.state)},
          {"priority", holdfast::word(waiter.priority)},
          {"keep_hours", static_cast<double>(waiter.keep.count) / 3'600'000},
          {"requested_at", to_iso(waiter.requested_at)}};
}

Result<json::object> restore_view(const Archive& archive, RecallForecast& forecast,
                                  const RestoreRow& restore) {
  HOLDFAST_ASSIGN(estimate, forecast.of(restore));
  const UnixMillis now = archive.clock.now();
  const bool waiting =
      restore.state == RestoreState::kQueued || restore.state == RestoreState::kRecalling;
  json::object view;
  view["restore_id"] = restore.restore.text();
  view["call_sid"] = restore.call_sid;
  view["state"] = holdfast::word(restore.state);
  view["tier"] = holdfast::word(restore.tier);
  view["priority"] = holdfast::word(restore.priority);
  view["requested_at"] = to_iso(restore.requested_at);
  view["keep_hours"] = static_cast<double>(restore.keep.count) / 3'600'000;
  view["estimated_seconds"] = estimate.median_seconds;
  view["estimated_seconds_p95"] = estimate.p95_seconds;
  view["estimated_ready_at"] =
      waiting ? json::value(json::string(to_iso(now + seconds(estimate.median_seconds))))
              : json::value(nullptr);
  view["position"] = estimate.position;
  view["bytes_done"] = nullptr;
  view["bytes_total"] = nullptr;
  if (const auto progress = archive.recalls.progress(restore.restore)) {
    view["bytes_done"] = progress->done.count;
    view["bytes_total"] = progress->total.count;
  }
  view["staged_at"] = iso_or_null(restore.staged_at);
  view["expires_at"] = iso_or_null(restore.expires_at);
  view["error"] =
      restore.error.empty() ? json::value(nullptr) : json::value(json::string(restore.error));
  return view;
}

json::array segments_view(const Recording& recording) {
  const auto seconds_or_null = [](const std::optional<Millis>& length) {
    return length ? json::value(static_cast<double>(length->count) / 1000) : json::value(nullptr);
  };
  json::array segments;
  for (const CallSegment& segment : segments_of(recording)) {
    json::array files;
    for (const std::string& name : segment.files) files.emplace_back(name);
    segments.push_back(json::object{{"segment", segment.number},
                                    {"part", segment.part},
                                    {"files", std::move(files)},
                                    {"started_at", iso_or_null(segment.started_at)},
                                    {"ended_at", iso_or_null(segment.ended_at)},
                                    {"duration_seconds", seconds_or_null(segment.duration)},
                                    {"gap_seconds", seconds_or_null(segment.gap)}});
  }
  return segments;
}

json::array relabels_view(const Call& call, const std::vector<RelabelRow>& relabels) {
  json::array views;
  for (const RelabelRow& relabel : relabels) {
    json::object view{{"at", to_iso(relabel.at)},
                      {"by", relabel.who},
                      {"reason", relabel.reason},
                      {"moved", relabel.from != relabel.to}};
    if (relabel.sets_service) view["service_id"] = id_or_null(relabel.service);
    if (relabel.sets_labels) {
      const auto patch = parse_json(relabel.labels.value_or("null"));
      view["attributes"] = patch.ok() ? *patch : json::value(nullptr);
    }
    if (relabel.from != relabel.to && call.actor.is_operator) {
      view["from_workspace_id"] = relabel.from.text();
      view["to_workspace_id"] = relabel.to.text();
    }
    views.push_back(std::move(view));
  }
  return views;
}

json::object full_view(Call& call, const FullRecording& all) {
  const Recording& recording = all.recording;
  json::object view = recording_view(recording);
  view["workspace_id"] = recording.workspace.text();
  view["service_id"] = id_or_null(recording.service);
  view["received_at"] = to_iso(recording.received_at);
  view["next_action_at"] = iso_or_null(recording.next_action_at);
  json::array files;
  for (const FileRow& file : recording.files) files.push_back(file_view(file));
  view["files"] = std::move(files);
  view["stereo"] = is_stereo(recording.files);
  view["segments"] = segments_view(recording);
  json::array copies;
  for (const CopyRow& copy : recording.copies) {
    std::string name = copy.medium.text();
    std::string kind;
    for (const MediumRow& medium : all.media)
      if (medium.medium == copy.medium) name = medium.name, kind = medium.kind;
    copies.push_back(
        json::object{{"part", copy.part},
                     {"medium", name},
                     {"medium_id", copy.medium.text()},
                     {"medium_kind", kind},
                     {"tier", holdfast::word(copy.tier)},
                     {"state", holdfast::word(copy.state)},
                     {"original", copy.original},
                     {"pack_id", copy.pack ? json::value(json::string(copy.pack->text()))
                                           : json::value(nullptr)},
                     {"verified_at", iso_or_null(copy.verified_at)},
                     {"verify_mode", holdfast::word(copy.verify_mode)}});
  }
  view["copies"] = std::move(copies);
  json::array placed;
  for (const HoldRow& hold : all.holds) placed.push_back(hold_view(call, hold, recording.call_sid));
  // `holds` of the listing is their number; here they stand themselves.
  view["holds"] = std::move(placed);
  view["retention"] = nullptr;
  if (recording.retention_class) view["retention"] = retention_view(call, recording);
  view["relabels"] = relabels_view(call, all.relabels);
  view["restore"] = nullptr;
  if (recording.restore)
    if (auto restore =
            restore_view(call.services.archive, call.services.forecast, *recording.restore);
        restore.ok())
      view["restore"] = *std::move(restore);
  return view;
}

std::string_view media_type(std::string_view file_name) {
  static constexpr std::pair<std::string_view, std::string_view> kTypes[] = {
      {".json", "application/json"}, {".wav", "audio/wav"},     {".mp3", "audio/mpeg"},
      {".mp4", "audio/mp4"},         {".m4a", "audio/mp4"},     {".flac", "audio/flac"},
      {".ogg", "audio/ogg"},         {".opus", "audio/ogg"},    {".ulaw", "audio/basic"},
      {".mulaw", "audio/basic"},     {".alaw", "audio/x-alaw"}, {".pcm", "audio/x-pcm"},
      {".txt", "text/plain"},        {".vtt", "text/vtt"},      {".srt", "application/x-subrip"}};
  for (const auto& [ending, type] : kTypes)
    if (file_name.ends_with(ending)) return type;
  return "application/octet-stream";
}

std::string make_cursor(int64_t a, std::string_view b) {
  const std::string text = std::to_string(a) + "." + std::string(b);
  return to_base64url(as_bytes(text));
}

std::optional<int64_t> decimal(std::string_view text) {
  int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const bool whole = error == std::errc() && end == text.data() + text.size();
  if (text.empty() || text.size() > 18 || text.front() == '-' || !whole) return std::nullopt;
  return number;
}

std::optional<Cursor> read_cursor(std::string_view text) {
  const Result<std::string> decoded = from_base64url(text);
  if (!decoded.ok()) return std::nullopt;
  const size_t dot = decoded->find('.');
  if (dot == std::string::npos) return std::nullopt;
  Cursor cursor;
  const auto [end, error] = std::from_chars(decoded->data(), decoded->data() + dot, cursor.a);
  if (error != std::errc() || end != decoded->data() + dot) return std::nullopt;
  cursor.b = decoded->substr(dot + 1);
  return cursor;
}

}  // namespace holdfast::api
