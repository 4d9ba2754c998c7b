// Routes of retention, expiry and the compliance clock.
#include "daemon/api/handlers.h"
#include "daemon/api/routes/table.h"

namespace holdfast::api {

using http::Method;

namespace {

const Answer kNoClass{404, "No such class.", "Problem"};
const Answer kShortened{
    409, "It would shorten a retention that is in force, or the recording is being destroyed.",
    "Problem"};

void add_classes(std::vector<Route>& routes) {
  routes.push_back({Method::kGet,
                    "/v1/retention-classes",
                    "listRetentionClasses",
                    "The retention classes, each in its latest version, and the defaults.",
                    Access::kOperator,
                    Scope::kAdmin,
                    {},
                    "",
                    {{200, "The classes.", "RetentionClassList"}},
                    list_retention_classes_call});
  routes.push_back({Method::kPost,
                    "/v1/retention-classes",
                    "setRetentionClass",
                    "Makes a class, or a further version of one; recordings keep what they have.",
                    Access::kOperator,
                    Scope::kAdmin,
                    {},
                    "RetentionClassRequest",
                    {{201, "The class as it is now.", "RetentionClass"},
                     {409, "There are too many versions of classes.", "Problem"}},
                    set_retention_class_call});
  routes.push_back({Method::kPut,
                    "/v1/retention-default",
                    "setRetentionDefault",
                    "The class of new recordings, where their workspace has no default.",
                    Access::kOperator,
                    Scope::kAdmin,
                    {},
                    "RetentionDefaultRequest",
                    {{200, "The default.", "RetentionDefault"}, kNoClass},
                    set_retention_default_call});
  routes.push_back({Method::kDelete,
                    "/v1/retention-default",
                    "dropRetentionDefault",
                    "New recordings are given no class, where their workspace has no default.",
                    Access::kOperator,
                    Scope::kAdmin,
                    {},
                    "",
                    {{200, "There is none.", "RetentionDefault"}},
                    drop_retention_default_call});
  routes.push_back({Method::kPut,
                    "/v1/{workspace_id}/retention-default",
                    "setWorkspaceRetentionDefault",
                    "The class of new recordings of the workspace.",
                    Access::kOperator,
                    Scope::kAdmin,
                    {},
                    "RetentionDefaultRequest",
                    {{200, "The default.", "RetentionDefault"}, kNoClass},
                    set_retention_default_call});
  routes.push_back({Method::kDelete,
                    "/v1/{workspace_id}/retention-default",
                    "dropWorkspaceRetentionDefault",
                    "New recordings of the workspace are given what those of all are.",
                    Access::kOperator,
                    Scope::kAdmin,
                    {},
                    "",
                    {{200, "It has none of its own.", "RetentionDefault"}},
                    drop_retention_default_call});
}

void add_recording_retention(std::vector<Route>& routes) {
  routes.push_back({Method::kPut,
                    "/v1/{workspace_id}/recordings/{call_sid}/retention",
                    "setRetention",
                    "Gives the recording a retention class, in its latest version.",
                    Access::kKey,
                    Scope::kAdmin,
                    {},
                    "RetentionRequest",
                    {{200, "Its retention.", "Retained"}, kNoClass, kShortened},
                    set_retention_call});
  routes.push_back({Method::kDelete,
                    "/v1/{workspace_id}/recordings/{call_sid}/retention",
                    "dropRetention",
                    "Takes the recording's retention class away: it is kept until it is deleted.",
                    Access::kKey,
                    Scope::kAdmin,
                    {},
                    "RetentionDrop",
                    {{200, "It has none.", "Retained"}, kShortened},
                    drop_retention_call});
}

}  // namespace

void add_retention(std::vector<Route>& routes) {
  add_classes(routes);
  routes.push_back({Method::kGet,
                    "/v1/clock",
                    "showClock",
                    "The compliance clock, by which retention ends.",
                    Access::kOperator,
                    Scope::kAdmin,
                    {},
                    "",
                    {{200, "The clock.", "Clock"}},
                    show_clock_call});
  routes.push_back({Method::kPost,
                    "/v1/clock/accept",
                    "acceptClock",
                    "Sets the compliance clock to the system's, which somebody has found right.",
                    Access::kOperator,
                    Scope::kAdmin,
                    {},
                    "AcceptRequest",
                    {{200, "The clock.", "Clock"}},
                    accept_clock_call});
  routes.push_back({Method::kGet,
                    "/v1/expiry",
                    "showExpiry",
                    "What expiry would destroy: a dry run; and how its breaker stands.",
                    Access::kOperator,
                    Scope::kAdmin,
                    {kLimit, time("at", "As if it were this time; default now.")},
                    "",
                    {{200, "What is due.", "Expiry"}},
                    show_expiry_call});
  routes.push_back(
      {Method::kPost,
       "/v1/expiry/accept",
       "acceptExpiry",
       "Lets go what is due now, and closes the breaker. `due`: how many the person has "
       "seen; 409 `more-due` when there are more by now.",
       Access::kOperator,
       Scope::kAdmin,
       {},
       "ExpiryAcceptRequest",
       {{200, "How many.", "ExpiryAccepted"}},
       accept_expiry_call});
  add_recording_retention(routes);
}

}  // namespace holdfast::api
