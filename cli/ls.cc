// holdfast ls: the recordings of a workspace.
#include "cli/commands.h"
#include "cli/listing.h"
#include "cli/words.h"

namespace holdfast::cli {
namespace {

class LsCommand final : public Command {
 public:
  Lesson lesson() const override {
    return {
        "ls",
        "List a workspace's recordings",
        "Lists recordings by the start of the call, newest first, a page at a time. HOLDS counts\n"
        "the legal holds in force; FLAGS is what ingest noticed about the audio. Listing\n"
        "recalls nothing. With --all every page is fetched, one at a time.\n"
        "WORDs are searched in the call's id and in the attributes of its metadata.json: every\n"
        "one must be there, \"spri*\" is any word that begins so, case and accents do not count.\n"
        "What a search finds is listed by arrival, newest first.",
        {"holdfast ls refund spri* --from-number +4930123456 --tag billing",
         "holdfast ls --tier cold --from 2026-01-01T00:00:00Z --to 2026-02-01T00:00:00Z",
         "holdfast ls --held yes --all --json | jq -r '.items[].call_sid'"}};
  }
  void declare(Arguments& arguments) override {
    arguments.positionals("WORD", words_, "Search for these words", false);
    arguments.option("--from-number", "NUMBER", from_number_, "Calls from this number", false, {});
    arguments.option("--to-number", "NUMBER", to_number_, "Calls to this number", false, {});
    arguments.option("--tag", "TAG", tag_, "Calls with this tag", false, {});
    arguments.option("--consent", "WORD", consent_, "Calls whose consent says this", false, {});
    arguments.option("--agent", "UUID", agent_, "Calls that this agent (service_id) handled",
                     false);
    arguments.choice("--tier", tier_, {"standard", "warm", "cold"}, "Only this tier");
    arguments.option("--from", "TIME", from_, "Calls that started at this time or later", false,
                     check_time);
    arguments.option("--to", "TIME", to_, "Calls that started before this time", false, check_time);
    arguments.choice("--held", held_, {"yes", "no"}, "Only with, or without, a legal hold");
    arguments.choice("--direction", direction_, {"inbound", "outbound"}, "Only these calls");
    arguments.flag("--flagged", flagged_, "Only recordings that ingest flagged");
    paging_.declare(arguments);
  }

  Status run(Session& session) override {
    HOLDFAST_ASSIGN(path, session.workspace_path({"recordings"}));
    std::vector<NameValue> query;
    if (!tier_.empty()) query.emplace_back("tier", tier_);
    if (!from_.empty()) query.emplace_back("from", from_);
    if (!to_.empty()) query.emplace_back("to", to_);
    if (!held_.empty()) query.emplace_back("held", held_ == "yes" ? "true" : "false");
    if (!direction_.empty()) query.emplace_back("direction", direction_);
    std::string words;
    for (const std::string& word : words_) words += (words.empty() ? "" : " ") + word;
    for (const auto& [name, value] : {std::pair<const char*, const std::string&>{"q", words},
                                      {"from_number", from_number_},
                                      {"to_number", to_number_},
                                      {"tag", tag_},
                                      {"consent", consent_},
                                      {"agent", agent_}})
      if (!value.empty()) query.emplace_back(name, value);
    if (flagged_) query.emplace_back("flagged", "true");
    Table table({{"CALL"},
                 {"STARTED (UTC)"},
                 {"LENGTH", Table::Align::kRight},
                 {"DIRECTION"},
                 {"TIER"},
                 {"STATE"},
                 {"SIZE", Table::Align::kRight},
                 {"HOLDS", Table::Align::kRight},
                 {"FLAGS"}});
    return list(session, path, query, paging_, std::move(table),
                [](const json::object& item, Table& rows) {
                  rows.add({text_of(item, "call_sid"), time_of(item, "started_at"),
                            length_of(item, "duration_seconds"), text_of(item, "direction"),
                            text_of(item, "tier"), text_of(item, "state"), size_of(item, "bytes"),
                            text_of(item, "holds"), list_of(item, "flags")});
                });
  }

 private:
  std::string tier_;
  std::string from_;
  std::string to_;
  std::string held_;
  std::string direction_;
  bool flagged_ = false;
  std::vector<std::string> words_;
  std::string from_number_;
  std::string to_number_;
  std::string tag_;
  std::string consent_;
  std::string agent_;
  Paging paging_;
};

}  // namespace

std::unique_ptr<Command> ls_command() { return std::make_unique<LsCommand>(); }

}  // namespace holdfast::cli
