// Small reads and writes of rows that several commands and decisions share.
// Internal to index/; on the writer's thread, within its transaction.
#pragma once

#include "index/writer.h"

namespace holdfast::rows {

// The numbers behind ids. kNotFound names the id.
Result<int64_t> need_medium_no(Database& index, const MediumId& medium);
Result<int64_t> need_pack_no(Database& index, const PackId& pack);
Result<RecordingRow> need_recording(Database& index, RecordingNo recording_no);
// The row, or one made: state unlocated, with the given number (0: the next that is free).
Result<RecordingNo> known_or_unlocated(WriteTxn& txn, const RecordingId& recording,
                                       RecordingNo number, WorkspaceNo workspace_no);
// The row of a workspace, made when it is new with the given number (0: the next that is free).
Result<WorkspaceNo> known_workspace(WriteTxn& txn, const WorkspaceId& workspace, WorkspaceNo number,
                                    std::string_view name);
// Whose address it was before a move, by the mark of workspace and call (WriteTxn::tombstone).
Result<std::optional<RecordingId>> find_former_address(Database& index, const Digest& mark);
// Numbers up to this one are never given out again.
Status pass_number(Database& index, RecordingNo number);

// recording.tier again from its live copies; unchanged when it has none.
Status refresh_tier(Database& index, RecordingNo recording);
// The same for all members of a pack.
Status refresh_member_tiers(Database& index, int64_t pack_no);
// pack.members and pack.bytes again from its copies on the medium.
Status refresh_pack_totals(Database& index, int64_t pack_no, int64_t medium_no);
// Takes the recording's planned copies out of their open packs.
Status leave_open_packs(Database& index, RecordingNo recording);
// Sets an integer that only grows.
Status raise_setting(Database& index, std::string_view name, int64_t value);
Status store_setting(Database& index, std::string_view name, std::string_view value);

// "12-15,20-22,": gaps in decisions over which everything was held under the matter recovery.
constexpr std::string_view kRecoveryGaps = "recovery_gaps";
Result<bool> is_covered_gap(Database& index, std::string_view gap);

// Runs a statement without rows that has only integers and blobs to bind.
template <typename... Values>
Status run(Database& index, std::string_view sql, const Values&... values) {
  return index.prepare(sql).bind(values...).run();
}

}  // namespace holdfast::rows
