// The words in which the route table is written, and its sections, one file each.
#pragma once

#include <string_view>
#include <utility>
#include <vector>

#include "base/limits.h"
#include "daemon/api/route.h"

namespace holdfast::api {

void add_operations(std::vector<Route>& routes);
void add_backups(std::vector<Route>& routes);
void add_retention(std::vector<Route>& routes);
void add_verifications(std::vector<Route>& routes);
void add_keys(std::vector<Route>& routes);
void add_recordings(std::vector<Route>& routes);
void add_restores(std::vector<Route>& routes);
void add_callbacks(std::vector<Route>& routes);
void add_imports(std::vector<Route>& routes);
void add_holds(std::vector<Route>& routes);

inline const Parameter kLimit{
    "limit", ParameterType::kInteger, "Rows of a page.", false, 1, limits::kPageItemsMax, {}};
inline const Parameter kCursor{
    "cursor", ParameterType::kText, "next_cursor of the page before.", false, 0, 0, {}};

inline Parameter time(std::string_view name, std::string_view about) {
  return {name, ParameterType::kTime, about, false, 0, 0, {}};
}
inline Parameter flag(std::string_view name, std::string_view about) {
  return {name, ParameterType::kBoolean, about, false, 0, 0, {}};
}
inline Parameter choice(std::string_view name, std::string_view about,
                        std::vector<std::string_view> allowed) {
  return {name, ParameterType::kText, about, false, 0, 0, std::move(allowed)};
}
inline Parameter text(std::string_view name, std::string_view about) {
  return {name, ParameterType::kText, about, false, 0, 0, {}};
}
inline Parameter integer(std::string_view name, std::string_view about, int64_t minimum,
                         int64_t maximum) {
  return {name, ParameterType::kInteger, about, false, minimum, maximum, {}};
}

inline const Answer kArchived{
    202, "Archived: a restore is under way; the estimate and restore links.", "Restoring"};
inline const Answer kBudget{429, "The key's recall budget is used up.", "Problem"};

}  // namespace holdfast::api
