// holdfast retention: how long recordings must be kept.
#include <fmt/format.h>

#include "base/retention.h"
#include "cli/commands.h"
#include "cli/session.h"
#include "cli/table.h"
#include "cli/words.h"

namespace holdfast::cli {
namespace {

Status check_period(const std::string& text) {
  const auto period = parse_period(text);
  return period.ok() ? Status() : Status(period.error());
}

class RetentionListCommand final : public Command {
 public:
  Lesson lesson() const override {
    return {"retention ls",
            "List the retention classes and who is given which",
            "Shows each class in its latest version, and the defaults: what new recordings of a\n"
            "workspace are given, and those of all workspaces without a default of their own.",
            {"holdfast retention ls", "holdfast retention ls --json | jq '.items[].name'"}};
  }
  void declare(Arguments&) override {}

  Status run(Session& session) override {
    HOLDFAST_ASSIGN(answer, session.get("/v1/retention-classes"));
    if (session.json()) return session.print_json(answer.response), Status();
    HOLDFAST_ASSIGN(all, object_of(answer.value, "list the retention classes"));
    Table table({{"CLASS"},
                 {"VERSION", Table::Align::kRight},
                 {"KEEP"},
                 {"FROM"},
                 {"MODE"},
                 {"SET (UTC)"},
                 {"BY"}});
    for (const json::object* item : objects_of(*all, "items"))
      table.add({text_of(*item, "name"), text_of(*item, "version"), text_of(*item, "keep"),
                 text_of(*item, "from"), text_of(*item, "mode"), time_of(*item, "created_at"),
                 text_of(*item, "created_by")});
    table.flush(stdout);
    for (const json::object* item : objects_of(*all, "defaults")) {
      const std::string workspace = text_of(*item, "workspace_id");
      session.print(fmt::format("new recordings of {}: {}",
                                workspace == "-" ? "all other workspaces" : workspace,
                                text_of(*item, "class")));
    }
    return {};
  }
};

class RetentionSetCommand final : public Command {
 public:
  Lesson lesson() const override {
    return {"retention set",
            "Make a retention class, or change one",
            "A class says how long a recording must not be destroyed, from which event, and in\n"
            "which mode: what is in governance mode can be shortened by who may bypass it, what\n"
            "is in compliance mode by nobody. A change is a further version of the class; what\n"
            "was given an earlier one keeps it until it is assigned again.",
            {"holdfast retention set mifid --keep 7y --mode compliance",
             "holdfast retention set short --keep 90d --from received --mode governance"}};
  }
  void declare(Arguments& arguments) override {
    arguments.positional("CLASS", name_, "Its name: a-z, 0-9, \".\", \"_\" and \"-\"");
    arguments.option("--keep", "PERIOD", keep_, "How long: 90d, 18mo, 7y or forever", true,
                     check_period);
    arguments.choice("--mode", mode_, {"governance", "compliance"}, "Who may shorten it", true);
    arguments.choice("--from", from_, {"call-end", "received"},
                     "What it counts from; unless said, the call's end");
  }

  Status run(Session& session) override {
    json::object body{{"name", name_}, {"keep", keep_}, {"mode", mode_}};
    if (!from_.empty()) body["from"] = from_;
    auto answer = session.call("POST", "/v1/retention-classes", body);
    if (!answer.ok()) return answer.error().within("set retention class " + name_);
    if (session.json()) return session.print_json(answer->response), Status();
    HOLDFAST_ASSIGN(item, object_of(answer->value, "set retention class " + name_));
    session.print(fmt::format("{}: {} from {}, {} mode, version {}", text_of(*item, "name"),
                              text_of(*item, "keep"), text_of(*item, "from"),
                              text_of(*item, "mode"), text_of(*item, "version")));
    return {};
  }

 private:
  std::string name_;
  std::string keep_;
  std::string mode_;
  std::string from_;
};

class RetentionDefaultCommand final : public Command {
 public:
  Lesson lesson() const override {
    return {"retention default",
            "Say which class new recordings are given",
            "Of one workspace with --of, or of all that have no default of their own. It is given\n"
            "at ingest; what is in the archive already keeps what it has. --none takes it away.",
            {"holdfast retention default mifid",
             "holdfast retention default short --of 3f2b8c1e-5d4a-4b6f-9c7e-8a1d2e3f4a5b",
             "holdfast retention default --none"}};
  }
  void declare(Arguments& arguments) override {
    arguments.positional("CLASS", name_, "The class", false);
    arguments.option("--of", "UUID", workspace_, "Of this workspace alone", false, check_workspace);
    arguments.flag("--none", none_, "No class");
  }

  Status run(Session& session) override {
    if (name_.empty() != none_)
      return Error{Code::kInvalid, "retention default: give a CLASS, or --none"};
    const std::string path = workspace_.empty() ? "/v1/retention-default"
                                                : path_of({"v1", workspace_, "retention-default"});
    json::object body;
    if (!none_) body["class"] = name_;
    auto answer = session.call(none_ ? "DELETE" : "PUT", path, body);
    if (!answer.ok()) return answer.error().within("retention default");
    if (session.json()) return session.print_json(answer->response), Status();
    session.print(fmt::format("new recordings of {}: {}",
                              workspace_.empty() ? "all workspaces without their own" : workspace_,
                              none_ ? "no class" : printable(name_)));
    return {};
  }

 private:
  std::string name_;
  std::string workspace_;
  bool none_ = false;
};

class RetentionAssignCommand final : public Command {
 public:
  Lesson lesson() const override {
    return {"retention assign",
            "Give recordings a retention class",
            "The end is reckoned now, by the class's latest version, and kept. It may be later\n"
            "than the present one at any time; earlier only once that has come, or in governance\n"
            "mode with --bypass-governance and a --reason. --none takes the class away: the\n"
            "recording is then kept until somebody deletes it.",
            {"holdfast retention assign CA8d1f0c2b --class mifid",
             "holdfast retention assign CA8d1f0c2b --class short --bypass-governance --reason "
             "\"consent was withdrawn\""}};
  }
  void declare(Arguments& arguments) override {
    arguments.positionals("CALL", calls_, "The calls' ids (call_sid)");
    arguments.option("--class", "CLASS", name_, "The class");
    arguments.flag("--none", none_, "No class");
    arguments.flag("--bypass-governance", bypass_, "Shorten what is in governance mode");
    arguments.option("--reason", "TEXT", reason_, "Why, in a sentence");
  }

  Status run(Session& session) override {
    if (name_.empty() != none_)
      return Error{Code::kInvalid, "retention assign: give --class CLASS, or --none"};
    if (bypass_ && reason_.empty())
      return Error{Code::kInvalid, "retention assign: a bypass needs --reason TEXT"};
    for (const std::string& call : calls_)
      if (const Status done = assign(session, call); !done.ok())
        session.report(done.error().within("retain " + call));
    return {};
  }

 private:
  Status assign(Session& session, const std::string& call) {
    HOLDFAST_ASSIGN(path, session.workspace_path({"recordings", call, "retention"}));
    json::object body;
    if (!none_) body["class"] = name_;
    if (bypass_) body["bypass_governance"] = true;
    if (!reason_.empty()) body["reason"] = reason_;
    HOLDFAST_ASSIGN(answer, session.call(none_ ? "DELETE" : "PUT", path, body));
    if (session.json()) return session.print_json(answer.response), Status();
    HOLDFAST_ASSIGN(done, object_of(answer.value, "retention"));
    const json::value* retention = done->if_contains("retention");
    const bool has_class = retention != nullptr && retention->is_object();
    session.print(printable(call) + ": " +
                  (has_class ? retention_words(retention->as_object()) : "no retention"));
    return {};
  }

  std::vector<std::string> calls_;
  std::string name_;
  std::string reason_;
  bool none_ = false;
  bool bypass_ = false;
};

}  // namespace

std::unique_ptr<Command> retention_list_command() {
  return std::make_unique<RetentionListCommand>();
}
std::unique_ptr<Command> retention_set_command() { return std::make_unique<RetentionSetCommand>(); }
std::unique_ptr<Command> retention_default_command() {
  return std::make_unique<RetentionDefaultCommand>();
}
std::unique_ptr<Command> retention_assign_command() {
  return std::make_unique<RetentionAssignCommand>();
}

}  // namespace holdfast::cli
