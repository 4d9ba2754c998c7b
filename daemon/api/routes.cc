// The table: every route of the product.
#include "base/limits.h"
#include "daemon/api/api.h"
#include "daemon/api/handlers.h"
#include "daemon/api/links.h"
#include "daemon/api/listing_query.h"

namespace holdfast::api {
namespace {

using http::Method;

const Parameter kLimit{
    "limit", ParameterType::kInteger, "Rows of a page.", false, 1, limits::kPageItemsMax, {}};
const Parameter kCursor{
    "cursor", ParameterType::kText, "next_cursor of the page before.", false, 0, 0, {}};

Parameter time(std::string_view name, std::string_view about) {
  return {name, ParameterType::kTime, about, false, 0, 0, {}};
}
Parameter flag(std::string_view name, std::string_view about) {
  return {name, ParameterType::kBoolean, about, false, 0, 0, {}};
}
Parameter choice(std::string_view name, std::string_view about,
                 std::vector<std::string_view> allowed) {
  return {name, ParameterType::kText, about, false, 0, 0, std::move(allowed)};
}
Parameter text(std::string_view name, std::string_view about) {
  return {name, ParameterType::kText, about, false, 0, 0, {}};
}
Parameter integer(std::string_view name, std::string_view about, int64_t minimum, int64_t maximum) {
  return {name, ParameterType::kInteger, about, false, minimum, maximum, {}};
}

std::vector<Parameter> listing_parameters() {
  std::vector<Parameter> parameters = listing_filters();
  parameters.insert(parameters.begin(), {kLimit, kCursor});
  return parameters;
}

const Answer kArchived{202, "Archived: a restore is under way; the estimate and restore links.",
                       "Restoring"};
const Answer kBudget{429, "The key's recall budget is used up.", "Problem"};

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
  routes.push_back({Method::kPost,
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
                     {507, "The standard tier is full.", "Problem"}},
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
                     {409, "A legal hold forbids it.", "Problem"}},
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

void add_restores(std::vector<Route>& routes) {
  routes.push_back({Method::kPost,
                    "/v1/{workspace_id}/recordings/{call_sid}/restore",
                    "requestRestore",
                    "Asks an archived recording back.",
                    Access::kKey,
                    Scope::kRecordingsRestore,
                    {},
                    "RestoreWish",
                    {kArchived, {200, "It is on the fast tier already.", "RecordingUrls"}, kBudget},
                    request_restore_call});
  routes.push_back({Method::kPost,
                    "/v1/{workspace_id}/restores",
                    "requestRestores",
                    "Asks many archived recordings back: a list of calls, or what a query finds.",
                    Access::kKey,
                    Scope::kRecordingsRestore,
                    {},
                    "RestoresWish",
                    {{200, "What became of each recording.", "RestoresAsked"}},
                    request_restores_call});
  routes.push_back({Method::kGet,
                    "/v1/{workspace_id}/restores",
                    "listRestores",
                    "Restores, newest first.",
                    Access::kKey,
                    Scope::kCallsRead,
                    {kLimit, kCursor,
                     choice("state", "Only in this state.",
                            {"queued", "recalling", "staged", "expired", "failed", "cancelled"})},
                    "",
                    {{200, "A page.", "RestorePage"}},
                    list_restores_call});
  routes.push_back({Method::kGet,
                    "/v1/{workspace_id}/restores/{restore_id}",
                    "showRestore",
                    "One restore.",
                    Access::kKey,
                    Scope::kCallsRead,
                    {},
                    "",
                    {{200, "The restore.", "Restore"}},
                    show_restore});
  routes.push_back({Method::kGet,
                    "/v1/{workspace_id}/restores/{restore_id}/events",
                    "restoreEvents",
                    "The restore's states and progress as server-sent events, to its last state.",
                    Access::kKey,
                    Scope::kCallsRead,
                    {},
                    "",
                    {{200, "Events state and progress, data a Restore.", "text/event-stream"},
                     {204, "Last-Event-ID is the last state: there is nothing more.", ""},
                     {429, "The key has its share of streams open.", "Problem"}},
                    restore_events_call});
  routes.push_back({Method::kDelete,
                    "/v1/{workspace_id}/restores/{restore_id}",
                    "cancelRestore",
                    "The caller no longer wants it.",
                    Access::kKey,
                    Scope::kRecordingsRestore,
                    {},
                    "",
                    {{200, "Whether the recall itself was cancelled.", "Cancelled"}},
                    cancel_restore});
}

void add_holds(std::vector<Route>& routes) {
  routes.push_back({Method::kGet,
                    "/v1/{workspace_id}/holds",
                    "listWorkspaceHolds",
                    "Unreleased holds: by recording, newest first; of one matter by placement.",
                    Access::kKey,
                    Scope::kCallsRead,
                    {kLimit, kCursor, text("matter", "Only of the matter of this name.")},
                    "",
                    {{200, "A page.", "HoldPage"}, {404, "No such matter.", "Problem"}},
                    list_holds_call});
  routes.push_back({Method::kPost,
                    "/v1/{workspace_id}/recordings/{call_sid}/holds",
                    "placeHold",
                    "Places a legal hold.",
                    Access::kKey,
                    Scope::kHoldsPlace,
                    {},
                    "HoldRequest",
                    {{201, "The hold is durable.", "Hold"},
                     {409, "The recording is being destroyed.", "Problem"}},
                    place_hold_call});
  routes.push_back({Method::kGet,
                    "/v1/{workspace_id}/recordings/{call_sid}/holds",
                    "listHolds",
                    "The recording's holds, released ones too.",
                    Access::kKey,
                    Scope::kCallsRead,
                    {},
                    "",
                    {{200, "The holds.", "HoldList"}},
                    list_recording_holds});
  routes.push_back({Method::kDelete,
                    "/v1/{workspace_id}/recordings/{call_sid}/holds/{hold_id}",
                    "releaseHold",
                    "Releases a legal hold.",
                    Access::kKey,
                    Scope::kHoldsRelease,
                    {},
                    "ReleaseRequest",
                    {{200, "The released hold.", "Hold"}},
                    release_hold_call});
}

void add_keys(std::vector<Route>& routes) {
  // "operator" is no workspace: these stand before {workspace_id}.
  routes.push_back({Method::kPost,
                    "/v1/operator/api-keys",
                    "createOperatorKey",
                    "Mints a key of no workspace.",
                    Access::kOperator,
                    Scope::kAdmin,
                    {},
                    "KeyRequest",
                    {{201, "The key.", "NewKey"}},
                    create_key});
  routes.push_back({Method::kGet,
                    "/v1/operator/api-keys",
                    "listOperatorKeys",
                    "Keys of no workspace.",
                    Access::kOperator,
                    Scope::kAdmin,
                    {},
                    "",
                    {{200, "The keys.", "KeyList"}},
                    list_keys});
  routes.push_back({Method::kDelete,
                    "/v1/operator/api-keys/{key_id}",
                    "revokeOperatorKey",
                    "Revokes a key of no workspace.",
                    Access::kOperator,
                    Scope::kAdmin,
                    {},
                    "",
                    {{200, "The revoked key.", "Key"}},
                    revoke_key});
  routes.push_back({Method::kPost,
                    "/v1/{workspace_id}/api-keys",
                    "createKey",
                    "Mints an API key; it is shown once.",
                    Access::kKey,
                    Scope::kAdmin,
                    {},
                    "KeyRequest",
                    {{201, "The key.", "NewKey"}},
                    create_key});
  routes.push_back({Method::kGet,
                    "/v1/{workspace_id}/api-keys",
                    "listKeys",
                    "The workspace's API keys.",
                    Access::kKey,
                    Scope::kAdmin,
                    {},
                    "",
                    {{200, "The keys.", "KeyList"}},
                    list_keys});
  routes.push_back({Method::kDelete,
                    "/v1/{workspace_id}/api-keys/{key_id}",
                    "revokeKey",
                    "Revokes an API key and the links it minted.",
                    Access::kKey,
                    Scope::kAdmin,
                    {},
                    "",
                    {{200, "The revoked key.", "Key"}},
                    revoke_key});
  routes.push_back({Method::kPost,
                    "/v1/{workspace_id}/link-revocations",
                    "revokeLinks",
                    "Revokes signed links by jti, signing key or minting key.",
                    Access::kKey,
                    Scope::kAdmin,
                    {},
                    "LinkRevocation",
                    {{201, "Revoked.", "Done"}},
                    revoke_links});
  routes.push_back({Method::kGet,
                    "/v1/{workspace_id}/links",
                    "listLinks",
                    "Signed links that are good now, newest first.",
                    Access::kKey,
                    Scope::kAdmin,
                    {kLimit, kCursor},
                    "",
                    {{200, "A page; revoked links are left out of it.", "LinkPage"}},
                    list_links_call});
  routes.push_back({Method::kDelete,
                    "/v1/{workspace_id}/links/{jti}",
                    "revokeLink",
                    "Revokes one signed link, listed or not.",
                    Access::kKey,
                    Scope::kAdmin,
                    {},
                    "",
                    {{200, "Revoked.", "Done"}},
                    revoke_link_call});
  routes.push_back({Method::kPost,
                    "/v1/{workspace_id}/signing-keys",
                    "rotateSigningKey",
                    "A new signing key; links of the one before stay good.",
                    Access::kKey,
                    Scope::kAdmin,
                    {},
                    "",
                    {{201, "Its number.", "SigningKey"},
                     {409, "Links of the key that would go may still be good.", "Problem"}},
                    rotate_signing_key_call});
  routes.push_back({Method::kPost,
                    "/v1/workspaces",
                    "addWorkspace",
                    "Adds a workspace.",
                    Access::kOperator,
                    Scope::kAdmin,
                    {},
                    "WorkspaceRequest",
                    {{201, "Added.", "Workspace"}, {200, "It was there.", "Workspace"}},
                    add_workspace_call});
  routes.push_back({Method::kPatch,
                    "/v1/workspaces/{workspace_id}",
                    "changeWorkspace",
                    "Changes a workspace's own settings.",
                    Access::kOperator,
                    Scope::kAdmin,
                    {},
                    "WorkspaceChange",
                    {{200, "The workspace.", "Workspace"}},
                    change_workspace_call});
  routes.push_back({Method::kGet,
                    "/v1/workspaces",
                    "listWorkspaces",
                    "All workspaces.",
                    Access::kOperator,
                    Scope::kAdmin,
                    {},
                    "",
                    {{200, "The workspaces.", "WorkspaceList"}},
                    list_workspaces_call});
}

void add_operations(std::vector<Route>& routes) {
  routes.push_back({Method::kGet,
                    "/livez",
                    "livez",
                    "The process runs.",
                    Access::kOpen,
                    std::nullopt,
                    {},
                    "",
                    {{200, "Alive.", "Done"}},
                    liveness});
  routes.push_back({Method::kGet,
                    "/readyz",
                    "readyz",
                    "The archive serves.",
                    Access::kOpen,
                    std::nullopt,
                    {},
                    "",
                    {{200, "Ready.", "Done"}, {503, "Not now.", "Problem"}},
                    readiness});
  routes.push_back({Method::kGet,
                    "/openapi.json",
                    "openapi",
                    "This document.",
                    Access::kOpen,
                    std::nullopt,
                    {},
                    "",
                    {{200, "OpenAPI 3.1.", "application/json"}, {503, "Starting.", "Problem"}},
                    openapi_document});
  routes.push_back({Method::kGet,
                    "/v1/status",
                    "status",
                    "The archive on one page.",
                    Access::kOperator,
                    Scope::kAdmin,
                    {},
                    "",
                    {{200, "The status.", "Status"}},
                    status_call});
  routes.push_back(
      {Method::kGet,
       "/v1/moves",
       "listMoves",
       "Moves between tiers, newest first.",
       Access::kOperator,
       Scope::kAdmin,
       {kLimit, kCursor,
        choice("state", "Only in this state.",
               {"planned", "copying", "copied", "verified", "switched", "released", "failed"}),
        flag("failed", "Only those whose last try failed, whatever their state.")},
       "",
       {{200, "The moves.", "MovePage"}},
       list_moves_call});
  routes.push_back({Method::kPost,
                    "/v1/moves/run",
                    "runMoves",
                    "Runs the policy now.",
                    Access::kOperator,
                    Scope::kAdmin,
                    {},
                    "",
                    {{202, "Started.", "Done"}},
                    run_moves});
  routes.push_back({Method::kPost,
                    "/v1/moves/retry",
                    "retryMoves",
                    "Tries all moves again whose last try failed, now.",
                    Access::kOperator,
                    Scope::kAdmin,
                    {},
                    "",
                    {{200, "How many.", "Retried"}},
                    retry_moves_call});
  routes.push_back({Method::kPost,
                    "/v1/moves/{move_no}/retry",
                    "retryMove",
                    "Tries a move again whose last try failed, now.",
                    Access::kOperator,
                    Scope::kAdmin,
                    {},
                    "",
                    {{200, "The move.", "Move"}, {409, "No try of it has failed.", "Problem"}},
                    retry_move_call});
  routes.push_back({Method::kPost,
                    "/v1/moves/pause",
                    "pauseMoves",
                    "Stops copies and releases: of one tier, or all.",
                    Access::kOperator,
                    Scope::kAdmin,
                    {},
                    "PauseRequest",
                    {{200, "What is paused now.", "PauseList"}},
                    pause_moves_call});
  routes.push_back({Method::kPost,
                    "/v1/moves/resume",
                    "resumeMoves",
                    "Ends the pause and the suspension of one tier, or all.",
                    Access::kOperator,
                    Scope::kAdmin,
                    {},
                    "ResumeRequest",
                    {{200, "What is paused still.", "PauseList"}},
                    resume_moves_call});
  routes.push_back({Method::kGet,
                    "/v1/plan",
                    "plan",
                    "What the policy would do: a dry run.",
                    Access::kOperator,
                    Scope::kAdmin,
                    {time("at", "As if it were this time; default now.")},
                    "",
                    {{200, "The steps.", "Plan"}},
                    plan_call});
  routes.push_back({Method::kGet,
                    "/v1/media",
                    "listMedia",
                    "The media.",
                    Access::kOperator,
                    Scope::kAdmin,
                    {},
                    "",
                    {{200, "The media.", "MediumList"}},
                    list_media_call});
  routes.push_back({Method::kPost,
                    "/v1/media",
                    "initMedium",
                    "Labels a directory as a medium of this archive.",
                    Access::kOperator,
                    Scope::kAdmin,
                    {},
                    "MediumRequest",
                    {{201, "The medium.", "Medium"},
                     {409, "It carries a label, or another medium belongs there.", "Problem"}},
                    init_medium});
  routes.push_back({Method::kPost,
                    "/v1/media/{medium_id}/place",
                    "placeMedium",
                    "Says at which path a labelled medium belongs.",
                    Access::kOperator,
                    Scope::kAdmin,
                    {},
                    "PlaceRequest",
                    {{200, "The medium.", "Medium"}, {409, "It does not lie there.", "Problem"}},
                    place_medium_call});
  routes.push_back(
      {Method::kGet,
       "/v1/audit",
       "audit",
       "Lines of the ledger, newest first.",
       Access::kOperator,
       Scope::kAuditRead,
       {kLimit, kCursor, choice("chain", "Which chain.", {"decisions", "access"}),
        text("recording", "Only about this recording_id."), text("workspace", "Of call_sid."),
        text("call_sid", "Only about this call; needs workspace."),
        text("actor", "Only by this actor."), time("from", "At or after."), time("to", "Before.")},
       "",
       {{200, "A page.", "AuditPage"}, {404, "No such workspace or call.", "Problem"}},
       audit_lines});
  routes.push_back(
      {Method::kGet,
       "/v1/audit/check",
       "auditCheck",
       "Checks both chains link by link.",
       Access::kOperator,
       Scope::kAuditRead,
       {},
       "",
       {{200, "What was found.", "AuditReport"}, {409, "A check is under way.", "Problem"}},
       audit_check});
  routes.push_back({Method::kPost,
                    "/mount/opens",
                    "mountOpen",
                    "The mount opens a file.",
                    Access::kMount,
                    std::nullopt,
                    {},
                    "",
                    {{200, "It may.", ""}},
                    mount_open});
  routes.push_back({Method::kGet,
                    "/mount/changes",
                    "mountChanges",
                    "What changed since.",
                    Access::kMount,
                    std::nullopt,
                    {integer("since", "seq of the last answer.", 0, INT64_MAX),
                     integer("wait", "Seconds to wait for news.", 0, 30)},
                    "",
                    {{200, "The changes.", ""}},
                    mount_changes});
}

}  // namespace

std::vector<Route> all_routes() {
  std::vector<Route> routes;
  // Fixed words come before variables of the same shape.
  add_operations(routes);
  add_backup_routes(routes);
  add_keys(routes);
  add_recordings(routes);
  add_restores(routes);
  add_holds(routes);
  return routes;
}

}  // namespace holdfast::api
