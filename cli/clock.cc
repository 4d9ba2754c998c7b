// holdfast clock: the compliance clock, by which retention ends.
#include <fmt/format.h>

#include "cli/commands.h"
#include "cli/session.h"
#include "cli/words.h"

namespace holdfast::cli {
namespace {

class ClockCommand final : public Command {
 public:
  Lesson lesson() const override {
    return {
        "clock",
        "The compliance clock: show it, or accept the system's time",
        "Retention ends by a clock of its own, which a wrong system clock cannot make run\n"
        "ahead: it stands when the system clock jumps, and catches up slowly after the\n"
        "archive was off. \"clock accept\" sets it to the system's time: look at that first,\n"
        "since what retention then no longer keeps may be destroyed.",
        {"holdfast clock", "holdfast clock accept --reason \"NTP was repaired, checked by J.\""}};
  }
  void declare(Arguments& arguments) override {
    arguments.positional("accept", action_, "Set it to the system's time", false);
    arguments.option("--reason", "TEXT", reason_, "Why, in a sentence");
  }

  Status run(Session& session) override {
    if (action_.empty()) {
      HOLDFAST_ASSIGN(answer, session.get("/v1/clock"));
      return show(session, answer);
    }
    if (action_ != "accept")
      return Error{Code::kInvalid, fmt::format("clock: \"{}\" is no action; there is \"accept\"",
                                               printable(action_))};
    if (reason_.empty()) return Error{Code::kInvalid, "clock accept: give --reason TEXT"};
    HOLDFAST_ASSIGN(answer, session.call("POST", "/v1/clock/accept", {{"reason", reason_}}));
    return show(session, answer);
  }

 private:
  static Status show(Session& session, const Session::Answer& answer) {
    if (session.json()) return session.print_json(answer.response), Status();
    HOLDFAST_ASSIGN(clock, object_of(answer.value, "the compliance clock"));
    session.print(fmt::format("Compliance time  {} UTC", time_of(*clock, "time")));
    session.print(fmt::format("System time      {} UTC", time_of(*clock, "system_time")));
    session.print(fmt::format("Behind           {}", length_of(*clock, "behind_seconds")));
    const std::string why = text_of(*clock, "why");
    if (why != "-")
      session.print(
          fmt::format("Stands since     {} UTC: {}", time_of(*clock, "stopped_since"), why));
    return {};
  }

  std::string action_;
  std::string reason_;
};

}  // namespace

std::unique_ptr<Command> clock_command() { return std::make_unique<ClockCommand>(); }

}  // namespace holdfast::cli
