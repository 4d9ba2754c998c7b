// Routes of callbacks and of the secret that signs them.
#include "daemon/api/handlers.h"
#include "daemon/api/routes/table.h"

namespace holdfast::api {

using http::Method;

void add_callbacks(std::vector<Route>& routes) {
  routes.push_back({Method::kGet,
                    "/v1/{workspace_id}/callbacks",
                    "listCallbacks",
                    "Callbacks that their receivers have not taken yet, newest first.",
                    Access::kKey,
                    Scope::kAdmin,
                    {kLimit, kCursor, flag("parked", "Only those that were given up.")},
                    "",
                    {{200, "A page.", "CallbackPage"}},
                    list_callbacks_call});
  routes.push_back({Method::kPost,
                    "/v1/{workspace_id}/callbacks/retry",
                    "retryCallbacks",
                    "Tries parked callbacks again, for three more days.",
                    Access::kKey,
                    Scope::kAdmin,
                    {},
                    "ParkedCallbacks",
                    {{200, "How many.", "Counted"}},
                    retry_callbacks_call});
  routes.push_back({Method::kPost,
                    "/v1/{workspace_id}/callbacks/drop",
                    "dropCallbacks",
                    "Forgets parked callbacks.",
                    Access::kKey,
                    Scope::kAdmin,
                    {},
                    "ParkedCallbacks",
                    {{200, "How many.", "Counted"}},
                    drop_callbacks_call});
  routes.push_back({Method::kGet,
                    "/v1/{workspace_id}/webhook-secret",
                    "showWebhookSecret",
                    "The secrets that sign callbacks now; the first is made here.",
                    Access::kKey,
                    Scope::kAdmin,
                    {},
                    "",
                    {{200, "The secrets.", "WebhookSecrets"}},
                    show_webhook_secret_call});
  routes.push_back({Method::kPost,
                    "/v1/{workspace_id}/webhook-secret",
                    "rotateWebhookSecret",
                    "Makes a new secret; the one before signs along for a day.",
                    Access::kKey,
                    Scope::kAdmin,
                    {},
                    "",
                    {{200, "The secrets.", "WebhookSecrets"}},
                    rotate_webhook_secret_call});
}

}  // namespace holdfast::api
