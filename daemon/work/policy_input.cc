#include "daemon/work/policy_input.h"

#include <algorithm>

#include "base/limits.h"
#include "base/log.h"
#include "index/read/recordings.h"
#include "index/read/restores.h"
#include "index/read/status.h"
#include "index/read/work.h"

namespace holdfast {
namespace {

constexpr int kMembersPage = 1000;

void add_standard_rows(const Archive& archive, const Recording& recording, PolicyInput& input) {
  const std::string retention_class = recording.retention_class.value_or("");
  const CohortInput cohort{retention_class, recording.expires_at, recording.holds > 0,
                           recording.workspace};
  for (const PartRow& part : recording.part_rows) {
    PolicyPart row;
    row.recording = recording.recording;
    row.part = part.part;
    row.bytes = part.bytes;
    row.age_from = part.part == 1 ? recording.ended_at : part.received_at;
    row.cohort = cohort_key(cohort, archive.policy());
    row.rule = archive.policy().rule_of(recording.workspace);
    bool on_standard = false;
    for (const CopyRow& copy : recording.copies) {
      if (copy.part != part.part) continue;
      if (copy.medium == archive.standard_medium()) {
        // A staged or quarantined copy is not the policy's to move.
        on_standard = copy.state == CopyState::kCopied || copy.state == CopyState::kVerified;
      } else {
        if (copy.pack) row.pack = copy.pack;
        if (copy.state == CopyState::kVerified) ++row.verified_newer;
      }
    }
    if (on_standard) input.standard.push_back(std::move(row));
  }
}

Result<PolicyWarmPack> warm_row(Database& index, const PolicySettings& settings,
                                const PackRow& pack, const MediumId& warm,
                                const std::vector<PackCopyRow>& copies) {
  PolicyWarmPack row;
  row.pack = pack.pack;
  row.bytes = pack.size;
  for (const PackCopyRow& copy : copies) {
    if (copy.tier == Tier::kWarm) continue;  // the mirror's leaves with it
    row.on_cold = true;
    if (copy.state == CopyState::kVerified) ++row.verified_newer;
  }
  HOLDFAST_ASSIGN(moves, moves_of_pack(index, pack.pack));
  for (const MoveRow& move : moves) {
    // One that has switched is told by its copy. A pack that was written anew may have such a move
    // from the old one, and lie nowhere but here.
    if (move.from != warm || move.state == MoveState::kSwitched) continue;
    HOLDFAST_ASSIGN(to, find_medium(index, move.to));
    row.on_cold |= !to || to->tier != Tier::kWarm;
  }
  MemberKey after;
  while (true) {
    HOLDFAST_ASSIGN(members, pack_members(index, pack.pack, warm, after, kMembersPage));
    for (const PackMemberRow& member : members)
      add_member(row, member.ended_at, settings.rule_of(member.workspace));
    if (members.size() < static_cast<size_t>(kMembersPage)) break;
    after = MemberKey{members.back().recording_no, members.back().part};
  }
  return row;
}

// How full the standard tier is, and, over the high watermark, who could leave before its time:
// those that leave next by age, so that the oldest go first.
Status add_space(Io& io, const Archive& archive, Database& index, UnixMillis until,
                 PolicyInput& input) {
  auto space = archive.standard.free_space(io);
  if (!space.ok()) {
    // A medium that is away is nobody's reason to plan nothing.
    log::warning("policy: {}", space.error().message);
    return {};
  }
  input.standard_space =
      PolicySpace{Bytes(space->total.count - space->available.count), space->total};
  if (!is_over_high_watermark(*input.standard_space, archive.policy())) return {};
  Millis longest = archive.policy().common.standard_release_after;
  for (const auto& [workspace, rule] : archive.policy().own)
    longest = std::max(longest, rule.standard_release_after);
  const UnixMillis horizon = until + longest;
  HOLDFAST_ASSIGN(next, planned_recordings(index, Tier::kStandard, until + Millis(1), horizon,
                                           limits::kPolicyScanRows));
  for (const RecordingRow& row : next) {
    if (row.state != RecordingState::kLive) continue;
    HOLDFAST_ASSIGN(recording, find_recording(index, row.recording_no));
    if (recording) add_standard_rows(archive, *recording, input);
  }
  return {};
}

}  // namespace

Result<DueRows> gather_due_rows(Io& io, const Archive& archive, Database& index, UnixMillis until) {
  DueRows rows;
  PolicyInput& input = rows.input;
  HOLDFAST_ASSIGN(due, due_recordings(index, Tier::kStandard, until, limits::kPolicyScanRows));
  rows.recordings = std::move(due);
  for (const RecordingRow& row : rows.recordings) {
    if (row.state != RecordingState::kLive) continue;
    HOLDFAST_ASSIGN(recording, find_recording(index, row.recording_no));
    if (recording) add_standard_rows(archive, *recording, input);
  }
  HOLDFAST_TRY(add_space(io, archive, index, until, input));

  HOLDFAST_ASSIGN(open, open_packs(index));
  for (const PackRow& pack : open) {
    HOLDFAST_ASSIGN(moves, moves_of_pack(index, pack.pack));
    if (!moves.empty()) continue;  // it is being written: no member joins any more
    input.open_packs.push_back(
        {pack.pack, pack.cohort, pack.bytes, static_cast<int>(pack.members), pack.opened_at});
  }

  HOLDFAST_ASSIGN(sealed, due_packs(index, until, limits::kPolicyScanRows));
  for (const PackRow& pack : sealed) {
    rows.packs.push_back(pack);
    const MediumId warm = archive.warm->backend().medium();
    HOLDFAST_ASSIGN(copies, pack_copies(index, pack.pack));
    const auto verified_on_warm = [&](const PackCopyRow& copy) {
      return copy.medium == warm && copy.state == CopyState::kVerified;
    };
    if (std::none_of(copies.begin(), copies.end(), verified_on_warm)) continue;
    HOLDFAST_ASSIGN(row, warm_row(index, archive.policy(), pack, warm, copies));
    input.warm_packs.push_back(std::move(row));
  }

  HOLDFAST_ASSIGN(expired, expired_restores(index, until, limits::kPolicyScanRows));
  for (const RestoreRow& restore : expired) {
    if (!restore.expires_at) continue;
    HOLDFAST_ASSIGN(parts, list_parts(index, restore.recording_no));
    for (const PartRow& part : parts)
      input.staged.push_back({restore.recording, part.part, part.bytes, *restore.expires_at});
  }
  return rows;
}

}  // namespace holdfast
