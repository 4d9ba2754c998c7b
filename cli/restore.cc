// holdfast restore: ask archived recordings back.
#include <fmt/format.h>

#include "base/config.h"
#include "cli/commands.h"
#include "cli/listing.h"
#include "cli/waiting.h"
#include "cli/words.h"

namespace holdfast::cli {
namespace {

// One restore of several that are waited for.
struct Asked {
  std::string call;
  std::string restore_id;
};

class RestoreCommand final : public Command {
 public:
  Lesson lesson() const override {
    return {"restore",
            "Ask archived recordings back to the fast tier, or list the restores",
            "Asks for each call and tells when it may be expected. Several requests for one\n"
            "recording join one recall, and the longest --keep-hours wins. The restored copy\n"
            "leaves the fast tier when its time is over; the archived one stays where it is.\n"
            "With --wait the command ends when all are there.",
            {"holdfast restore CA8d1f0c2b CA77aa0114 --priority expedited --wait",
             "holdfast restore --list --state queued"}};
  }
  void declare(Arguments& arguments) override {
    arguments.positionals("CALL", calls_, "The calls' ids (call_sid)", false);
    arguments.choice("--priority", priority_, {"expedited", "standard", "bulk"},
                     "Place in the queue; standard when absent");
    arguments.number("--keep-hours", "N", keep_hours_, 1, 24 * 365,
                     "Keep the restored copy this long; the archive's default when absent");
    arguments.flag("--wait", wait_, "Wait until the recordings are there");
    arguments.option("--timeout", "TIME", timeout_, "Wait at most this long for each [12h]", false,
                     check_duration);
    arguments.flag("--list", list_, "List the workspace's restores");
    arguments.choice("--state", state_,
                     {"queued", "recalling", "staged", "expired", "failed", "cancelled"},
                     "With --list: only restores in this state");
    paging_.declare(arguments);
  }

  Status run(Session& session) override {
    if (list_) return list_restores(session);
    if (calls_.empty()) return Error{Code::kInvalid, "restore which CALL? (or ask for --list)"};
    HOLDFAST_ASSIGN(timeout, parse_duration(timeout_));
    std::vector<Asked> asked;  // all are asked first: the archive reads them in one pass
    for (const std::string& call : calls_) {
      const Status done = ask(session, call, asked);
      if (!done.ok()) session.report(done.error().within("restore " + call));
    }
    if (!wait_) return {};
    for (const Asked& one : asked) {
      const auto staged = wait_for_restore(session, one.call, one.restore_id, timeout);
      if (!staged.ok())
        session.report(staged.error().within("restore " + one.call));
      else
        tell_staged(session, one, *staged);
    }
    return {};
  }

 private:
  Status ask(Session& session, const std::string& call, std::vector<Asked>& asked) {
    HOLDFAST_ASSIGN(path, session.workspace_path({"recordings", call, "restore"}));
    json::object body;
    if (!priority_.empty()) body["tier"] = priority_;
    if (keep_hours_ > 0) body["keep_hours"] = keep_hours_;
    HOLDFAST_ASSIGN(answer, session.call("POST", path, body));
    HOLDFAST_ASSIGN(told, object_of(answer.value, "restore"));
    const bool available = answer.response.status == 200;
    if (session.json() && (!wait_ || available)) session.print_json(answer.response);
    if (available) {
      if (!session.json()) session.print(printable(call) + ": available");
      return {};
    }
    HOLDFAST_ASSIGN(restore_id, restore_id_of(*told));
    if (!session.json())
      session.print(fmt::format("{}: restore {}, {}", printable(call), printable(restore_id),
                                restore_in_words(*told)));
    asked.push_back({call, restore_id});
    return {};
  }

  static void tell_staged(Session& session, const Asked& one, const Session::Answer& answer) {
    if (session.json()) return session.print_json(answer.response);
    const json::object& restore = answer.value.as_object();  // wait_for_restore looked
    session.print(fmt::format("{}: staged until {} UTC", printable(one.call),
                              time_of(restore, "expires_at")));
  }

  Status list_restores(Session& session) {
    HOLDFAST_ASSIGN(path, session.workspace_path({"restores"}));
    std::vector<NameValue> query;
    if (!state_.empty()) query.emplace_back("state", state_);
    Table table({{"RESTORE"},
                 {"CALL"},
                 {"STATE"},
                 {"FROM"},
                 {"PRIORITY"},
                 {"ASKED (UTC)"},
                 {"READY (UTC)"},
                 {"KEPT UNTIL (UTC)"},
                 {"ERROR"}});
    return list(
        session, path, query, paging_, std::move(table), [](const json::object& item, Table& rows) {
          const std::string staged = time_of(item, "staged_at");
          rows.add({text_of(item, "restore_id"), text_of(item, "call_sid"), text_of(item, "state"),
                    text_of(item, "tier"), text_of(item, "priority"), time_of(item, "requested_at"),
                    staged != "-" ? staged : time_of(item, "estimated_ready_at"),
                    time_of(item, "expires_at"), text_of(item, "error")});
        });
  }

  std::vector<std::string> calls_;
  std::string priority_;
  int64_t keep_hours_ = 0;
  bool wait_ = false;
  std::string timeout_ = "12h";  // the bound promised for cold
  bool list_ = false;
  std::string state_;
  Paging paging_;
};

}  // namespace

std::unique_ptr<Command> restore_command() { return std::make_unique<RestoreCommand>(); }

}  // namespace holdfast::cli
