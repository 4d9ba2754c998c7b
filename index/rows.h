// Small reads and writes of rows that several commands and decisions share.
// Internal to index/; on the writer's thread, within its transaction.
#pragma once

#include "index/writer.h"

namespace holdfast::rows {

// The numbers behind ids. kNotFound names the id.
Result<int64_t> need_medium_no(Database& index, const MediumId& medium);
Result<int64_t> need_pack_no(Database& index, const PackId& pack);
Result<RecordingRow> need_recording(Database& index, RecordingNo recording_no);
// kNotFound, too, when it is another workspace's by now; none: whosever it is.
Result<RecordingRow> need_recording_of(Database& index, RecordingNo recording_no,
                                       std::optional<WorkspaceNo> workspace_no);
// The number, or, when replaying, that of a row made: its registration was lost, and whoever
// registers it says the rest. `tier` is where media of that use are.
Result<int64_t> known_medium(WriteTxn& txn, const MediumId& medium, Tier tier);
// The row, or one made: state unlocated, with the given number (0: the next that is free).
Result<RecordingNo> known_or_unlocated(WriteTxn& txn, const RecordingId& recording,
                                       RecordingNo number, WorkspaceNo workspace_no);
// The given number, or the next free one when it has been taken meanwhile: by a row that a line
// made whose recording's own line was lost.
Result<RecordingNo> free_number(Database& index, RecordingNo number);
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
// What the age of destroyed members is counted by: the compliance clock as it was kept last (the
// system's time while there is none), so that a wrong clock neither hastens their erasure nor puts
// it off (P9).
Result<UnixMillis> erasure_time(WriteTxn& txn);
// pack.dead_bytes and dead_since again from its members; `now` is erasure time.
Status refresh_pack_dead(Database& index, int64_t pack_no, UnixMillis now);
// The recording, which is being destroyed from now on (erasure time), is dead in its packs.
Status add_dead(Database& index, RecordingNo recording, UnixMillis now);
// Those being destroyed of which the last copies are about to go with the pack's on this medium are
// due: the mover, which looks at what is due on the standard tier, finishes them.
Status members_lie_nowhere(Database& index, int64_t pack_no, int64_t medium_no, UnixMillis now);
// The same for one recording, whose copy has just gone.
Status may_lie_nowhere(Database& index, RecordingNo recording, UnixMillis now);
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
