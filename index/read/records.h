// The rows of the index as plain values: what a reader gives and a command takes.
// docs/index.md tells the tables; base/rows.h the words.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/retention.h"
#include "base/rows.h"
#include "base/time_text.h"
#include "base/types.h"

namespace holdfast {

// A workspace in the index: small, never given twice. 0 stands for "no workspace" (an operator).
struct WorkspaceNo {
  int64_t value = 0;
  constexpr WorkspaceNo() = default;
  constexpr explicit WorkspaceNo(int64_t n) : value(n) {}
  auto operator<=>(const WorkspaceNo&) const = default;
};

struct WorkspaceRow {
  WorkspaceNo workspace_no;
  WorkspaceId workspace;
  std::string name;  // what operators call it; may be empty
  UnixMillis created_at;
  std::optional<Millis> link_life;  // of links minted here; none: as configured
};

struct ApiKeyRow {
  KeyId key;
  std::optional<WorkspaceId> workspace;  // none: an operator key
  WorkspaceNo workspace_no;
  std::string name;
  int32_t scopes = 0;  // mask of Scope
  UnixMillis created_at;
  std::optional<UnixMillis> expires_at;
  std::optional<UnixMillis> revoked_at;
};

struct FileRow {
  int part = 1;
  std::string name;
  Bytes size;
  Digest sha256;  // of the original bytes
  Channel channel = Channel::kNone;
  std::string format;   // "mulaw", "pcm16", "wav"; empty when it is not audio or not known
  int sample_rate = 0;  // Hz; 0 when it is not audio or not known
  int tracks = 0;       // within the file: 1 mono, 2 stereo; 0 when it is not audio or not known
  std::optional<Millis> duration;  // of the samples; nothing when it is not audio or not known
};

struct PartRow {
  int part = 1;
  Bytes bytes;  // all files
  UnixMillis received_at;
  std::optional<UnixMillis> started_at;  // as the part's own metadata says
  std::optional<UnixMillis> ended_at;
  bool placed = false;  // renamed from .incoming to its place
  int copies = 0;       // original or verified copies, on all media
};

// A range of a pack's own bytes.
struct PackSpan {
  Bytes offset;
  Bytes length;
};

// One part on one medium.
struct CopyRow {
  int part = 1;
  MediumId medium;
  Tier tier = Tier::kStandard;  // of the medium
  MediumState medium_state = MediumState::kOnline;
  CopyState state = CopyState::kPlanned;
  bool original = false;             // ingest wrote it
  std::optional<PackId> pack;        // none: plain files
  std::string location;              // of the pack on this medium; empty without a pack
  std::optional<PackSpan> audio;     // the part's audio files in the pack
  std::optional<PackSpan> metadata;  // its metadata.json.zst and recording.json in the pack
  std::optional<UnixMillis> copied_at;
  std::optional<UnixMillis> verified_at;
  VerifyMode verify_mode = VerifyMode::kNone;
};

// A recording without its metadata, files and copies.
struct RecordingRow {
  RecordingNo recording_no;
  RecordingId recording;
  WorkspaceNo workspace_no;
  WorkspaceId workspace;
  WorkspaceId home;  // whose tree its plain files lie in: the workspace of its ingest, for ever
  std::string call_sid;
  std::optional<WorkspaceId> service;  // the agent, a UUID
  std::optional<Direction> direction;
  UnixMillis started_at;  // received_at when the event time is absent or in the future (flags)
  UnixMillis ended_at;
  UnixMillis received_at;  // by the system clock
  UnixMillis arrived_at;   // the same, or later: the compliance clock's word where that was ahead
  CalendarDay day;         // of the path on the standard tier; frozen at ingest
  std::optional<Millis> duration;
  RecordingState state = RecordingState::kCommitted;
  int32_t flags = 0;  // mask of Flag
  // The fastest tier with a live copy of any part. A part has its own copies: look there before
  // its files are opened.
  Tier tier = Tier::kStandard;
  std::optional<UnixMillis> next_action_at;  // when policy looks at it again
  std::optional<std::string> retention_class;
  RetentionMode retention_mode = RetentionMode::kGovernance;  // of the class
  int retention_version = 0;                                  // of the class; 0: none
  std::optional<UnixMillis> retain_until;  // not destroyed before; none: no lock; kForever
  std::optional<UnixMillis> expires_at;    // expiry takes it then; none: never
  int holds = 0;                           // unreleased
  int parts = 1;
  Bytes bytes;  // all files of all parts, original bytes
};

struct HoldRow {
  HoldId hold;
  RecordingId recording;
  RecordingNo recording_no;
  WorkspaceNo workspace_no;
  MatterId matter;
  std::string matter_name;
  std::string reason;  // erasable; empty when erased or not given
  std::string placed_by;
  UnixMillis placed_at;
  std::string released_by;
  std::optional<UnixMillis> released_at;
};

struct MatterRow {
  MatterId matter;
  std::string name;
  WorkspaceNo workspace_no;
  UnixMillis created_at;
  int64_t holds = 0;  // unreleased
};

struct MediumRow {
  MediumId medium;
  Tier tier = Tier::kStandard;
  std::string kind;  // "disk", "pack", "vault"
  std::string name;
  MediumState state = MediumState::kOnline;
  UnixMillis registered_at;
  std::optional<UnixMillis> checked_at;  // when the label was last seen
  std::optional<std::string> place;      // the path where it belongs, without a "/" at the end
};

struct PackRow {
  PackId pack;
  std::string cohort;
  MediumId target;  // the medium it was first meant for
  PackState state = PackState::kOpen;
  UnixMillis opened_at;
  std::optional<UnixMillis> sealed_at;
  int64_t members = 0;  // parts in it
  Bytes bytes;          // original bytes of its members
  Bytes size;           // of the pack itself; 0 while open
  Digest sha256;        // of the whole pack; zeros while open
  std::optional<UnixMillis> next_action_at;
};

// Where a pack lies.
struct PackCopyRow {
  PackId pack;
  MediumId medium;
  Tier tier = Tier::kWarm;
  MediumState medium_state = MediumState::kOnline;
  std::string location;
  CopyState state = CopyState::kCopied;
  UnixMillis copied_at;
  std::optional<UnixMillis> verified_at;
  VerifyMode verify_mode = VerifyMode::kNone;
};

// A part that lies in a pack (or is planned to), with what a pack writer needs.
struct PackMemberRow {
  RecordingNo recording_no;
  RecordingId recording;
  WorkspaceId workspace;
  WorkspaceId home;  // as RecordingRow's
  std::string call_sid;
  CalendarDay day;
  RecordingState state = RecordingState::kLive;
  int part = 1;
  Bytes bytes;
  UnixMillis ended_at;
  bool placed = false;
  std::optional<PackSpan> audio;
  std::optional<PackSpan> metadata;
};

struct MoveRow {
  int64_t move_no = 0;
  PackId pack;
  MediumId from;
  MediumId to;
  MoveState state = MoveState::kPlanned;
  int attempts = 0;                      // failed tries since the last proof
  std::optional<UnixMillis> not_before;  // of the next try; none: only a person can help
  std::string error;                     // of the last failed try
  UnixMillis created_at;
  UnixMillis updated_at;
};

struct RestoreRow {
  RestoreId restore;
  RecordingNo recording_no;
  RecordingId recording;
  WorkspaceId workspace;
  std::string call_sid;
  RestoreState state = RestoreState::kQueued;
  RestorePriority priority = RestorePriority::kStandard;
  Tier tier = Tier::kWarm;  // whose lane serves it: where its best copy was seen last
  Bytes bytes;
  Millis keep{0};  // the longest of its waiters
  UnixMillis requested_at;
  std::optional<UnixMillis> started_at;
  std::optional<UnixMillis> staged_at;
  std::optional<UnixMillis> expires_at;  // staged_at + keep; a later waiter may push it out
  int attempts = 0;
  UnixMillis not_before;
  std::string error;
  std::optional<PackId> pack;  // of the first archived part, so that recalls are grouped
  std::optional<MediumId> medium;
  int64_t restore_no = 0;
};

struct RestoreWaiterRow {
  int64_t waiter_no = 0;
  RestoreId restore;
  std::string who;                             // key id or uid
  RestoreState state = RestoreState::kQueued;  // its own: one that cancelled stays so
  RestorePriority priority = RestorePriority::kStandard;
  Millis keep{0};
  std::string callback_url;
  UnixMillis requested_at;  // when it asked first, or again after it had cancelled
};

struct RecallSampleRow {
  UnixMillis at;
  Bytes bytes;
  Millis elapsed;  // until it was durable; its share of it, when several were made together
  Millis attach;   // of it, the opening of the session
  int recordings = 0;
};

// All the index knows of one recording.
struct Recording : RecordingRow {
  std::vector<PartRow> part_rows;
  std::vector<FileRow> files;  // by part, then name
  std::vector<CopyRow> copies;
  std::optional<RestoreRow> restore;  // the live one: queued, recalling or staged
};

}  // namespace holdfast
