// What of a call's metadata can be searched for.
#pragma once

#include "base/json.h"
#include "index/read/search.h"

namespace holdfast {

// `attributes` as parse_metadata() gives them: `from`, `to`, `tags` and `consent` have fields of
// their own (contracts, section 1), the texts and numbers of all others are words. At most
// kSearchTextBytesMax of each; what is beyond is kept in metadata.json, but not found.
SearchText search_text(const json::object& attributes);

}  // namespace holdfast
