// What was decided against what media say of a recording: relabels, in order, and the attributes
// that follow from them.
#pragma once

#include "base/json.h"
#include "index/read/database.h"
#include "index/read/records.h"

namespace holdfast {

struct RelabelRow {
  int number = 1;  // of the recording's relabels, from 1
  UnixMillis at;
  std::string who;
  std::string reason;  // erasable; empty when erased
  bool sets_service = false;
  std::optional<WorkspaceId> service;  // none with sets_service: no agent
  bool sets_labels = false;
  std::optional<std::string> labels;  // a JSON merge patch; nothing when it was erased
  WorkspaceId from;
  WorkspaceId to;  // as `from`: it stayed in its workspace
};

// Oldest first.
Result<std::vector<RelabelRow>> relabels_of(Database& index, RecordingNo recording);

// The attributes of its metadata.json with every merge patch applied. After a patch whose note was
// erased nobody knows what was right: none are left.
Result<json::object> effective_attributes(Database& index, RecordingNo recording);

}  // namespace holdfast
