#include "index/read/relabels.h"

#include "index/read/attributes.h"
#include "index/read/columns.h"
#include "index/read/recordings.h"

namespace holdfast {
namespace {

RelabelRow read_relabel(Statement& row) {
  RelabelRow out;
  out.number = row.next<int>();
  out.at = row.next<UnixMillis>();
  out.who = row.next<std::string>();
  out.reason = row.next<std::optional<std::string>>().value_or("");
  out.sets_service = row.next<int>() != 0;
  out.service = row.next<std::optional<WorkspaceId>>();
  out.sets_labels = row.next<int>() != 0;
  out.labels = row.next<std::optional<std::string>>();
  out.from = row.next<WorkspaceId>();
  out.to = row.next<WorkspaceId>();
  return out;
}

Result<json::object> attributes_in(const std::optional<std::string>& metadata) {
  if (!metadata) return json::object();
  HOLDFAST_ASSIGN(value, parse_json(*metadata));
  if (!value.is_object()) return Error{Code::kInvalid, "metadata.json must be one JSON object"};
  return attributes_of(value.get_object());
}

}  // namespace

Result<std::vector<RelabelRow>> relabels_of(Database& index, RecordingNo recording) {
  Statement statement = index.prepare(
      "SELECT l.relabel_no, l.at, l.who, reason.text, l.sets_service, l.service_id, "
      "l.labels <> '', labels.text, f.workspace_id, t.workspace_id FROM relabel l "
      "CROSS JOIN workspace f ON f.workspace_no = l.from_no "
      "CROSS JOIN workspace t ON t.workspace_no = l.to_no "
      "LEFT JOIN note reason ON reason.hash = l.reason "
      "LEFT JOIN note labels ON labels.hash = l.labels "
      "WHERE l.recording_no = ?1 ORDER BY l.relabel_no");
  statement.bind(recording);
  return columns::read_all(std::move(statement), read_relabel);
}

Result<json::object> effective_attributes(Database& index, RecordingNo recording) {
  HOLDFAST_ASSIGN(metadata, find_metadata(index, recording));
  HOLDFAST_ASSIGN(attributes, attributes_in(metadata));
  HOLDFAST_ASSIGN(relabels, relabels_of(index, recording));
  for (const RelabelRow& relabel : relabels) {
    if (!relabel.sets_labels) continue;
    if (!relabel.labels) {
      attributes.clear();
      continue;
    }
    HOLDFAST_ASSIGN(patch, parse_json(*relabel.labels));
    if (!patch.is_object()) return Error{Code::kCorrupt, "the note of a relabel is no object"};
    merge_patch(attributes, patch.get_object());
  }
  return attributes;
}

}  // namespace holdfast
