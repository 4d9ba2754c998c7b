#include "cli/bulk_restore.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <iostream>

#include "base/limits.h"
#include "cli/words.h"

namespace holdfast::cli {
namespace {

Result<json::object> ask(Session& session, const std::string& path, const json::object& body,
                         const SeeAsked& see) {
  HOLDFAST_ASSIGN(answer, session.call("POST", path, body));
  HOLDFAST_ASSIGN(page, object_of(answer.value, "restore"));
  if (session.json()) session.print_json(answer.response);
  for (const json::object* item : objects_of(*page, "items")) see(*item);
  return *page;
}

}  // namespace

Result<std::vector<std::string>> read_calls(const std::string& path) {
  std::ifstream file;
  const bool is_input = path == "-";
  if (!is_input) file.open(path);
  std::istream& in = is_input ? std::cin : file;
  if (!in) return system_error(errno, "read the calls in " + path);
  std::vector<std::string> calls;
  std::string line;
  for (int number = 1; std::getline(in, line); ++number) {
    const size_t begin = line.find_first_not_of(" \t\r");
    if (begin == std::string::npos) continue;
    line = line.substr(begin, line.find_last_not_of(" \t\r") - begin + 1);
    if (!is_call_sid(line))
      return Error{Code::kInvalid,
                   fmt::format("{}:{}: expected one call's id, 1 to 128 of A-Z a-z 0-9 . _ : -, "
                               "got {}",
                               path, number, printable(line.substr(0, 150)))};
    calls.push_back(line);
  }
  if (in.bad()) return system_error(errno, "read the calls in " + path);
  return calls;
}

Status restore_calls(Session& session, const json::object& wish,
                     const std::vector<std::string>& calls, const SeeAsked& see) {
  HOLDFAST_ASSIGN(path, session.workspace_path({"restores"}));
  for (size_t first = 0; first < calls.size(); first += limits::kBulkRestoreMax) {
    json::object body = wish;
    json::array chunk;
    const size_t end = std::min(calls.size(), first + limits::kBulkRestoreMax);
    for (size_t i = first; i < end; ++i) chunk.emplace_back(calls[i]);
    body["call_sids"] = std::move(chunk);
    HOLDFAST_TRY(ask(session, path, body, see));
  }
  return {};
}

Status restore_found(Session& session, const json::object& wish, const json::object& query,
                     const SeeAsked& see) {
  HOLDFAST_ASSIGN(path, session.workspace_path({"restores"}));
  json::object body = wish;
  body["query"] = query;
  for (std::string cursor;;) {
    HOLDFAST_ASSIGN(page, ask(session, path, body, see));
    HOLDFAST_ASSIGN(next, find_string(page, "next_cursor"));
    if (!next) return {};
    // A server that does not move on would keep us here for ever.
    if (*next == cursor) return Error{Code::kIo, "restore: the daemon's pages do not go on"};
    cursor = *next;
    body["cursor"] = cursor;
  }
}

Error refusal_of(const json::object& item) {
  const std::string state = text_of(item, "state");
  std::string why = printable(state);
  if (const std::string error = text_of(item, "error"); error != "-")
    why += ": " + printable(error);
  if (state == "not-found") return Error{Code::kNotFound, "there is no recording of this call"};
  if (state == "over-budget") return Error{Code::kExhausted, why};
  if (state == "not-ready") return Error{Code::kUnavailable, "it is coming in; ask again"};
  return Error{Code::kConflict, why};
}

}  // namespace holdfast::cli
