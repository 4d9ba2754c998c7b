// holdfast moves: what is on its way between tiers.
#include <fmt/format.h>

#include "cli/commands.h"
#include "cli/listing.h"
#include "cli/words.h"

namespace holdfast::cli {
namespace {

class MovesCommand final : public Command {
 public:
  Lesson lesson() const override {
    return {"moves",
            "List the moves between tiers, or run the policy now",
            "A move goes planned, copying, copied, verified, switched, released; a source is let\n"
            "go only after its successor was re-read and proven. A failed move shows its error\n"
            "and when it is tried again. --run looks for due moves now instead of at the next\n"
            "interval, and returns at once.",
            {"holdfast moves --state failed", "holdfast moves --run"}};
  }
  void declare(Arguments& arguments) override {
    arguments.choice("--state", state_,
                     {"planned", "copying", "copied", "verified", "switched", "released", "failed"},
                     "Only moves in this state");
    arguments.flag("--run", run_, "Run the policy now; lists nothing");
    paging_.declare(arguments);
  }

  Status run(Session& session) override {
    if (run_) {
      HOLDFAST_ASSIGN(answer, session.call("POST", "/v1/moves/run", {}));
      if (session.json())
        session.print_json(answer.response);
      else
        session.print("The policy runs now; \"holdfast moves\" shows what it does.");
      return {};
    }
    std::vector<NameValue> query;
    if (!state_.empty()) query.emplace_back("state", state_);
    Table table({{"MOVE", Table::Align::kRight},
                 {"FROM"},
                 {"TO"},
                 {"STATE"},
                 {"RECORDINGS", Table::Align::kRight},
                 {"SIZE", Table::Align::kRight},
                 {"PACK"},
                 {"UPDATED (UTC)"},
                 {"TRIES", Table::Align::kRight},
                 {"NEXT TRY (UTC)"},
                 {"ERROR"}});
    return list(session, "/v1/moves", query, paging_, std::move(table),
                [](const json::object& item, Table& rows) {
                  rows.add({text_of(item, "move_no"), text_of(item, "from"), text_of(item, "to"),
                            text_of(item, "state"), text_of(item, "members"),
                            size_of(item, "bytes"), text_of(item, "pack_id"),
                            time_of(item, "updated_at"), text_of(item, "attempts"),
                            time_of(item, "not_before"), text_of(item, "error")});
                });
  }

 private:
  std::string state_;
  bool run_ = false;
  Paging paging_;
};

}  // namespace

std::unique_ptr<Command> moves_command() { return std::make_unique<MovesCommand>(); }

}  // namespace holdfast::cli
