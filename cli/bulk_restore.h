// Many recordings asked back at once: a list of calls in as many requests as it needs, or what a
// query finds, followed to its end.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "cli/session.h"

namespace holdfast::cli {

// One item of an answer: a call and what became of the wish for it.
using SeeAsked = std::function<void(const json::object& item)>;

// The call ids of a file, one on each line, blanks around them and empty lines passed over; "-" is
// standard input. kInvalid names the first line that is none.
Result<std::vector<std::string>> read_calls(const std::string& path);

// Asks for the calls, limits::kBulkRestoreMax at a time. `wish` has the members common to all
// requests (tier, keep_hours). Each answer is printed with --json; each item is seen.
Status restore_calls(Session& session, const json::object& wish,
                     const std::vector<std::string>& calls, const SeeAsked& see);

// The same for all that the filters find, page by page.
Status restore_found(Session& session, const json::object& wish, const json::object& query,
                     const SeeAsked& see);

// What a refused item is as an error: the run's exit code follows from it.
Error refusal_of(const json::object& item);

}  // namespace holdfast::cli
