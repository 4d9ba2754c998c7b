// holdfast rm: destroy a recording, everywhere and for good.
#include <fmt/format.h>

#include "cli/commands.h"
#include "cli/session.h"
#include "cli/words.h"

namespace holdfast::cli {
namespace {

class RmCommand final : public Command {
 public:
  Lesson lesson() const override {
    return {"rm",
            "Destroy a recording on every tier, for good",
            "Condemns the recording and begins its destruction: every copy on every medium goes,\n"
            "and the same call is refused when it is sent again. What lies in a pack goes when\n"
            "the pack is rewritten. Nothing brings it back. A recording under a legal hold or\n"
            "retention is refused: locked. Needs --yes.",
            {"holdfast rm CA8d1f0c2b --reason \"erasure request 4711\" --yes",
             "holdfast rm CA8d1f0c2b --reason \"erasure request 4711\" --yes --json"}};
  }
  void declare(Arguments& arguments) override {
    arguments.positional("CALL", call_, "The call's id (call_sid)");
    arguments.option("--reason", "TEXT", reason_, "Why, in a sentence", true);
    arguments.flag("--yes", yes_, "Yes, destroy it");
  }

  Status run(Session& session) override {
    if (!yes_)
      return Error{
          Code::kInvalid,
          fmt::format("rm {}: this destroys the recording for good; say so with --yes", call_)};
    HOLDFAST_ASSIGN(path, session.workspace_path({"recordings", call_}));
    auto answer = session.call("DELETE", path, {{"reason", reason_}});
    if (!answer.ok()) return answer.error().within("rm " + call_);
    if (session.json()) return session.print_json(answer->response), Status();
    HOLDFAST_ASSIGN(done, object_of(answer->value, "rm " + call_));
    session.print(fmt::format("{}: {} (recording {})", printable(call_), text_of(*done, "status"),
                              text_of(*done, "recording_id")));
    return {};
  }

 private:
  std::string call_;
  std::string reason_;
  bool yes_ = false;
};

}  // namespace

std::unique_ptr<Command> rm_command() { return std::make_unique<RmCommand>(); }

}  // namespace holdfast::cli
