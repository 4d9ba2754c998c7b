#include "daemon/work/quarantine.h"

#include "base/limits.h"
#include "base/log.h"
#include "index/commands/copies.h"
#include "index/commands/packs.h"
#include "index/read/recordings.h"
#include "index/read/repairs.h"
#include "index/read/work.h"

namespace holdfast {

Result<bool> quarantine_copy(const Archive& archive, const BadCopy& bad) {
  std::optional<RecordingRow> row;
  {
    HOLDFAST_ASSIGN(index, archive.index.take());
    HOLDFAST_ASSIGN(found, find_recording_row(*index, bad.recording_no));
    row = std::move(found);
  }
  if (!row) return false;
  HOLDFAST_ASSIGN(done, archive.writer.call(copy_quarantined(bad.recording_no, bad.part, bad.medium,
                                                             bad.copied_at, bad.reason, "system")));
  if (!done) return false;
  log::event(log::Level::kError, "copy.quarantined",
             {{"RECORDING", row->recording.text()}, {"MEDIUM", bad.medium.text()}},
             "recording {} part {} on medium {} is quarantined: {}", row->recording.text(),
             bad.part, bad.medium.text(), bad.reason);
  archive.changes.publish(
      {Change::Kind::kChanged, row->recording_no, row->workspace, row->day, row->call_sid});
  return true;
}

Result<bool> quarantine_pack(const Archive& archive, const PackId& pack, const MediumId& medium,
                             const std::string& reason) {
  {
    HOLDFAST_ASSIGN(index, archive.index.take());
    HOLDFAST_ASSIGN(copy, find_pack_copy(*index, pack, medium));
    if (!copy || copy->state == CopyState::kQuarantined || copy->state == CopyState::kReleasing)
      return false;
  }
  HOLDFAST_TRY(archive.writer.call(pack_quarantined(pack, medium, reason, "system")));
  log::error("pack {} on medium {} is quarantined: {}", pack.text(), medium.text(), reason);
  HOLDFAST_TRY(tell_members(archive, pack, medium));
  return true;
}

Status tell_members(const Archive& archive, const PackId& pack, const MediumId& medium) {
  constexpr int kPage = limits::kPolicyScanRows;
  MemberKey after;
  while (true) {
    std::vector<PackMemberRow> page;
    {
      HOLDFAST_ASSIGN(index, archive.index.take());
      HOLDFAST_ASSIGN(found, pack_members(*index, pack, medium, after, kPage));
      page = std::move(found);
    }
    std::vector<Change> changes;
    changes.reserve(page.size());
    for (const PackMemberRow& member : page)
      changes.push_back({Change::Kind::kChanged, member.recording_no, member.workspace, member.day,
                         member.call_sid});
    archive.changes.publish(std::move(changes));
    if (page.size() < static_cast<size_t>(kPage)) return {};
    after = MemberKey{page.back().recording_no, page.back().part};
  }
}

}  // namespace holdfast
