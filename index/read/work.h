// What is due: the queues of mover and scrubber are queries over rows
// (those of the restorers: restores.h).
// Each costs what is due, not what exists.
#pragma once

#include "index/read/database.h"
#include "index/read/records.h"

namespace holdfast {

// Recordings of `tier` whose next_action_at has come, oldest first.
Result<std::vector<RecordingRow>> due_recordings(Database& index, Tier tier, UnixMillis now,
                                                 int limit);
// Recordings of `tier` whose next_action_at is in [from, to), for the dry run.
Result<std::vector<RecordingRow>> planned_recordings(Database& index, Tier tier, UnixMillis from,
                                                     UnixMillis to, int limit);

Result<std::optional<PackRow>> find_pack(Database& index, const PackId& pack);
Result<std::vector<PackRow>> open_packs(Database& index);
// Sealed packs whose next_action_at has come, oldest first.
Result<std::vector<PackRow>> due_packs(Database& index, UnixMillis now, int limit);
Result<std::vector<PackRow>> planned_packs(Database& index, UnixMillis from, UnixMillis to,
                                           int limit);
// Members of a pack by recording_no and part, after the given one. `medium` picks the copies
// whose ranges are told (those of a pack are the same on every medium).
struct MemberKey {
  RecordingNo recording_no;
  int part = 0;
};
Result<std::vector<PackMemberRow>> pack_members(Database& index, const PackId& pack,
                                                const MediumId& medium, MemberKey after, int limit);
Result<std::vector<PackCopyRow>> pack_copies(Database& index, const PackId& pack);
// Pack copies on a medium that nobody has re-read since `before`, oldest verification first.
Result<std::vector<PackCopyRow>> packs_to_scrub(Database& index, const MediumId& medium,
                                                UnixMillis before, int limit);
// Pack copies in one state, such as releasing: what start-up carries on.
Result<std::vector<PackCopyRow>> pack_copies_in_state(Database& index, CopyState state, int limit);

// Copies of plain files (no pack) in one state on a medium, such as releasing on the standard
// medium: what start-up carries on. Ascending by recording.
struct PlainCopy {
  RecordingNo recording_no;
  RecordingId recording;
  int part = 1;
  MediumId medium;
  CopyState state = CopyState::kReleasing;
};
Result<std::vector<PlainCopy>> plain_copies_in_state(Database& index, CopyState state, int limit);

Result<std::optional<MoveRow>> find_move(Database& index, int64_t move_no);
// Moves in `state` from media of tier `from` that may be tried at `now` (not_before has come),
// oldest first.
Result<std::vector<MoveRow>> ready_moves(Database& index, MoveState state, Tier from,
                                         UnixMillis now, int limit);
// Unfinished moves (not released), for `holdfast moves`; newest first. `after` is the number of the
// last one of the page before; `failed`: only those whose last try failed, whatever their state.
Result<std::vector<MoveRow>> list_moves(Database& index, std::optional<MoveState> state,
                                        std::optional<int64_t> after, int limit,
                                        bool failed = false);
Result<std::vector<MoveRow>> moves_of_pack(Database& index, const PackId& pack);

}  // namespace holdfast
