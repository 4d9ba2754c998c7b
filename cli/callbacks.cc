// holdfast callbacks: what has not reached its receiver yet, and the secret that signs it.
#include <fmt/format.h>

#include "cli/commands.h"
#include "cli/listing.h"
#include "cli/words.h"

namespace holdfast::cli {
namespace {

class CallbacksCommand final : public Command {
 public:
  Lesson lesson() const override {
    return {
        "callbacks",
        "List callbacks that wait or were given up; the secret that signs them",
        "A callback is tried for three days, then it is parked until somebody says --retry or\n"
        "--drop: with the id of one, or \"all\" of the workspace. --secret shows what receivers\n"
        "check the signature with; --rotate-secret makes a new one, and the old one signs\n"
        "along for a day.",
        {"holdfast callbacks --parked", "holdfast callbacks --retry all",
         "holdfast callbacks --secret"}};
  }
  void declare(Arguments& arguments) override {
    arguments.flag("--parked", parked_, "Only those that were given up");
    arguments.option("--retry", "ID", retry_, "Try this parked one again, or all");
    arguments.option("--drop", "ID", drop_, "Forget this parked one, or all");
    arguments.flag("--secret", secret_, "Show the secrets that sign now");
    arguments.flag("--rotate-secret", rotate_, "Make a new secret and show it");
    paging_.declare(arguments);
  }

  Status run(Session& session) override {
    if (!retry_.empty() + !drop_.empty() + int{secret_} + int{rotate_} > 1)
      return Error{Code::kInvalid,
                   "callbacks: give one of --retry, --drop, --secret and "
                   "--rotate-secret"};
    if (!retry_.empty()) return change(session, "retry", retry_, "to be tried again");
    if (!drop_.empty()) return change(session, "drop", drop_, "dropped");
    if (secret_ || rotate_) return show_secrets(session);
    HOLDFAST_ASSIGN(path, session.workspace_path({"callbacks"}));
    std::vector<NameValue> query;
    if (parked_) query.emplace_back("parked", "true");
    Table table({{"CALLBACK"},
                 {"EVENT"},
                 {"STATE"},
                 {"TRIES", Table::Align::kRight},
                 {"SINCE (UTC)"},
                 {"NEXT TRY (UTC)"},
                 {"URL"},
                 {"ERROR"}});
    return list(
        session, path, query, paging_, std::move(table), [](const json::object& item, Table& rows) {
          rows.add({text_of(item, "callback_id"), text_of(item, "event"), text_of(item, "state"),
                    text_of(item, "attempts"), time_of(item, "created_at"),
                    time_of(item, "not_before"), text_of(item, "url"), text_of(item, "error")});
        });
  }

 private:
  static Status change(Session& session, std::string_view what, const std::string& id,
                       std::string_view done) {
    HOLDFAST_ASSIGN(path, session.workspace_path({"callbacks", what}));
    json::object body;
    if (id != "all") body["callback_id"] = id;
    HOLDFAST_ASSIGN(answer, session.call("POST", path, body));
    if (session.json()) return session.print_json(answer.response), Status();
    HOLDFAST_ASSIGN(told, object_of(answer.value, "callbacks"));
    const std::string count = text_of(*told, "count");
    if (id != "all" && count == "0")
      return Error{Code::kNotFound, "no callback " + printable(id) + " is parked here"};
    session.print(fmt::format("{} {}", count, done));
    return {};
  }

  Status show_secrets(Session& session) {
    HOLDFAST_ASSIGN(path, session.workspace_path({"webhook-secret"}));
    HOLDFAST_ASSIGN(answer, session.call(rotate_ ? "POST" : "GET", path, {}));
    if (session.json()) return session.print_json(answer.response), Status();
    HOLDFAST_ASSIGN(told, object_of(answer.value, "callbacks"));
    Table table({{"NUMBER", Table::Align::kRight}, {"SECRET"}, {"SIGNS UNTIL (UTC)"}});
    for (const json::object* item : objects_of(*told, "items"))
      table.add(
          {text_of(*item, "number"), text_of(*item, "secret"), time_of(*item, "signs_until")});
    table.flush(stdout);
    return {};
  }

  bool parked_ = false;
  std::string retry_;
  std::string drop_;
  bool secret_ = false;
  bool rotate_ = false;
  Paging paging_;
};

}  // namespace

std::unique_ptr<Command> callbacks_command() { return std::make_unique<CallbacksCommand>(); }

}  // namespace holdfast::cli
