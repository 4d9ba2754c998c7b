#include "daemon/api/locked.h"

#include "base/time_text.h"
#include "daemon/api/views.h"
#include "index/read/holds.h"
#include "index/read/recordings.h"
#include "index/read/retention.h"

namespace holdfast::api {

json::object retention_view(Call& call, const RecordingRow& recording) {
  const auto certain = certain_time(call.index(), call.services.archive.clock.now());
  json::object view{{"class", recording.retention_class.value_or("")},
                    {"version", recording.retention_version},
                    {"mode", holdfast::word(recording.retention_mode)},
                    {"retain_until", nullptr},
                    {"expires_at", iso_or_null(recording.expires_at)},
                    {"locked", !certain.ok() || is_retained(recording, *certain)}};
  if (recording.retain_until) view["retain_until"] = end_text(*recording.retain_until);
  return view;
}

http::Response locked_response(Call& call, const Error& error) {
  json::object extra;
  if (call.about) {
    json::array matters;
    const auto holds = holds_of_recording(call.index(), *call.about);
    if (holds.ok())
      for (const HoldRow& hold : *holds)
        if (!hold.released_at) matters.emplace_back(hold.matter.text());
    if (!matters.empty()) extra["holds"] = std::move(matters);
    const auto row = find_recording_row(call.index(), *call.about);
    if (row.ok() && *row && (*row)->retain_until) {
      json::object retention = retention_view(call, **row);
      if (retention.at("locked").as_bool()) extra["retention"] = std::move(retention);
    }
  }
  const bool by_retention = error.message.find("retention: ") != std::string::npos;
  return http::problem_response(409, by_retention ? "retention" : "legal-hold", error.message,
                                std::move(extra));
}

}  // namespace holdfast::api
