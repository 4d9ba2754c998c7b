// holdfast audit: the ledger's two chains, read and checked by the daemon.
#include <fmt/format.h>

#include "cli/commands.h"
#include "cli/listing.h"
#include "cli/words.h"

namespace holdfast::cli {
namespace {

// A digest's first digits are enough for an eye; --json has them all.
std::string shortened(std::string text) {
  constexpr size_t kDigestDigits = 64;
  constexpr size_t kShown = 12;
  const bool is_digest = text.size() == kDigestDigits &&
                         text.find_first_not_of("0123456789abcdef") == std::string::npos;
  return is_digest ? text.substr(0, kShown) + "…" : text;
}

// "file=inbound.ulaw part=1" of a line's details; of a list only its length.
std::string details_of(const json::object& line) {
  const json::value* details = line.if_contains("details");
  if (details == nullptr || !details->is_object()) return "-";
  std::string text;
  for (const auto& member : details->as_object()) {
    if (!text.empty()) text += ' ';
    const std::string name = printable(member.key());
    if (member.value().is_array())
      text += fmt::format("{} {}", member.value().as_array().size(), name);
    else
      text += fmt::format("{}={}", name, shortened(text_of(details->as_object(), member.key())));
  }
  return text.empty() ? "-" : text;
}

// "7.jsonl, byte 4096" of a chain's report; "-" when it is whole.
std::string place_of(const json::object& chain) {
  const json::value* place = chain.if_contains("broken_at");
  if (place == nullptr || !place->is_object()) return text_of(chain, "broken_at");
  return fmt::format("{}, byte {}", text_of(place->as_object(), "segment"),
                     text_of(place->as_object(), "offset"));
}

class AuditCommand final : public Command {
 public:
  Lesson lesson() const override {
    return {"audit",
            "Read the ledger by recording, actor and time, or check its chains",
            "The ledger has two chains: decisions (ingest, holds, releases, destruction, keys,\n"
            "media) and access (who looked at what), told newest first. Each line carries the "
            "digest of the one\n"
            "before it; --check follows both chains from their first line and fails (corrupt)\n"
            "when one is broken. The daemon reads the chains, not this program.",
            {"holdfast audit --chain access --call CA8d1f0c2b --from 2026-11-01T00:00:00Z",
             "holdfast audit --check"}};
  }
  void declare(Arguments& arguments) override {
    arguments.choice("--chain", chain_, {"decisions", "access"},
                     "Which chain; decisions when absent");
    arguments.option("--recording", "ID", recording_, "Only lines about this recording_id", false,
                     check_id);
    arguments.option("--call", "CALL", call_, "Only lines about this call of the workspace");
    arguments.option("--actor", "WHO", actor_,
                     "Only lines of key:<id>, uid:<n>, link:<id> or mount");
    arguments.option("--from", "TIME", from_, "Lines of this time or later", false, check_time);
    arguments.option("--to", "TIME", to_, "Lines before this time", false, check_time);
    arguments.flag("--check", check_, "Check both chains; lists nothing");
    paging_.declare(arguments);
  }

  Status run(Session& session) override {
    if (check_) return check_chains(session);
    std::vector<NameValue> query;
    query.emplace_back("chain", chain_.empty() ? "decisions" : chain_);
    if (!recording_.empty()) query.emplace_back("recording", recording_);
    if (!call_.empty()) {
      HOLDFAST_ASSIGN(workspace, session.workspace());
      query.emplace_back("workspace", workspace);
      query.emplace_back("call_sid", call_);
    }
    if (!actor_.empty()) query.emplace_back("actor", actor_);
    if (!from_.empty()) query.emplace_back("from", from_);
    if (!to_.empty()) query.emplace_back("to", to_);
    Table table(
        {{"LINE", Table::Align::kRight}, {"TIME (UTC)"}, {"KIND"}, {"WHO"}, {"ON"}, {"DETAILS"}});
    return list(session, "/v1/audit", query, paging_, std::move(table),
                [](const json::object& line, Table& rows) {
                  rows.add({text_of(line, "n"), time_of(line, "t"), text_of(line, "kind"),
                            text_of(line, "who"), text_of(line, "on"), details_of(line)});
                });
  }

 private:
  static Status check_chains(Session& session) {
    HttpRequest request;
    request.path = "/v1/audit/check";
    request.stall_timeout = hours(6);  // silence while years of lines are read
    HOLDFAST_ASSIGN(response, session.client().request(request));
    HOLDFAST_ASSIGN(value, response.parsed());
    HOLDFAST_ASSIGN(answer, object_of(value, "check the ledger"));
    if (session.json()) session.print_json(response);
    std::string broken;
    Table table({{"CHAIN"},
                 {"LINES", Table::Align::kRight},
                 {"FIRST", Table::Align::kRight},
                 {"LAST", Table::Align::kRight},
                 {"WHOLE"},
                 {"BROKEN AT"},
                 {"DETAIL"}});
    const auto chains = objects_of(*answer, "chains");
    for (const json::object* chain : chains) {
      table.add({text_of(*chain, "name"), text_of(*chain, "lines"), text_of(*chain, "first_n"),
                 text_of(*chain, "last_n"), text_of(*chain, "ok"), place_of(*chain),
                 text_of(*chain, "detail")});
      HOLDFAST_ASSIGN(whole, find_bool(*chain, "ok"));
      if (!whole.value_or(false))
        broken += fmt::format("{}chain {} is broken ({}): {}", broken.empty() ? "" : "; ",
                              text_of(*chain, "name"), place_of(*chain), text_of(*chain, "detail"));
    }
    if (!session.json()) table.flush(stdout);
    if (chains.empty()) return Error{Code::kCorrupt, "check the ledger: no chain was checked"};
    if (!broken.empty()) return Error{Code::kCorrupt, "check the ledger: " + broken};
    return {};
  }

  std::string chain_;
  std::string recording_;
  std::string call_;
  std::string actor_;
  std::string from_;
  std::string to_;
  bool check_ = false;
  Paging paging_;
};

}  // namespace

std::unique_ptr<Command> audit_command() { return std::make_unique<AuditCommand>(); }

}  // namespace holdfast::cli
