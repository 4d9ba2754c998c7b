// Point look-ups: by the name a request carries. Each costs a few index probes,
// so the loop makes them inline.
//
// Every function here and in the other headers of index/read takes a connection
// of the calling thread; nothing means "no such row", an error that the index
// could not answer.
#pragma once

#include "index/read/database.h"
#include "index/read/records.h"

namespace holdfast {

Result<std::optional<WorkspaceRow>> find_workspace(Database& index, const WorkspaceId& workspace);
Result<std::optional<WorkspaceRow>> find_workspace(Database& index, WorkspaceNo workspace_no);
Result<std::vector<WorkspaceRow>> list_workspaces(Database& index);

// The row alone.
Result<std::optional<RecordingRow>> find_recording_row(Database& index, WorkspaceNo workspace_no,
                                                       std::string_view call_sid);
Result<std::optional<RecordingRow>> find_recording_row(Database& index, RecordingNo recording_no);
Result<std::optional<RecordingRow>> find_recording_row(Database& index,
                                                       const RecordingId& recording);
// With parts, files, copies and the live restore.
Result<std::optional<Recording>> find_recording(Database& index, WorkspaceNo workspace_no,
                                                std::string_view call_sid);
Result<std::optional<Recording>> find_recording(Database& index, RecordingNo recording_no);
Result<std::optional<Recording>> find_recording(Database& index, const RecordingId& recording);

Result<std::vector<FileRow>> list_files(Database& index, RecordingNo recording_no);
Result<std::vector<PartRow>> list_parts(Database& index, RecordingNo recording_no);
Result<std::vector<CopyRow>> list_copies(Database& index, RecordingNo recording_no);
// The bytes of metadata.json, at every tier. Nothing when none came with the recording.
Result<std::optional<std::string>> find_metadata(Database& index, RecordingNo recording_no);

// An API key by its public id. Keys of a workspace, or with 0 the operators' own, by creation.
Result<std::optional<ApiKeyRow>> find_api_key(Database& index, const KeyId& key);
Result<std::vector<ApiKeyRow>> list_api_keys(Database& index, WorkspaceNo workspace_no);

// What a signed link names; any of the three may be revoked on its own.
struct LinkMarks {
  LinkId jti;
  WorkspaceNo workspace_no;
  int64_t kid = 0;  // signing key of the workspace
  KeyId key;        // the API key that minted it
};
// How link_revocation names a signing key and a link's id: both are of one workspace, so that no
// workspace revokes another's.
std::string signing_key_mark(WorkspaceNo workspace_no, int64_t kid);
std::string link_mark(WorkspaceNo workspace_no, const LinkId& jti);
// True when the link's id, its signing key or its minting API key is revoked.
Result<bool> is_link_revoked(Database& index, const LinkMarks& link);

// Recordings in one of the states that start-up and workers carry on from: committed, condemned,
// destroying, unlocated (not live). Ascending, after `after`.
Result<std::vector<RecordingRow>> list_in_state(Database& index, RecordingState state,
                                                RecordingNo after, int limit);
// Parts that were acknowledged and are not yet renamed into place.
struct UnplacedPart {
  RecordingRow recording;
  int part = 1;
};
Result<std::vector<UnplacedPart>> list_unplaced(Database& index, int limit);

}  // namespace holdfast
