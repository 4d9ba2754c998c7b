// Commands of destruction: live → condemned → destroying → gone, with a tombstone.
#pragma once

#include "base/permit.h"
#include "index/writer.h"

namespace holdfast {

// First commit. kLocked when held, retained or unlocated; idempotent on condemned and destroying
// ones. Decision recording.condemned (weakening). The reason is kept as an erasable note.
Command<RecordingRow> condemn(RecordingNo recording, std::string who, std::string reason = {},
                              std::optional<WorkspaceNo> workspace_no = std::nullopt);

// The same of one whose retention has ended, within a command of expiry. False: it is locked, or
// not in its place yet. The line says "expired".
Result<bool> condemn_expired(WriteTxn& txn, const RecordingRow& row, const std::string& who);

// Second commit: the guard is asked again, and the line is durable before the first byte goes.
// kLocked when held; kConflict when a lock has cancelled it (the recording is live); idempotent.
// Its planned copies leave their open packs. Decision recording.destroying (weakening).
Command<RecordingRow> begin_destroying(RecordingNo recording, std::string who);

// Permits for every plain copy (standard tier, staged) of a destroying recording; the rows become
// releasing, and copy_gone (commands/copies.h) ends each. Idempotent. kConflict in another state.
Command<std::vector<ReleasePermit>> permit_destruction(RecordingNo recording);

// No copy is left: rows go, the tombstone stays. kConflict while a copy exists (one in a pack stays
// until compaction). Decision recording.destroyed.
Command<void> finish_destroyed(RecordingNo recording, std::string who);

// The last line of a destruction that had begun, as the ledger says, and of which no medium has a
// byte left: the caller has seen them all. Decision recording.destroyed (weakening), with the mark
// of recording.destroying. Gives false, and changes nothing, when the recording is not unlocated or
// a lock stands.
Command<bool> finish_unseen_destruction(RecordingNo recording, std::string who);

}  // namespace holdfast
