// holdfast hold: keep a recording from every destruction, for a named matter.
#include <fmt/format.h>

#include "cli/commands.h"
#include "cli/listing.h"
#include "cli/words.h"

namespace holdfast::cli {
namespace {

class HoldCommand final : public Command {
 public:
  Lesson lesson() const override {
    return {"hold",
            "Place a legal hold on recordings, or list the holds",
            "A held recording is not destroyed by anything until every one of its holds is\n"
            "released. A hold belongs to a matter and has a reason; both are notes beside the\n"
            "ledger. When this command says \"held\", the hold is durable. A recording whose\n"
            "destruction has begun cannot be held any more: conflict.",
            {"holdfast hold CA8d1f0c2b --matter \"Doe v. Acme\" --reason \"letter of 2026-11-20\"",
             "holdfast hold CA8d1f0c2b --list"}};
  }
  void declare(Arguments& arguments) override {
    arguments.positionals("CALL", calls_, "The calls' ids (call_sid)", false);
    arguments.option("--matter", "NAME", matter_, "The matter that needs the recording");
    arguments.option("--reason", "TEXT", reason_, "Why, in a sentence");
    arguments.flag("--list", list_,
                   "List the holds, released ones too: of the CALL, or of the workspace");
    paging_.declare(arguments);
  }

  Status run(Session& session) override {
    if (list_) return list_holds(session);
    if (calls_.empty() || matter_.empty() || reason_.empty())
      return Error{Code::kInvalid,
                   "a hold needs CALL, --matter NAME and --reason TEXT (or ask for --list)"};
    for (const std::string& call : calls_) {
      const Status placed = place(session, call);
      if (!placed.ok()) session.report(placed.error().within("hold " + call));
    }
    return {};
  }

 private:
  Status place(Session& session, const std::string& call) {
    HOLDFAST_ASSIGN(path, session.workspace_path({"recordings", call, "holds"}));
    HOLDFAST_ASSIGN(answer, session.call("POST", path, {{"matter", matter_}, {"reason", reason_}}));
    if (session.json()) return session.print_json(answer.response), Status();
    HOLDFAST_ASSIGN(hold, object_of(answer.value, "hold"));
    session.print(fmt::format("{}: held for {} since {} UTC, hold {}", printable(call),
                              text_of(*hold, "matter"), time_of(*hold, "placed_at"),
                              text_of(*hold, "hold_id")));
    return {};
  }

  Status list_holds(Session& session) {
    if (calls_.size() > 1)
      return Error{Code::kInvalid, "hold --list: of the whole workspace, or of one CALL"};
    HOLDFAST_ASSIGN(path, calls_.empty()
                              ? session.workspace_path({"holds"})
                              : session.workspace_path({"recordings", calls_[0], "holds"}));
    Table table({{"HOLD"}, {"CALL"}, {"MATTER"}, {"PLACED (UTC)"}, {"BY"}, {"RELEASED (UTC)"}});
    return list(session, path, {}, paging_, std::move(table),
                [](const json::object& item, Table& rows) {
                  rows.add({text_of(item, "hold_id"), text_of(item, "call_sid"),
                            text_of(item, "matter"), time_of(item, "placed_at"),
                            text_of(item, "placed_by"), time_of(item, "released_at")});
                });
  }

  std::vector<std::string> calls_;
  std::string matter_;
  std::string reason_;
  bool list_ = false;
  Paging paging_;
};

}  // namespace

std::unique_ptr<Command> hold_command() { return std::make_unique<HoldCommand>(); }

}  // namespace holdfast::cli
