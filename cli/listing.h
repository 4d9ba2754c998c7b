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

// Adds one item to the table.
using AddRow = std::function<void(const json::object& item, Table& table)>;

// Prints the listing at `path`: as a table, or with --json the daemon's pages, one line each.
// When there is more and --all was not given, standard error says how to go on.
Status list(Session& session, std::string path, std::vector<NameValue> query, const Paging& paging,
            Table table, const AddRow& add_row);

}  // namespace holdfast::cli
