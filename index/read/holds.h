// Matters and holds.
#pragma once

#include "index/read/database.h"
#include "index/read/records.h"

namespace holdfast {

Result<std::vector<MatterRow>> list_matters(Database& index);
Result<std::optional<MatterRow>> find_matter(Database& index, const MatterId& matter);
// By its name, within a workspace (0: the operators' matters). Names are compared exactly.
Result<std::optional<MatterRow>> find_matter(Database& index, WorkspaceNo workspace_no,
                                             std::string_view name);
Result<std::optional<HoldRow>> find_hold(Database& index, const HoldId& hold);
// All holds of a recording, released ones too, oldest first.
Result<std::vector<HoldRow>> holds_of_recording(Database& index, const RecordingId& recording);
// Unreleased holds of a matter, by placement, after the given one (keyset).
struct HoldKey {
  UnixMillis placed_at;
  HoldId hold;
};
Result<std::vector<HoldRow>> holds_of_matter(Database& index, const MatterId& matter,
                                             std::optional<HoldKey> after, int limit);
// Recordings under a matter, for the mount's /.holds: ascending by recording_no.
Result<std::vector<RecordingRow>> recordings_of_matter(Database& index, const MatterId& matter,
                                                       RecordingNo after, int limit);

}  // namespace holdfast
