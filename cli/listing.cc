#include "cli/listing.h"

#include <fmt/format.h>

#include "base/limits.h"
#include "cli/words.h"

namespace holdfast::cli {

void Paging::declare(Arguments& arguments) {
  arguments.number("--limit", "N", limit, 1, limits::kPageItemsMax, "Rows of one page");
  arguments.option("--cursor", "CURSOR", cursor, "Begin where an earlier page ended");
  arguments.flag("--all", all, "Follow the pages to the end");
}

Status each_page(Session& session, const std::string& path, const std::vector<NameValue>& query,
                 const Paging& paging, const SeePage& see) {
  std::string cursor = paging.cursor;
  for (;;) {
    std::vector<NameValue> page_query = query;
    page_query.emplace_back("limit", std::to_string(paging.limit));
    if (!cursor.empty()) page_query.emplace_back("cursor", cursor);
    HOLDFAST_ASSIGN(answer, session.get(path, std::move(page_query)));
    HOLDFAST_ASSIGN(page, object_of(answer.value, "list " + path));
    HOLDFAST_TRY(see(answer.response, *page));
    HOLDFAST_ASSIGN(next, find_string(*page, "next_cursor"));
    if (!next) return {};
    if (!paging.all) {
      if (!session.json())
        session.remark("There is more: add --all, or --cursor " + printable(*next));
      return {};
    }
    // A server that does not move on would keep us here for ever.
    if (*next == cursor)
      return Error{Code::kIo, fmt::format("list {}: the daemon's pages do not go on", path)};
    cursor = *next;
  }
}

Status list(Session& session, const std::string& path, const std::vector<NameValue>& query,
            const Paging& paging, Table table, const AddRow& add_row) {
  const auto see = [&](const HttpResponse& response, const json::object& page) -> Status {
    if (session.json()) return session.print_json(response), Status();
    for (const json::object* item : objects_of(page, "items")) add_row(*item, table);
    table.flush(stdout);
    return {};
  };
  return each_page(session, path, query, paging, see);
}

}  // namespace holdfast::cli
