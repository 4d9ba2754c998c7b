// Listings by keyset: one page, or all of them by following `next_cursor`.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "cli/session.h"
#include "cli/table.h"

namespace holdfast::cli {

// The options of every listing.
struct Paging {
  int64_t limit = 100;
  std::string cursor;
  bool all = false;

  void declare(Arguments& arguments);
};

// Sees one page: the answer and its object.
using SeePage = std::function<Status(const HttpResponse& response, const json::object& page)>;

// Fetches the page at `path`, or with --all every page, one at a time. When there is more and
// --all was not given, standard error says how to go on (not with --json).
Status each_page(Session& session, const std::string& path, const std::vector<NameValue>& query,
                 const Paging& paging, const SeePage& see);

// Adds one item to the table.
using AddRow = std::function<void(const json::object& item, Table& table)>;

// Prints the listing at `path`: as a table, or with --json the daemon's pages, one line each.
Status list(Session& session, const std::string& path, const std::vector<NameValue>& query,
            const Paging& paging, Table table, const AddRow& add_row);

}  // namespace holdfast::cli
