// Routes of what is asked back.
#include "daemon/api/handlers.h"
#include "daemon/api/routes/table.h"

namespace holdfast::api {

using http::Method;

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

}  // namespace holdfast::api
