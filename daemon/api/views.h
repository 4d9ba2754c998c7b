// How rows are told in JSON: one function per thing, used by every route that
// tells it.
#pragma once

#include "base/json.h"
#include "daemon/api/call.h"
#include "daemon/work/medium_sight.h"
#include "daemon/work/recall_forecast.h"
#include "index/read/relabels.h"

namespace holdfast::api {

json::value iso_or_null(const std::optional<UnixMillis>& time);
json::value id_or_null(const std::optional<WorkspaceId>& id);
json::array flags_view(int32_t mask);
json::object recording_view(const RecordingRow& recording);
json::object workspace_view(const WorkspaceRow& workspace);
json::object file_view(const FileRow& file);
// What was recorded between pauses, and the gaps.
json::array segments_view(const Recording& recording);
// What was decided against what media say. Only an operator is told which workspaces a recording
// went through.
json::array relabels_view(const Call& call, const std::vector<RelabelRow>& relabels);
// With files, segments, copies, holds, relabels and the live restore.
struct FullRecording {
  const Recording& recording;
  const std::vector<HoldRow>& holds;
  const std::vector<RelabelRow>& relabels;
  const std::vector<MediumRow>& media;
};
json::object full_view(Call& call, const FullRecording& all);
// A hold that came along with a recording from another workspace protects it here, too; but the
// words of its matter are the other's, and only operators read them.
bool is_anothers(const Call& call, const HoldRow& hold);
json::object hold_view(const Call& call, const HoldRow& hold, const std::string& call_sid);
// Adds free_bytes and total_bytes: null unless the medium is there.
void add_space(json::object& view, const MediumSight& sight);
// What operators have stopped.
json::array pauses_view(const std::vector<PauseRow>& pauses);
json::object key_view(const ApiKeyRow& key);
// With its estimate from now.
Result<json::object> restore_view(const Archive& archive, RecallForecast& forecast,
                                  const RestoreRow& restore);
// One who waits, without the name.
json::object waiter_view(const RestoreWaiterRow& waiter);

// The media type of a file by its name.
std::string_view media_type(std::string_view file_name);

// An opaque cursor: base64url of "<a>.<b>"; nothing when it is not one of ours.
std::string make_cursor(int64_t a, std::string_view b);
struct Cursor {
  int64_t a = 0;
  std::string b;
};
std::optional<Cursor> read_cursor(std::string_view text);
// A number of a cursor: 1 to 18 digits; nothing for anything else.
std::optional<int64_t> decimal(std::string_view text);

}  // namespace holdfast::api
