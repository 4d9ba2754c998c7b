// Routes of verifications, and of what is quarantined.
#include "daemon/api/handlers.h"
#include "daemon/api/routes/table.h"

namespace holdfast::api {

using http::Method;

void add_verifications(std::vector<Route>& routes) {
  routes.push_back(
      {Method::kPost,
       "/v1/verifications",
       "requestVerification",
       "Reads every copy of a recording, of a pack, or on a medium back from its medium.",
       Access::kOperator,
       Scope::kAdmin,
       {},
       "VerificationRequest",
       {{202, "It is asked for.", "Verification"},
        {404, "There is no such recording, pack or medium.", "Problem"},
        {429, "Too many are under way.", "Problem"}},
       request_verification_call});
  routes.push_back({Method::kGet,
                    "/v1/verifications",
                    "listVerifications",
                    "The verifications since the start, newest first.",
                    Access::kOperator,
                    Scope::kAdmin,
                    {},
                    "",
                    {{200, "All that are kept.", "VerificationList"}},
                    list_verifications_call});
  routes.push_back({Method::kGet,
                    "/v1/verifications/{verification_id}",
                    "showVerification",
                    "How far a verification is, and what it found.",
                    Access::kOperator,
                    Scope::kAdmin,
                    {},
                    "",
                    {{200, "The verification.", "Verification"},
                     {404, "There is none; a restart forgets them.", "Problem"}},
                    show_verification_call});
  routes.push_back({Method::kGet,
                    "/v1/quarantine",
                    "listQuarantine",
                    "Copies that are bad and not repaired yet, oldest first.",
                    Access::kOperator,
                    Scope::kAdmin,
                    {kLimit, integer("after", "quarantine_no of the last one of the page before.",
                                     0, INT64_MAX)},
                    "",
                    {{200, "A page.", "QuarantineList"}},
                    list_quarantine_call});
}

}  // namespace holdfast::api
