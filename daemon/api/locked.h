// What forbids the destruction of a recording, as it is told.
#pragma once

#include "base/retention.h"
#include "daemon/api/call.h"

namespace holdfast::api {

// 409 of type `retention` when retention alone forbids it, else of type `legal-hold`; with the
// unreleased holds' matters and the retention that is in force.
http::Response locked_response(Call& call, const Error& error);

// Class, version, mode and ends of a recording that has a class, and whether they lock it now.
json::object retention_view(Call& call, const RecordingRow& recording);

}  // namespace holdfast::api
