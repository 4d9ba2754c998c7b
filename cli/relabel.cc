// holdfast relabel: a wrong agent, a wrong attribute or a wrong workspace, put right.
#include <fmt/format.h>

#include "cli/commands.h"
#include "cli/session.h"
#include "cli/words.h"

namespace holdfast::cli {
namespace {

// "tags=[\"vip\"]", "consent=false", "to=+4930": JSON where it is JSON, else text.
Status add_attribute(const std::string& text, json::object& attributes) {
  const size_t equals = text.find('=');
  if (equals == std::string::npos || equals == 0)
    return Error{Code::kInvalid, fmt::format("--set {}: expected KEY=VALUE", printable(text))};
  const std::string value = text.substr(equals + 1);
  auto parsed = parse_json(value);
  // null would remove the key; that is what --unset is for.
  const bool is_json = parsed.ok() && !parsed->is_null() && !parsed->is_number();
  attributes[text.substr(0, equals)] = is_json ? *std::move(parsed) : json::value(value);
  return {};
}

class RelabelCommand final : public Command {
 public:
  Lesson lesson() const override {
    return {
        "relabel",
        "Put right which agent, attributes or workspace a recording has",
        "Overrides what the recording's metadata says, by a decision in the ledger; the files\n"
        "stay as they were recorded. --set and --unset change attributes such as tags, consent,\n"
        "from and to; VALUE is JSON where it reads as a list, an object, true or false, and\n"
        "text otherwise. --to-workspace moves the recording to another tenant, which only an\n"
        "operator may do: its holds and restores go along, its old links end, and nothing of\n"
        "this call is taken in the old workspace any more.",
        {"holdfast relabel CA8d1f0c2b --agent 0191e1f0-7b1a-7cc3-8f00-1234567890ab "
         "--reason \"wrong queue\"",
         "holdfast relabel CA8d1f0c2b --set consent=false --unset campaign "
         "--reason \"letter of 2026-11-20\""}};
  }
  void declare(Arguments& arguments) override {
    arguments.positional("CALL", call_, "The call's id (call_sid)");
    arguments.option("--agent", "UUID", agent_, "The agent that handled the call, or \"none\"");
    arguments.repeated("--set", "KEY=VALUE", set_, "An attribute and its value");
    arguments.repeated("--unset", "KEY", unset_, "An attribute that goes");
    arguments.option("--to-workspace", "UUID", to_workspace_,
                     "The workspace it belongs to from now on");
    arguments.option("--reason", "TEXT", reason_, "Why, in a sentence");
  }

  Status run(Session& session) override {
    const Status done = relabel(session);
    return done.ok() ? done : done.error().within("relabel " + call_);
  }

 private:
  Result<json::object> wish() const {
    json::object body;
    if (reason_.empty()) return Error{Code::kInvalid, "a relabel needs --reason TEXT"};
    body["reason"] = reason_;
    if (agent_ == "none")
      body["service_id"] = nullptr;
    else if (!agent_.empty())
      body["service_id"] = agent_;
    json::object attributes;
    for (const std::string& text : set_) HOLDFAST_TRY(add_attribute(text, attributes));
    for (const std::string& key : unset_) {
      if (attributes.contains(key))
        return Error{Code::kInvalid, fmt::format("{} is both set and unset", printable(key))};
      attributes[key] = nullptr;
    }
    if (!attributes.empty()) body["attributes"] = std::move(attributes);
    if (!to_workspace_.empty()) body["workspace_id"] = to_workspace_;
    if (body.size() == 1)
      return Error{Code::kInvalid, "say what is wrong: --agent, --set, --unset or --to-workspace"};
    return body;
  }

  Status relabel(Session& session) {
    HOLDFAST_ASSIGN(body, wish());
    HOLDFAST_ASSIGN(path, session.workspace_path({"recordings", call_}));
    HOLDFAST_ASSIGN(answer, session.call("PATCH", path, body));
    if (session.json()) return session.print_json(answer.response), Status();
    HOLDFAST_ASSIGN(recording, object_of(answer.value, "recording"));
    session.print(fmt::format("{}: {}, recording {} of workspace {}", printable(call_),
                              text_of(*recording, "status"), text_of(*recording, "recording_id"),
                              text_of(*recording, "workspace_id")));
    return {};
  }

  std::string call_;
  std::string agent_;
  std::vector<std::string> set_;
  std::vector<std::string> unset_;
  std::string to_workspace_;
  std::string reason_;
};

}  // namespace

std::unique_ptr<Command> relabel_command() { return std::make_unique<RelabelCommand>(); }

}  // namespace holdfast::cli
