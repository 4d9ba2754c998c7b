// Routes of trees that are brought in, and of what a workspace keeps.
#include "daemon/api/handlers.h"
#include "daemon/api/routes/table.h"

namespace holdfast::api {

using http::Method;

void add_imports(std::vector<Route>& routes) {
  routes.push_back(
      {Method::kPost,
       "/v1/{workspace_id}/imports",
       "addImport",
       "Says that a tree is being brought in; its recordings come as any others.",
       Access::kKey,
       Scope::kRecordingsWrite,
       {},
       "ImportRequest",
       {{201, "Running.", "Import"}, {429, "Too many imports are not over.", "Problem"}},
       add_import_call});
  routes.push_back(
      {Method::kGet,
       "/v1/{workspace_id}/imports",
       "listImports",
       "Imports, newest first.",
       Access::kKey,
       Scope::kRecordingsWrite,
       {kLimit, kCursor,
        choice("state", "Only in this state.", {"running", "finished", "failed", "cancelled"})},
       "",
       {{200, "A page.", "ImportPage"}},
       list_imports_call});
  routes.push_back({Method::kGet,
                    "/v1/{workspace_id}/imports/{import_id}",
                    "showImport",
                    "One import.",
                    Access::kKey,
                    Scope::kRecordingsWrite,
                    {},
                    "",
                    {{200, "The import.", "Import"}},
                    show_import});
  routes.push_back({Method::kPatch,
                    "/v1/{workspace_id}/imports/{import_id}",
                    "changeImport",
                    "Tells of progress, where to go on, and the end.",
                    Access::kKey,
                    Scope::kRecordingsWrite,
                    {},
                    "ImportChange",
                    {{200, "The import.", "Import"}, {409, "It is over.", "Problem"}},
                    change_import_call});
  routes.push_back({Method::kGet,
                    "/v1/{workspace_id}/imports/{import_id}/events",
                    "importEvents",
                    "The import's states and progress as server-sent events, to its last state.",
                    Access::kKey,
                    Scope::kRecordingsWrite,
                    {},
                    "",
                    {{200, "Events state and progress, data an Import.", "text/event-stream"},
                     {204, "Last-Event-ID is the last state: there is nothing more.", ""},
                     {429, "The key has its share of streams open.", "Problem"}},
                    import_events_call});
  routes.push_back({Method::kGet,
                    "/v1/{workspace_id}/usage",
                    "workspaceUsage",
                    "What the workspace keeps, by tier, and what it may keep.",
                    Access::kKey,
                    Scope::kCallsRead,
                    {},
                    "",
                    {{200, "The usage.", "Usage"}},
                    usage_call});
}

}  // namespace holdfast::api
