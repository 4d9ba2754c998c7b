// Routes of recordings: listing, ingest, metadata, links and bytes.
#include "base/limits.h"
#include "daemon/api/handlers.h"
#include "daemon/api/listing_query.h"
#include "daemon/api/routes/table.h"

namespace holdfast::api {

namespace {

std::vector<Parameter> listing_parameters() {
  std::vector<Parameter> parameters = listing_filters();
  parameters.insert(parameters.begin(), {kLimit, kCursor});
  return parameters;
}

}  // namespace

using http::Method;

void add_recordings(std::vector<Route>& routes) {
  routes.push_back({Method::kGet,
                    "/v1/{workspace_id}/recordings",
                    "listRecordings",
                    "Lists recordings, newest first; a search in the order of arrival.",
                    Access::kKey,
                    Scope::kCallsRead,
                    listing_parameters(),
                    "",
                    {{200, "A page.", "RecordingPage"}},
                    list_recordings_call});
  routes.push_back(
      {Method::kPost,
       "/v1/{workspace_id}/recordings",
       "ingestRecording",
       "Ingests one call: multipart/form-data, one part per file.",
       Access::kKey,
       Scope::kRecordingsWrite,
       {},
       "",
       {{201, "Stored: durable and acknowledged.", "Ingested"},
        {200, "The same call with the same bytes was there already.", "Ingested"},
        {409, "The call is there with other bytes, or was erased.", "Problem"},
        {507, "The standard tier is full, or the workspace over its quota.", "Problem"}},
       upload});
  routes.push_back({Method::kGet,
                    "/v1/{workspace_id}/recordings/{call_sid}",
                    "showRecording",
                    "All that is known of one recording.",
                    Access::kKey,
                    Scope::kCallsRead,
                    {},
                    "",
                    {{200, "The recording.", "Recording"}},
                    show_recording});
  routes.push_back(
      {Method::kPatch,
       "/v1/{workspace_id}/recordings/{call_sid}",
       "relabelRecording",
       "Overrides the agent, attributes or workspace that its metadata says.",
       Access::kKey,
       Scope::kRecordingsWrite,
       {},
       "RelabelRequest",
       {{200, "As it is labelled now.", "Relabelled"},
        {409, "It is on its way out, or the other workspace knows the call.", "Problem"}},
       relabel_recording});
  routes.push_back({Method::kDelete,
                    "/v1/{workspace_id}/recordings/{call_sid}",
                    "deleteRecording",
                    "Destroys one recording.",
                    Access::kKey,
                    Scope::kRecordingsDelete,
                    {},
                    "ReleaseRequest",
                    {{202, "Condemned: destruction follows.", "Destruction"},
                     {409, "A legal hold or retention forbids it.", "Problem"}},
                    delete_recording});
  routes.push_back(
      {Method::kGet,
       "/v1/{workspace_id}/recordings/{call_sid}/urls",
       "recordingUrls",
       "Signed download links, one per file.",
       Access::kKey,
       Scope::kCallsRead,
       {integer("expires_in", "Seconds until the links expire.", 1, limits::kLinkLifeSecondsMax),
        flag("attachment", "Links that a browser saves instead of playing.")},
       "",
       {{200, "The links.", "RecordingUrls"}, kArchived, kBudget},
       recording_urls});
  routes.push_back({Method::kGet,
                    "/v1/{workspace_id}/recordings/{call_sid}/metadata",
                    "recordingMetadata",
                    "The call's metadata, at every tier, without a recall.",
                    Access::kKey,
                    Scope::kCallsRead,
                    {},
                    "",
                    {{200, "The metadata.", "Metadata"}},
                    recording_metadata});
  routes.push_back({Method::kGet,
                    "/v1/{workspace_id}/recordings/{call_sid}/download/{filename}",
                    "downloadFile",
                    "The bytes of one file, whole or a range.",
                    Access::kKeyOrLink,
                    Scope::kRecordingsDownload,
                    {},
                    "",
                    {{200, "The file.", "*/*"},
                     {206, "A range of it.", "*/*"},
                     {304, "Not modified.", ""},
                     {412, "If-Match or If-Unmodified-Since does not hold.", ""},
                     {400, "No file has such a name.", "Problem"},
                     {403, "The link is bad, expired or revoked.", "Problem"},
                     {416, "The range is outside the file.", ""},
                     kArchived,
                     kBudget},
                    download});
}

}  // namespace holdfast::api
