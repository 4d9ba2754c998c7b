// holdfast backup: a copy of the index and the secrets, now. holdfast rebuild: how an index that
// was lost is made anew.
#include <fmt/format.h>

#include <chrono>
#include <thread>

#include "cli/commands.h"
#include "cli/progress.h"
#include "cli/session.h"
#include "cli/words.h"

namespace holdfast::cli {
namespace {

constexpr Millis kAskEvery{300};

class BackupCommand final : public Command {
 public:
  Lesson lesson() const override {
    return {"backup",
            "Copy the index and the secrets to the backup directory, now",
            "Makes a consistent copy while the archive runs, in [backup] path of the\n"
            "configuration; the daemon makes one every day by itself. With --last it only tells\n"
            "which one is the newest. docs/rebuild.md says how a backup is used.",
            {"holdfast backup", "holdfast backup --last"}};
  }
  void declare(Arguments& arguments) override {
    arguments.flag("--last", last_, "Make none; tell the newest");
  }

  Status run(Session& session) override {
    HOLDFAST_ASSIGN(before, session.get("/v1/backups"));
    if (!last_) {
      HOLDFAST_ASSIGN(asked, session.call("POST", "/v1/backups", {}));
      static_cast<void>(asked);
      auto after = wait(session, last_of(before));
      if (!after.ok()) return after.error();
      before = std::move(after).value();
    }
    if (session.json()) return session.print_json(before.response), Status();
    HOLDFAST_ASSIGN(standing, object_of(before.value, "backups"));
    const json::value* last = standing->if_contains("last");
    if (last == nullptr || !last->is_object()) {
      session.print("There is no backup yet.");
      return {};
    }
    const json::object& backup = last->as_object();
    session.print(fmt::format("{}\n{} of {} UTC, up to decision {}", text_of(backup, "directory"),
                              size_of(backup, "bytes"), time_of(backup, "at"),
                              text_of(backup, "applied_seq")));
    return {};
  }

 private:
  static std::string last_of(const Session::Answer& answer) {
    const json::object* standing = answer.value.if_object();
    if (standing == nullptr) return "";
    const json::value* last = standing->if_contains("last");
    return last == nullptr ? "" : canonical(*last);
  }

  // Until another one is the last, or the try has failed.
  static Result<Session::Answer> wait(Session& session, const std::string& before) {
    Progress progress(session.clock(), look_of_stderr(), to_stderr, "backup");
    bool ran = false;
    while (true) {
      std::this_thread::sleep_for(std::chrono::milliseconds(kAskEvery.count));
      HOLDFAST_ASSIGN(answer, session.get("/v1/backups"));
      HOLDFAST_ASSIGN(standing, object_of(answer.value, "backups"));
      const json::value* running = standing->if_contains("running");
      const bool runs = running != nullptr && running->is_bool() && running->as_bool();
      const auto pages = [&](std::string_view key) {
        const json::value* value = standing->if_contains(key);
        return value != nullptr && value->is_int64() ? value->as_int64() : 0;
      };
      constexpr int64_t kPageBytes = 4096;
      if (pages("pages_all") > 0)
        progress.at(pages("pages_done") * kPageBytes, pages("pages_all") * kPageBytes);
      if (!runs && last_of(answer) != before) return answer;
      const json::value* error = standing->if_contains("error");
      if (!runs && ran && error != nullptr && error->is_string())
        return Error{Code::kIo, "backup: " + std::string(error->as_string())};
      ran |= runs;
    }
  }

  bool last_ = false;
};

class RebuildCommand final : public Command {
 public:
  Lesson lesson() const override {
    return {"rebuild",
            "How an index that was lost is made anew",
            "The index is rebuilt with the daemon stopped, by holdfastd itself, from what the\n"
            "media show and the ledger says. This command tells what to type.",
            {"holdfast rebuild"}};
  }
  void declare(Arguments&) override {}

  Status run(Session& session) override {
    session.print(
        "The index is rebuilt by holdfastd, with the daemon stopped:\n"
        "\n"
        "    systemctl stop holdfastd\n"
        "    holdfastd rebuild\n"
        "    systemctl start holdfastd\n"
        "\n"
        "as the user that the daemon runs as (sudo -u holdfast). --anew sets an index that is\n"
        "there aside; --lost MEDIUM says that a medium is destroyed. It can be killed and goes\n"
        "on where it was. The whole story: /usr/share/doc/holdfast/rebuild.md");
    return {};
  }
};

}  // namespace

std::unique_ptr<Command> backup_command() { return std::make_unique<BackupCommand>(); }
std::unique_ptr<Command> rebuild_command() { return std::make_unique<RebuildCommand>(); }

}  // namespace holdfast::cli
