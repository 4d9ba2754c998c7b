// What each kind of decision line does to the rows. There is one function for
// live commands and for replay, so a replayed archive is the one that was.
//
// A line holds ids, digests, numbers and words of base/rows.h, never a name, a
// call id or free text; those are notes. docs/index.md lists the kinds.
//
// Idempotence: a line is applied once, in the order of `n`; the writer skips what
// applied_seq covers. Applying must not fail on what a lost index does not know:
// a line about a recording that no medium shows makes a locked row `unlocated`.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/json.h"
#include "index/read/records.h"
#include "index/read/search.h"

namespace holdfast {

class WriteTxn;

namespace decision {
constexpr std::string_view kIngested = "recording.ingested";
constexpr std::string_view kCondemned = "recording.condemned";
constexpr std::string_view kDestroying = "recording.destroying";
constexpr std::string_view kDestroyed = "recording.destroyed";
constexpr std::string_view kRelabelled = "recording.relabelled";
constexpr std::string_view kHoldPlaced = "hold.placed";
constexpr std::string_view kHoldReleased = "hold.released";
constexpr std::string_view kWorkspaceAdded = "workspace.added";
constexpr std::string_view kWorkspaceChanged = "workspace.changed";
constexpr std::string_view kKeyCreated = "key.created";
constexpr std::string_view kKeyRevoked = "key.revoked";
constexpr std::string_view kLinkRevoked = "link.revoked";
constexpr std::string_view kSigningKeyRotated = "signing-key.rotated";
constexpr std::string_view kMediumRegistered = "medium.registered";
constexpr std::string_view kMediumPlaced = "medium.placed";
constexpr std::string_view kMediumState = "medium.state";
constexpr std::string_view kPackSealed = "pack.sealed";
constexpr std::string_view kPackCopied = "pack.copied";
constexpr std::string_view kPackVerified = "pack.verified";
constexpr std::string_view kPackReleased = "pack.released";
constexpr std::string_view kCopyReleased = "copy.released";
constexpr std::string_view kCopyQuarantined = "copy.quarantined";
constexpr std::string_view kCopyRepaired = "copy.repaired";
constexpr std::string_view kPackRepaired = "pack.repaired";
constexpr std::string_view kPackRewritten = "pack.rewritten";
constexpr std::string_view kMovesPaused = "moves.paused";
constexpr std::string_view kMovesResumed = "moves.resumed";
constexpr std::string_view kConfigApplied = "config.applied";
constexpr std::string_view kLedgerHealed = "ledger.healed";
constexpr std::string_view kWebhookSecretRotated = "webhook-secret.rotated";
constexpr std::string_view kLedgerBegun = "ledger.begun";
constexpr std::string_view kRecoveryBegun = "recovery.begun";
constexpr std::string_view kMatterReleased = "matter.released";
constexpr std::string_view kIndexRebuilt = "index.rebuilt";
constexpr std::string_view kRetentionClassSet = "retention-class.set";
constexpr std::string_view kRetentionDefaultSet = "retention-default.set";
constexpr std::string_view kRetained = "recording.retained";
constexpr std::string_view kClockBegun = "clock.begun";
constexpr std::string_view kClockAccepted = "clock.accepted";
constexpr std::string_view kClockKept = "clock.kept";
constexpr std::string_view kExpiryAccepted = "expiry.accepted";
}  // namespace decision

// One decision as the ledger has it.
struct Decision {
  UnixMillis t;
  std::string kind;
  std::string who;
  std::string on;
  json::object details;
};

// All that ingest gives to the index: of a first part, or of a later one.
struct IngestRow {
  RecordingId recording;
  RecordingNo recording_no;  // from Writer::next_recording_no
  WorkspaceId workspace;
  std::string call_sid;
  int part = 1;
  std::optional<WorkspaceId> service;
  std::optional<Direction> direction;
  UnixMillis started_at;
  UnixMillis ended_at;
  UnixMillis received_at;
  CalendarDay day;
  std::optional<Millis> duration;
  std::optional<UnixMillis> part_started_at;  // as the part's own metadata says
  std::optional<UnixMillis> part_ended_at;
  int32_t flags = 0;
  MediumId medium;  // where the files lie now: the standard tier
  std::vector<FileRow> files;
  std::optional<std::string> metadata;       // bytes of metadata.json; none for a later part
  SearchText search;                         // what metadata says, for those who search
  std::optional<UnixMillis> next_action_at;  // ended_at + copy_after
};

// One member of a sealed pack, by the ids that the pack itself carries.
struct SealedMember {
  RecordingId recording;
  int part = 1;
  PackSpan audio;
  PackSpan metadata;
};

// A complete pack on one medium.
struct SealedPack {
  PackId pack;
  MediumId medium;
  std::string location;
  Bytes size;
  Digest sha256;
  std::vector<SealedMember> members;
  std::optional<UnixMillis> next_action_at;  // when policy looks at the pack again
};

// Where the rows of a decision come from when its line only names them: from the
// command when it is live, from the media when it is replayed.
class DecisionSource {
 public:
  virtual ~DecisionSource() = default;
  // From the part's recording.json and metadata.json, in .incoming or in its place. Nothing when
  // no medium has it (any more).
  virtual Result<std::optional<IngestRow>> find_ingest(const RecordingId& recording, int part) = 0;
  // From the pack's trailer and contents. Nothing when the medium is offline or has no such pack.
  virtual Result<std::optional<SealedPack>> find_pack(const PackId& pack,
                                                      const MediumId& medium) = 0;
  // Whether some medium shows the part, wherever: a copy that goes before the next one is replayed
  // is then not the last. For a rebuild, which has seen all media.
  virtual Result<bool> shows(const RecordingId&, int) { return false; }
};

// Applies one decision in the transaction. kInvalid when the line is not of its kind's shape;
// triggers answer kLocked and kConflict as always. `source` lives for the call.
Status apply_decision(WriteTxn& txn, const Decision& line, DecisionSource& source);

}  // namespace holdfast
