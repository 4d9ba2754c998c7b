// holdfast restore: ask archived recordings back.
#include <fmt/format.h>

#include "base/config.h"
#include "cli/bulk_restore.h"
#include "cli/commands.h"
#include "cli/listing.h"
#include "cli/recording_query.h"
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
    return {
        "restore",
        "Ask archived recordings back to the fast tier, cancel that, or list the restores",
        "Asks for each call and tells when it may be expected. Several requests for one\n"
        "recording join one recall, and the longest --keep-hours wins. The restored copy\n"
        "leaves the fast tier when its time is over; the archived one stays where it is.\n"
        "With --calls the ids are read from a file (\"-\": standard input), one on each line;\n"
        "with filters as in ls everything that they find is asked for, page by page. A call\n"
        "that is refused keeps none of the others back.\n"
        "With --wait the command ends when all are there. --cancel takes your own wish back;\n"
        "the recall goes on while somebody else waits for it.",
        {"holdfast restore CA8d1f0c2b CA77aa0114 --priority expedited --wait",
         "holdfast restore --tier cold --from 2026-01-01T00:00:00Z --tag billing --priority bulk",
         "holdfast restore --calls ids.txt --keep-hours 72", "holdfast restore --cancel CA8d1f0c2b",
         "holdfast restore --list --state queued"}};
  }
  void declare(Arguments& arguments) override {
    arguments.positionals("CALL", calls_, "The calls' ids (call_sid)", false);
    arguments.choice("--priority", priority_, {"expedited", "standard", "bulk"},
                     "Place in the queue; standard when absent");
    arguments.number("--keep-hours", "N", keep_hours_, 1, 24 * 365,
                     "Keep the restored copy this long; the archive's default when absent");
    arguments.option("--callback", "URL", callback_,
                     "Have this URL called when it is there, or could not be restored");
    arguments.option("--calls", "FILE", file_, "Ask for the calls whose ids stand in FILE");
    arguments.option("--search", "WORDS", query_.words, "Ask for calls with all of these words");
    query_.declare(arguments);
    arguments.flag("--wait", wait_, "Wait until the recordings are there");
    arguments.option("--timeout", "TIME", timeout_, "Wait at most this long for each [12h]", false,
                     check_duration);
    arguments.flag("--cancel", cancel_, "Take back the wish for the calls");
    arguments.flag("--list", list_, "List the workspace's restores");
    arguments.choice("--state", state_,
                     {"queued", "recalling", "staged", "expired", "failed", "cancelled"},
                     "With --list: only restores in this state");
    paging_.declare(arguments);
  }

  Status run(Session& session) override {
    if (list_) return list_restores(session);
    const json::object query = query_.as_json();
    const int sources = !calls_.empty() + !file_.empty() + !query.empty();
    if (sources == 0)
      return Error{Code::kInvalid, "restore which CALL? (or --calls FILE, filters, --list)"};
    if (sources > 1)
      return Error{Code::kInvalid, "restore: give CALLs, --calls FILE or filters, one of them"};
    if (cancel_) return cancel(session);
    HOLDFAST_ASSIGN(timeout, parse_duration(timeout_));
    std::vector<Asked> asked;  // all are asked first: the archive reads them in one pass
    if (calls_.empty())
      HOLDFAST_TRY(ask_many(session, query, asked));
    else
      ask_each(session, asked);
    if (wait_) wait_for(session, asked, timeout);
    return {};
  }

 private:
  json::object wish() const {
    json::object body;
    if (!priority_.empty()) body["tier"] = priority_;
    if (keep_hours_ > 0) body["keep_hours"] = keep_hours_;
    if (!callback_.empty()) body["callback_url"] = callback_;
    return body;
  }

  void ask_each(Session& session, std::vector<Asked>& asked) {
    for (const std::string& call : calls_) {
      const Status done = ask(session, call, asked);
      if (!done.ok()) session.report(done.error().within("restore " + call));
    }
  }

  Status ask_many(Session& session, const json::object& query, std::vector<Asked>& asked) {
    const auto see = [&](const json::object& item) {
      const std::string call = text_of(item, "call_sid");
      const std::string state = text_of(item, "state");
      const std::string restore_id = text_of(item, "restore_id");
      if (restore_id == "-" && state != "available")
        return session.report(refusal_of(item).within("restore " + printable(call)));
      if (!session.json()) session.print(line_of(item, call, state, restore_id));
      if (restore_id != "-") asked.push_back({call, restore_id});
    };
    if (file_.empty()) return restore_found(session, wish(), query, see);
    HOLDFAST_ASSIGN(calls, read_calls(file_));
    return restore_calls(session, wish(), calls, see);
  }

  static std::string line_of(const json::object& item, const std::string& call,
                             const std::string& state, const std::string& restore_id) {
    std::string line = fmt::format("{}: {}", printable(call), printable(state));
    if (restore_id != "-") line += ", restore " + printable(restore_id);
    if (state == "queued" || state == "recalling") line += ", " + restore_in_words(item);
    return line;
  }

  static void wait_for(Session& session, const std::vector<Asked>& asked, Millis timeout) {
    for (const Asked& one : asked) {
      const auto staged = wait_for_restore(session, one.call, one.restore_id, timeout);
      if (!staged.ok())
        session.report(staged.error().within("restore " + one.call));
      else
        tell_staged(session, one, *staged);
    }
  }

  // The live restore of each call is looked up; the wish is this caller's own.
  Status cancel(Session& session) {
    if (calls_.empty() && file_.empty())
      return Error{Code::kInvalid, "restore --cancel takes CALLs or --calls FILE"};
    std::vector<std::string> calls = calls_;
    if (!file_.empty()) {
      HOLDFAST_ASSIGN(read, read_calls(file_));
      calls = std::move(read);
    }
    for (const std::string& call : calls) {
      const Status done = cancel_one(session, call);
      if (!done.ok()) session.report(done.error().within("cancel the restore of " + call));
    }
    return {};
  }

  static Status cancel_one(Session& session, const std::string& call) {
    HOLDFAST_ASSIGN(path, session.workspace_path({"recordings", call}));
    HOLDFAST_ASSIGN(answer, session.get(path));
    HOLDFAST_ASSIGN(recording, object_of(answer.value, "recording"));
    const json::value* restore = recording->if_contains("restore");
    if (restore == nullptr || !restore->is_object())
      return Error{Code::kNotFound, "nobody asked for it"};
    HOLDFAST_ASSIGN(id, need_string(restore->as_object(), "restore_id"));
    HOLDFAST_ASSIGN(job, session.workspace_path({"restores", id}));
    HOLDFAST_ASSIGN(done, session.call("DELETE", job, {}));
    if (session.json()) return session.print_json(done.response), Status();
    HOLDFAST_ASSIGN(told, object_of(done.value, "cancel"));
    const json::value* cancelled = told->if_contains("cancelled");
    const bool all = cancelled != nullptr && cancelled->is_bool() && cancelled->as_bool();
    session.print(
        fmt::format("{}: {}", printable(call),
                    all ? "cancelled" : "your wish is taken back; others wait, or it is there"));
    return {};
  }

  Status ask(Session& session, const std::string& call, std::vector<Asked>& asked) {
    HOLDFAST_ASSIGN(path, session.workspace_path({"recordings", call, "restore"}));
    HOLDFAST_ASSIGN(answer, session.call("POST", path, wish()));
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
  std::string file_;
  RecordingQuery query_;
  std::string priority_;
  int64_t keep_hours_ = 0;
  std::string callback_;
  bool wait_ = false;
  std::string timeout_ = "12h";  // the bound promised for cold
  bool cancel_ = false;
  bool list_ = false;
  std::string state_;
  Paging paging_;
};

}  // namespace

std::unique_ptr<Command> restore_command() { return std::make_unique<RestoreCommand>(); }

}  // namespace holdfast::cli
