// Totals, from counters that triggers keep; never counted.
#pragma once

#include <array>

#include "index/read/database.h"
#include "index/read/records.h"

namespace holdfast {

struct TierTally {
  int64_t recordings = 0;
  Bytes bytes;             // original bytes
  int64_t held = 0;        // recordings with an unreleased hold
  int64_t flagged = 0;     // recordings with a flag
  Bytes single_copy;       // bytes of parts with one original or verified copy
  int64_t destroying = 0;  // condemned or destroying
};

struct StatusSummary {
  std::array<TierTally, 3> tiers;  // by Tier
  int64_t workspaces = 0;
  int64_t open_packs = 0;
  int64_t unfinished_moves = 0;
  int64_t failed_moves = 0;
  int64_t queued_restores = 0;
  int64_t staged_restores = 0;
  int64_t quarantined = 0;
  int64_t parked_callbacks = 0;
  int64_t waiting_callbacks = 0;      // parked ones among them
  std::array<int64_t, 7> moves{};     // by MoveState
  std::array<int64_t, 6> restores{};  // by RestoreState
  Bytes staged_bytes;                 // of restores that are being recalled, or staged
  int64_t applied_seq = 0;            // the last decision line in the index
};

// Of everything, or of one workspace (its pack, move and quarantine figures are then 0).
Result<StatusSummary> status_summary(Database& index, std::optional<WorkspaceNo> workspace_no);

// Original bytes that a workspace keeps on all tiers: what its quota bounds.
Result<Bytes> workspace_bytes(Database& index, WorkspaceNo workspace_no);
// kNoSpace, told as "over-quota: …".
Error over_quota(Bytes used, Bytes quota, Bytes coming);

Result<std::vector<MediumRow>> list_media(Database& index);
Result<std::optional<MediumRow>> find_medium(Database& index, const MediumId& medium);
// The medium that belongs at the path; nothing when nobody ever said.
Result<std::optional<MediumRow>> find_medium_at(Database& index, std::string_view place);
// A value of the table `setting`, such as "archive_id" or "applied_seq".
Result<std::optional<std::string>> find_setting(Database& index, std::string_view name);

// The setting that says over which gaps in decisions replay went: "12-15,20-22,".
inline constexpr std::string_view kMissedDecisions = "missed_decisions";
// Whether a part without a row was never acknowledged: the index has applied every decision that
// was ever made, and is the one that was there then. False of one that was rebuilt, since the
// ledger may have been lost with it, and where decisions are missing.
Result<bool> knows_every_ingest(Database& index);

}  // namespace holdfast
