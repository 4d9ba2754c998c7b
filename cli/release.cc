// holdfast release: end one legal hold.
#include <fmt/format.h>

#include "cli/commands.h"
#include "cli/session.h"
#include "cli/words.h"

namespace holdfast::cli {
namespace {

class ReleaseCommand final : public Command {
 public:
  Lesson lesson() const override {
    return {"release",
            "Release one legal hold of a recording",
            "Releases the hold with this id; \"holdfast show CALL\" lists the ids. The recording\n"
            "stays held while another hold is in force. A release weakens protection, so it is\n"
            "acknowledged only when the ledger and its mirror both have it.\n"
            "\n"
            "--matter recovery releases everything that is held because decisions were lost: only\n"
            "an operator may, after a look at docs/rebuild.md.",
            {"holdfast release --matter recovery --reason \"looked at what was lost\"",
             "holdfast release CA8d1f0c2b --hold p4xk2qv7m5n3t6w2y5z7a4b6ca --reason \"settled\"",
             "holdfast release CA8d1f0c2b --hold p4xk2qv7m5n3t6w2y5z7a4b6ca --reason \"dropped\" "
             "--json"}};
  }
  void declare(Arguments& arguments) override {
    arguments.positional("CALL", call_, "The call's id (call_sid)", false);
    arguments.option("--hold", "ID", hold_, "The hold's id", false, check_id);
    arguments.choice("--matter", matter_, {"recovery"}, "Everything that is held for recovery");
    arguments.option("--reason", "TEXT", reason_, "Why, in a sentence", true);
  }

  Status run(Session& session) override {
    if (!matter_.empty()) return release_recovery(session);
    if (call_.empty() || hold_.empty())
      return Error{Code::kInvalid, "release: say CALL and --hold ID, or --matter recovery"};
    HOLDFAST_ASSIGN(path, session.workspace_path({"recordings", call_, "holds", hold_}));
    auto answer = session.call("DELETE", path, {{"reason", reason_}});
    if (!answer.ok()) return answer.error().within(fmt::format("release {} of {}", hold_, call_));
    if (session.json()) return session.print_json(answer->response), Status();
    session.print(fmt::format("{}: hold {} is released", printable(call_), hold_));
    return {};
  }

 private:
  Status release_recovery(Session& session) {
    if (!call_.empty() || !hold_.empty())
      return Error{Code::kInvalid, "release: --matter stands alone"};
    auto answer = session.call("POST", "/v1/recovery/release", {{"reason", reason_}});
    if (!answer.ok()) return answer.error().within("release the matter recovery");
    if (session.json()) return session.print_json(answer->response), Status();
    HOLDFAST_ASSIGN(released, object_of(answer->value, "release"));
    session.print(fmt::format("{} holds of the matter recovery are released",
                              text_of(*released, "released")));
    return {};
  }

  std::string call_;
  std::string matter_;
  std::string hold_;
  std::string reason_;
};

}  // namespace

std::unique_ptr<Command> release_command() { return std::make_unique<ReleaseCommand>(); }

}  // namespace holdfast::cli
