// Routes of holds.
#include "daemon/api/handlers.h"
#include "daemon/api/routes/table.h"

namespace holdfast::api {

using http::Method;

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

}  // namespace holdfast::api
