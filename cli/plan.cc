// holdfast plan: what the policy would do, without doing it.
#include <fmt/format.h>

#include "cli/commands.h"
#include "cli/session.h"
#include "cli/table.h"
#include "cli/words.h"

namespace holdfast::cli {
namespace {

class PlanCommand final : public Command {
 public:
  Lesson lesson() const override {
    return {"plan",
            "What the policy would do, and why: a dry run without side effects",
            "Shows every step that is due now, or will be due until the time given by --at, with\n"
            "its reason and size. WAITS tells what holds a due step up: a pause, a suspended\n"
            "medium, or a time window. The mover asks the same question and gets the same\n"
            "answer; looking at it changes nothing.",
            {"holdfast plan", "holdfast plan --at 2026-12-24T00:00:00Z --json"}};
  }
  void declare(Arguments& arguments) override {
    arguments.option("--at", "TIME", at_, "Look ahead to this time", false, check_time);
  }

  Status run(Session& session) override {
    std::vector<NameValue> query;
    if (!at_.empty()) query.emplace_back("at", at_);
    HOLDFAST_ASSIGN(answer, session.get("/v1/plan", std::move(query)));
    if (session.json()) return session.print_json(answer.response), Status();
    HOLDFAST_ASSIGN(plan, object_of(answer.value, "plan"));
    const auto steps = objects_of(*plan, "steps");
    session.print(fmt::format("Due until {} UTC: {} step(s)",
                              time_of(*plan, plan->contains("until") ? "until" : "now"),
                              steps.size()));
    if (steps.empty()) return {};
    Table table({{"WHEN (UTC)"},
                 {"WHAT"},
                 {"SIZE", Table::Align::kRight},
                 {"CALL"},
                 {"PACK"},
                 {"WHY"},
                 {"WAITS"}});
    for (const json::object* step : steps)
      table.add({time_of(*step, "when"), text_of(*step, "what"), size_of(*step, "bytes"),
                 text_of(*step, "call_sid"), text_of(*step, "pack_id"), text_of(*step, "why"),
                 text_of(*step, "waits")});
    table.flush(stdout);
    return {};
  }

 private:
  std::string at_;
};

}  // namespace

std::unique_ptr<Command> plan_command() { return std::make_unique<PlanCommand>(); }

}  // namespace holdfast::cli
