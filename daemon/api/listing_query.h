// What recordings may be chosen by: one list of filters, for the listing's query string and for
// the JSON body of a bulk restore.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "daemon/api/call.h"
#include "daemon/api/route.h"
#include "index/read/listing.h"

namespace holdfast::api {

// The value of a filter by its name, as text; nothing when it was not given.
using Filters = std::function<std::optional<std::string>(std::string_view name)>;

// tier, from, to, held, direction, flagged, q, from_number, to_number, tag, consent, agent.
std::vector<Parameter> listing_filters();

// The query string of a call that passed check_parameters(). Valid as long as the call.
Filters parameters_of(const Call& call);
// Members of a JSON object, text or true and false; kept by value. Every member that is no filter
// or has a wrong value is told in `wrong`.
Filters members_of(const json::object& query, std::vector<http::FieldError>& wrong);

// The filter of these values, which are well formed.
Result<ListFilter> filter_of(WorkspaceNo workspace, const Filters& filters);
// What was asked, for the ledger. Of filters that could name a person only that they were there.
json::object told_filter(const Filters& filters);

// Where a page ended, for the client, and back. kInvalid when it is not a next_cursor of ours.
std::string list_cursor(const ListKey& key);
Result<ListKey> list_key(std::string_view cursor);

}  // namespace holdfast::api
