// The attributes of a call: every key of its metadata.json that the contract does not name
// (contracts, section 1), as decisions have overridden them since; and what of them is searched.
#pragma once

#include "base/json.h"
#include "index/read/search.h"

namespace holdfast {

// call_sid, direction, duration_seconds, …: facts of the platform, no attributes.
bool is_contract_key(std::string_view key);
// The attributes in a metadata.json, parsed.
json::object attributes_of(const json::object& metadata);

// A JSON merge patch (RFC 7396): members of `patch` replace those of `target`, null removes them.
void merge_patch(json::object& target, const json::object& patch);

// `from`, `to`, `tags` and `consent` have fields of their own (contracts, section 1), the texts
// and numbers of all others are words. At most kSearchTextBytesMax of each; what is beyond is
// kept in metadata.json, but not found.
SearchText search_text(const json::object& attributes);

}  // namespace holdfast
