// holdfast ls: the recordings of a workspace.
#include "cli/commands.h"
#include "cli/listing.h"
#include "cli/recording_query.h"
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
    query_.declare(arguments);
    paging_.declare(arguments);
  }

  Status run(Session& session) override {
    HOLDFAST_ASSIGN(path, session.workspace_path({"recordings"}));
    for (const std::string& word : words_) query_.words += (query_.words.empty() ? "" : " ") + word;
    Table table({{"CALL"},
                 {"STARTED (UTC)"},
                 {"LENGTH", Table::Align::kRight},
                 {"DIRECTION"},
                 {"TIER"},
                 {"STATE"},
                 {"SIZE", Table::Align::kRight},
                 {"HOLDS", Table::Align::kRight},
                 {"FLAGS"}});
    return list(session, path, query_.given(), paging_, std::move(table),
                [](const json::object& item, Table& rows) {
                  rows.add({text_of(item, "call_sid"), time_of(item, "started_at"),
                            length_of(item, "duration_seconds"), text_of(item, "direction"),
                            text_of(item, "tier"), text_of(item, "state"), size_of(item, "bytes"),
                            text_of(item, "holds"), list_of(item, "flags")});
                });
  }

 private:
  std::vector<std::string> words_;
  RecordingQuery query_;
  Paging paging_;
};

}  // namespace

std::unique_ptr<Command> ls_command() { return std::make_unique<LsCommand>(); }

}  // namespace holdfast::cli
