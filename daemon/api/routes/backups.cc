// Routes of backups, and of the end of a recovery.
#include "daemon/api/handlers.h"
#include "daemon/api/routes/table.h"

namespace holdfast::api {

using http::Method;

void add_backups(std::vector<Route>& routes) {
  routes.push_back({Method::kGet,
                    "/v1/backups",
                    "showBackups",
                    "The last copy of the index, and how far one under way is.",
                    Access::kOperator,
                    Scope::kAdmin,
                    {},
                    "",
                    {{200, "How it stands.", "Backups"}},
                    show_backups_call});
  routes.push_back({Method::kPost,
                    "/v1/backups",
                    "runBackup",
                    "Makes a copy of the index and the secrets now.",
                    Access::kOperator,
                    Scope::kAdmin,
                    {},
                    "",
                    {{202, "It is begun.", "Backups"}},
                    run_backup_call});
  routes.push_back({Method::kPost,
                    "/v1/recovery/release",
                    "releaseRecovery",
                    "Releases everything that is held because decisions were lost.",
                    Access::kOperator,
                    Scope::kHoldsRelease,
                    {},
                    "RecoveryRelease",
                    {{200, "Released.", "RecoveryReleased"},
                     {404, "Nothing is held under the matter recovery.", "Problem"}},
                    release_recovery_call});
}

}  // namespace holdfast::api
