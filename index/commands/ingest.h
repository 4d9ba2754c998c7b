// Commands of ingest. The row and the line acknowledge; the rename into place follows.
#pragma once

#include "index/writer.h"

namespace holdfast {

// What files offered for a known call mean.
enum class IngestVerdict {
  kNew,       // the call is not known
  kSame,      // every offered file is known with the same bytes
  kNextPart,  // at least one name is new, and no known name comes with other bytes
  kConflict,  // a known name comes with other bytes
};
// Compares by name, size and digest. Pure: ingest asks it beforehand on its own connection.
IngestVerdict judge_ingest(const std::vector<FileRow>& known, const std::vector<FileRow>& offered);
// kConflict that names the first file with other bytes and says what would be right.
Error other_bytes(const std::vector<FileRow>& known, const std::vector<FileRow>& offered);

struct IngestOutcome {
  IngestVerdict verdict = IngestVerdict::kNew;  // kNew, kSame, or kNextPart from add_part
  RecordingNo recording_no;
  RecordingId recording;
  int part = 1;
};

// Part 1 of a call. A call that is known already: kSame with its ids when every file is the same;
// kConflict when a file has other bytes; kConflict when files are to be a next part (the caller
// looks again and uses add_part). kConflict "erased" when the call has a tombstone or is being
// destroyed, "relabelled" when its recording was moved away from this workspace. The workspace is
// added when it is new. Decision recording.ingested.
// `quota`: of original bytes of the workspace; kNoSpace, told as "over-quota: …", when the part
// would exceed it. Asked where the row is made, so that many at one time cannot exceed it together.
// `not_before` is expiry.not_before, for what the workspace's retention class by default says.
Command<IngestOutcome> ingest_recording(IngestRow row, std::string who,
                                        std::optional<Bytes> quota = std::nullopt,
                                        Millis not_before = days(30));

// A later part, row.part = parts + 1: kConflict when another part took the number meanwhile, or a
// name is known already (offer only the new ones). Flags are added to the recording's.
Command<IngestOutcome> add_part(IngestRow row, std::string who,
                                std::optional<Bytes> quota = std::nullopt);

// The part's files were renamed into place. Idempotent; no line.
Command<void> mark_placed(RecordingNo recording, int part);

// When policy looks at the recording again; none: never. No line.
Command<void> set_recording_action(RecordingNo recording, std::optional<UnixMillis> at);
// The same, unless another has changed it since it was `seen`.
Command<void> replace_recording_action(RecordingNo recording, std::optional<UnixMillis> seen,
                                       std::optional<UnixMillis> at);

}  // namespace holdfast
