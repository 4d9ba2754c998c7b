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
    arguments.flag(
        "--list", list_,
        "List the holds: of the CALL, released ones too, or of all recordings that are held (with "
        "--matter those of one matter)");
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

  // Of one call, or of the workspace.
  Status list_holds(Session& session) {
    if (calls_.size() > 1)
      return Error{Code::kInvalid, "hold --list: of the whole workspace, or of one CALL"};
    Table table({{"HOLD"}, {"CALL"}, {"MATTER"}, {"PLACED (UTC)"}, {"BY"}, {"RELEASED (UTC)"}});
    if (!calls_.empty()) {
      HOLDFAST_TRY(list_holds_of(session, calls_[0], table));
      if (!session.json()) table.flush(stdout);
      return {};
    }
    HOLDFAST_ASSIGN(path, session.workspace_path({"holds"}));
    std::vector<NameValue> query;
    if (!matter_.empty()) query.push_back({"matter", matter_});
    return list(session, path, query, paging_, std::move(table), add_row);
  }

  static Status list_holds_of(Session& session, const std::string& call, Table& table) {
    HOLDFAST_ASSIGN(path, session.workspace_path({"recordings", call, "holds"}));
    auto answer = session.get(path);
    if (!answer.ok()) return answer.error().within("holds of " + call);
    if (session.json()) return session.print_json(answer->response), Status();
    HOLDFAST_ASSIGN(holds, object_of(answer->value, "holds of " + call));
    for (const json::object* hold : objects_of(*holds, "items")) add_row(*hold, table);
    return {};
  }

  static void add_row(const json::object& hold, Table& table) {
    table.add({text_of(hold, "hold_id"), text_of(hold, "call_sid"), text_of(hold, "matter"),
               time_of(hold, "placed_at"), text_of(hold, "placed_by"),
               time_of(hold, "released_at")});
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
