// holdfast expire: what retention no longer keeps, and whether it may go.
#include <fmt/format.h>

#include <limits>

#include "base/time_text.h"
#include "cli/commands.h"
#include "cli/session.h"
#include "cli/table.h"
#include "cli/words.h"

namespace holdfast::cli {
namespace {

class ExpireCommand final : public Command {
 public:
  Lesson lesson() const override {
    return {"expire",
            "What retention no longer keeps: look at it, or let it go",
            "Expiry destroys recordings whose retention has ended and which nothing holds, at a\n"
            "pace, when the configuration switches it on (expiry.enabled). --dry-run shows what\n"
            "is due and changes nothing. When more is due within a day than the circuit breaker\n"
            "lets through, nothing goes until somebody has looked and says --accept, with the\n"
            "number that was shown: it is refused when more are due by then.",
            {"holdfast expire --dry-run", "holdfast expire --dry-run --at 2027-01-01T00:00:00Z",
             "holdfast expire --accept --due 31204 --reason \"the 2019 calls, checked\""}};
  }
  void declare(Arguments& arguments) override {
    arguments.flag("--dry-run", dry_run_, "Show what would go");
    arguments.option("--at", "TIME", at_, "As if it were this time", false, check_time);
    arguments.number("--limit", "N", limit_, 1, 1000, "List so many of the recordings");
    arguments.flag("--accept", accept_, "Let go what is due now");
    arguments.number("--due", "N", seen_, 0, std::numeric_limits<int64_t>::max(),
                     "With --accept: how many you have seen to be due");
    arguments.option("--reason", "TEXT", reason_, "Why, in a sentence");
  }

  Status run(Session& session) override {
    if (accept_ == dry_run_)
      return Error{Code::kInvalid,
                   "expire: say --dry-run, or --accept with --due N and --reason TEXT"};
    if (accept_) return accept(session);
    std::vector<NameValue> query{{"limit", std::to_string(limit_)}};
    if (!at_.empty()) query.emplace_back("at", at_);
    HOLDFAST_ASSIGN(answer, session.get("/v1/expiry", query));
    if (session.json()) return session.print_json(answer.response), Status();
    HOLDFAST_ASSIGN(expiry, object_of(answer.value, "expiry"));
    show(session, *expiry);
    return {};
  }

 private:
  Status accept(Session& session) {
    if (reason_.empty()) return Error{Code::kInvalid, "expire --accept: give --reason TEXT"};
    if (seen_ < 0)
      return Error{Code::kInvalid,
                   "expire --accept: give --due N, as many as holdfast expire --dry-run shows"};
    HOLDFAST_ASSIGN(
        answer, session.call("POST", "/v1/expiry/accept", {{"reason", reason_}, {"due", seen_}}));
    if (session.json()) return session.print_json(answer.response), Status();
    HOLDFAST_ASSIGN(done, object_of(answer.value, "expire --accept"));
    session.print(fmt::format("{} recordings may go", text_of(*done, "accepted")));
    return {};
  }

  // After somebody set the compliance clock forward.
  static void show_wait(Session& session, const json::object& expiry) {
    const json::value* until = expiry.if_contains("waits_until");
    const json::value* clock = expiry.if_contains("clock");
    if (until == nullptr || !until->is_string() || clock == nullptr || !clock->is_object()) return;
    std::string left;
    const auto end = from_iso(until->get_string());
    const auto now = from_iso(text_of(clock->get_object(), "time"));
    if (end.ok() && now.ok() && *end > *now)
      left = ", " + length_in_words(static_cast<double>((*end - *now).count) / 1000) + " from now";
    session.print(fmt::format("Nothing goes before {} UTC{}: the compliance clock was set forward",
                              time_of(expiry, "waits_until"), left));
  }

  static void show(Session& session, const json::object& expiry) {
    const bool enabled = text_of(expiry, "enabled") == "yes";
    session.print(fmt::format("Due: {} recordings, {}; the oldest since {} UTC",
                              text_of(expiry, "due"), size_of(expiry, "bytes"),
                              time_of(expiry, "oldest")));
    session.print(enabled ? fmt::format("They go at {} an hour", text_of(expiry, "rate_per_hour"))
                          : "Expiry is switched off: nothing goes (expiry.enabled)");
    show_wait(session, expiry);
    if (const json::value* breaker = expiry.if_contains("breaker");
        breaker != nullptr && breaker->is_object()) {
      const json::object& of = breaker->as_object();
      session.print(fmt::format("A day may take {}, took {}; {} were let go besides",
                                text_of(of, "allowed_a_day"), text_of(of, "expired_today"),
                                text_of(of, "accepted")));
      if (const std::string since = time_of(of, "open_since"); since != "-")
        session.print(
            fmt::format("Stopped since {} UTC: {} were due; holdfast expire --accept "
                        "--due {} --reason TEXT",
                        since, text_of(of, "due_then"), text_of(expiry, "due")));
    }
    Table classes({{"CLASS"},
                   {"RECORDINGS", Table::Align::kRight},
                   {"SIZE", Table::Align::kRight},
                   {"OLDEST (UTC)"}});
    for (const json::object* one : objects_of(expiry, "classes"))
      classes.add({text_of(*one, "class"), text_of(*one, "recordings"), size_of(*one, "bytes"),
                   time_of(*one, "oldest")});
    classes.flush(stdout);
    session.print("");
    Table items(
        {{"CALL"}, {"CLASS"}, {"ENDED (UTC)"}, {"SIZE", Table::Align::kRight}, {"WORKSPACE"}});
    for (const json::object* one : objects_of(expiry, "items"))
      items.add({text_of(*one, "call_sid"), text_of(*one, "class"), time_of(*one, "expires_at"),
                 size_of(*one, "bytes"), text_of(*one, "workspace_id")});
    items.flush(stdout);
  }

  bool dry_run_ = false;
  bool accept_ = false;
  std::string at_;
  std::string reason_;
  int64_t limit_ = 20;
  int64_t seen_ = -1;  // not given
};

}  // namespace

std::unique_ptr<Command> expire_command() { return std::make_unique<ExpireCommand>(); }

}  // namespace holdfast::cli
