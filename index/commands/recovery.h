// Commands that follow a loss: of decisions, of the index, of the ledger.
#pragma once

#include <string>
#include <vector>

#include "index/writer.h"

namespace holdfast {

// The matter under which everything is held when decisions were lost, one of which may have been a
// hold. It is nobody's workspace's.
constexpr std::string_view kRecoveryMatter = "recovery";

// "12-15": decisions after 12 and before 15 are missing.
std::string gap_text(const ChainGap& gap);
// The gaps that no recovery covers yet.
Result<std::vector<ChainGap>> uncovered_gaps(Database& index, const std::vector<ChainGap>& gaps);

struct RecoveryState {
  bool in_force = false;  // holds of the matter stand
  int64_t holds = 0;      // so many
};
Result<RecoveryState> recovery_state(Database& index);

// Holds every recording that there is under the matter `recovery`. Decision recovery.begun.
Command<void> begin_recovery(std::vector<ChainGap> gaps, std::string reason, std::string who);
// Holds one more under it: what a rebuild found and no line speaks of. Decision hold.placed.
Command<void> hold_for_recovery(RecordingId recording, std::string who);
// Releases all of its holds. kNotFound when none stands. Gives how many there were. Decision
// matter.released (weakening).
Command<int64_t> release_recovery(std::string reason, std::string who);

// The first line of a ledger that takes the place of one that was lost. Decision ledger.begun.
Command<void> begin_ledger(std::string who);

// What a medium shows and no line speaks of is taken in as it is. Decisions recording.ingested (of
// a part that lies in packs alone: without "medium") and workspace.added. kConflict when the call
// is there already, or was destroyed.
struct AdoptPart {
  IngestRow row;
  bool is_plain = false;  // its files stand in their place on row.medium
};
Command<void> adopt_part(AdoptPart request, std::string who);
// A pack, whole, by what it says itself; its members' parts are known. Decision pack.sealed.
Command<void> adopt_pack(SealedPack pack, std::string who);

// A move for each pack that is somewhere and was never verified there: who began it is forgotten by
// an older index, and the mover goes on from the row. Not on the mirror of warm, which the repairer
// re-reads. No line.
Command<void> plan_verifications(MediumId standard, std::optional<MediumId> mirror);

// Decision index.rebuilt.
Command<void> index_rebuilt(std::string who);

// A tombstone, or a former address, under the key that there is now. No line.
struct RemadeMark {
  RecordingId recording;
  WorkspaceId workspace;
  std::string call_sid;
  UnixMillis at;
  bool destroyed = false;
};
Command<void> remake_marks(std::vector<RemadeMark> marks);

}  // namespace holdfast
