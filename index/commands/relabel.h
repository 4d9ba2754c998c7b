// The command that overrides what media say of a recording: its agent, its attributes, or the
// workspace it belongs to. Media are never edited; the decision and its notes are what is kept.
#pragma once

#include "base/json.h"
#include "index/writer.h"

namespace holdfast {

// Every one is read whenever the attributes are: a person corrects a few times.
inline constexpr int kRelabelsMax = 1000;  // of one recording

struct Relabel {
  RecordingNo recording;
  bool sets_service = false;
  std::optional<WorkspaceId> service;      // none with sets_service: no agent
  std::optional<json::object> attributes;  // a merge patch (RFC 7396), at most a note's 64 KiB
  std::optional<WorkspaceId> workspace;    // the tenant it belongs to from now on
  std::string reason;                      // free text, kept as an erasable note; not empty
  std::string who;
};

struct Relabelled {
  bool changed = false;  // false: it said so already, and nothing was decided
  RecordingRow before;
  RecordingRow after;
};

// Decision recording.relabelled. kInvalid without a reason, for a key of the contract among the
// attributes, or for an unknown workspace; kConflict when the recording is condemned, destroying
// ("already-destroyed") or unlocated, when it has kRelabelsMax of them, or when the other workspace
// has the call already, had it ("erased") or once had another of that id ("relabelled"). Holds,
// restores and later parts follow; where it was, no recording of the call is taken any more.
Command<Relabelled> relabel(Relabel request);

}  // namespace holdfast
