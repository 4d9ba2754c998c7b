// holdfast moves: what is on its way between tiers, and the operator's hand on it.
#include <fmt/format.h>

#include <algorithm>

#include "base/rows.h"
#include "cli/commands.h"
#include "cli/listing.h"
#include "cli/words.h"

namespace holdfast::cli {
namespace {

class MovesCommand final : public Command {
 public:
  Lesson lesson() const override {
    return {
        "moves",
        "List the moves between tiers; run, retry, pause or resume them",
        "A move goes planned, copying, copied, verified, switched, released; a source is let\n"
        "go only after its successor was re-read and proven. --failed shows those whose last\n"
        "try failed, with the error and when they are tried again; --retry tries the MOVEs\n"
        "(or --all-failed) now.\n"
        "WAITS tells what holds a move up: a pause, a suspended medium, or a time window.\n"
        "--pause stops copies and releases, also those under way: of everything, or of what\n"
        "goes to or from one TIER. Restores and destruction go on. --resume ends it, and the\n"
        "suspension of a medium that failed too often. --run looks for due moves now instead\n"
        "of at the next interval, and returns at once.",
        {"holdfast moves --failed", "holdfast moves --retry 5120",
         "holdfast moves --pause warm --reason \"a disk is swapped\"", "holdfast moves --resume"}};
  }
  void declare(Arguments& arguments) override {
    arguments.positionals("MOVE|TIER", objects_,
                          "MOVEs to retry; or the TIER (standard, warm, cold) to pause or resume",
                          false);
    arguments.choice("--state", state_,
                     {"planned", "copying", "copied", "verified", "switched", "released", "failed"},
                     "Only moves in this state");
    arguments.flag("--failed", failed_, "Only moves whose last try failed, whatever their state");
    arguments.flag("--run", run_, "Run the policy now; lists nothing");
    arguments.flag("--retry", retry_, "Try the MOVEs again now");
    arguments.flag("--all-failed", all_failed_, "With --retry: all whose last try failed");
    arguments.flag("--pause", pause_, "Stop copies and releases");
    arguments.option("--reason", "TEXT", reason_, "With --pause: why, in a sentence");
    arguments.flag("--resume", resume_, "End a pause, or a suspension");
    paging_.declare(arguments);
  }

  Status run(Session& session) override {
    HOLDFAST_TRY(check());
    if (run_) return run_now(session);
    if (retry_) return retry(session);
    if (pause_ || resume_) return pause_or_resume(session);
    return list_them(session);
  }

 private:
  Status check() const {
    if (run_ + retry_ + pause_ + resume_ > 1)
      return Error{Code::kInvalid, "moves: one of --run, --retry, --pause, --resume at a time"};
    if (retry_ && objects_.empty() != all_failed_)
      return Error{Code::kInvalid, "moves --retry: give MOVEs by number, or --all-failed"};
    if (!retry_ && all_failed_)
      return Error{Code::kInvalid, "moves: --all-failed goes with --retry"};
    if (!pause_ && !reason_.empty())
      return Error{Code::kInvalid, "moves: --reason goes with --pause"};
    if (retry_) {
      const auto is_number = [](const std::string& text) {
        return !text.empty() && text.size() <= 18 &&
               text.find_first_not_of("0123456789") == std::string::npos;
      };
      if (!std::all_of(objects_.begin(), objects_.end(), is_number))
        return Error{Code::kInvalid, "moves --retry: a MOVE is a number of \"holdfast moves\""};
      return {};
    }
    if (objects_.empty()) return {};
    if (!pause_ && !resume_)
      return Error{Code::kInvalid, "moves: a listing takes no \"" + objects_[0] + "\""};
    if (objects_.size() > 1)
      return Error{Code::kInvalid, "moves: one TIER at a time, or none for everything"};
    const Result<Tier> tier = tier_from(objects_[0]);
    return tier.ok() ? Status() : Status(tier.error());
  }

  static Status run_now(Session& session) {
    HOLDFAST_ASSIGN(answer, session.call("POST", "/v1/moves/run", {}));
    if (session.json())
      session.print_json(answer.response);
    else
      session.print("The policy runs now; \"holdfast moves\" shows what it does.");
    return {};
  }

  Status retry(Session& session) const {
    if (all_failed_) {
      HOLDFAST_ASSIGN(answer, session.call("POST", "/v1/moves/retry", {}));
      if (session.json()) return session.print_json(answer.response), Status();
      HOLDFAST_ASSIGN(outcome, object_of(answer.value, "retry"));
      session.print(text_of(*outcome, "retried") + " moves are tried again now");
      return {};
    }
    for (const std::string& move : objects_) {
      auto answer = session.call("POST", path_of({"v1", "moves", move, "retry"}), {});
      if (!answer.ok())
        session.report(answer.error().within("retry move " + move));
      else if (session.json())
        session.print_json(answer->response);
      else
        session.print("move " + move + " is tried again now");
    }
    return {};
  }

  Status pause_or_resume(Session& session) const {
    json::object body;
    if (!objects_.empty()) body["tier"] = objects_[0];
    if (!reason_.empty()) body["reason"] = reason_;
    HOLDFAST_ASSIGN(answer,
                    session.call("POST", pause_ ? "/v1/moves/pause" : "/v1/moves/resume", body));
    if (session.json()) return session.print_json(answer.response), Status();
    HOLDFAST_ASSIGN(left, object_of(answer.value, "pauses"));
    const auto pauses = objects_of(*left, "pauses");
    if (pauses.empty()) session.print("Nothing is paused.");
    for (const json::object* pause : pauses) session.print(pause_words(*pause));
    return {};
  }

  Status list_them(Session& session) const {
    std::vector<NameValue> query;
    if (!state_.empty()) query.emplace_back("state", state_);
    if (failed_) query.emplace_back("failed", "true");
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
                 {"ERROR"},
                 {"WAITS"}});
    return list(
        session, "/v1/moves", query, paging_, std::move(table),
        [](const json::object& item, Table& rows) {
          rows.add({text_of(item, "move_no"), text_of(item, "from"), text_of(item, "to"),
                    text_of(item, "state"), text_of(item, "members"), size_of(item, "bytes"),
                    text_of(item, "pack_id"), time_of(item, "updated_at"),
                    text_of(item, "attempts"), time_of(item, "not_before"), text_of(item, "error"),
                    text_of(item, "waits")});
        });
  }

  std::vector<std::string> objects_;  // numbers of moves, or one tier
  std::string state_;
  std::string reason_;
  bool failed_ = false;
  bool run_ = false;
  bool retry_ = false;
  bool all_failed_ = false;
  bool pause_ = false;
  bool resume_ = false;
  Paging paging_;
};

}  // namespace

std::unique_ptr<Command> moves_command() { return std::make_unique<MovesCommand>(); }

}  // namespace holdfast::cli
