#include "daemon/work/quarantine.h"

#include "base/log.h"
#include "index/commands/copies.h"
#include "index/read/recordings.h"

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
  log::error("recording {} part {} on medium {} is quarantined: {}", row->recording.text(),
             bad.part, bad.medium.text(), bad.reason);
  archive.changes.publish(
      {Change::Kind::kChanged, row->recording_no, row->workspace, row->day, row->call_sid});
  return true;
}

}  // namespace holdfast
