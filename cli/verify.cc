// holdfast verify: reads copies back from their media, now.
#include <fmt/format.h>

#include <chrono>
#include <thread>

#include "cli/commands.h"
#include "cli/progress.h"
#include "cli/session.h"
#include "cli/table.h"
#include "cli/words.h"

namespace holdfast::cli {
namespace {

constexpr Millis kAskEvery{300};

class VerifyCommand final : public Command {
 public:
  Lesson lesson() const override {
    return {
        "verify",
        "Read copies back from their media and compare them with their digests",
        "Reads every copy of a recording (its call id, or its recording id), of a pack, or on\n"
        "a medium, past the page cache, and tells what it found. A bad copy is quarantined and\n"
        "made anew from another one; --quarantined lists those that are not repaired yet.\n"
        "The archive does the same by itself, once in 30 days. Exit code 1: a copy is bad.",
        {"holdfast verify CA1234", "holdfast verify --pack k4xq2m7ab5cd3efg6hij7klm2q",
         "holdfast verify --medium g2h4j6k3l5z7x2c4v6b3n5m7qe", "holdfast verify --quarantined"}};
  }
  void declare(Arguments& arguments) override {
    arguments.positional("CALL", recording_, "Call id or recording id", false);
    arguments.option("--pack", "ID", pack_, "A pack, on each medium", false, check_id);
    arguments.option("--medium", "ID", medium_, "Everything on a medium", false, check_id);
    arguments.flag("--quarantined", quarantined_, "Verify nothing; list what is bad");
  }

  Status run(Session& session) override {
    const int given = static_cast<int>(!recording_.empty()) + static_cast<int>(!pack_.empty()) +
                      static_cast<int>(!medium_.empty()) + static_cast<int>(quarantined_);
    if (given != 1)
      return Error{Code::kInvalid,
                   "verify: give a CALL, or one of --pack, --medium and --quarantined"};
    if (quarantined_) return list(session);
    HOLDFAST_ASSIGN(body, request(session));
    HOLDFAST_ASSIGN(asked, session.call("POST", "/v1/verifications", body));
    HOLDFAST_ASSIGN(verification, object_of(asked.value, "verification"));
    auto done = wait(session, text_of(*verification, "verification_id"));
    if (!done.ok()) return done.error();
    if (session.json())
      session.print_json(done->response);
    else
      HOLDFAST_TRY(print(session, done->value));
    HOLDFAST_ASSIGN(end, object_of(done->value, "verification"));
    const double bad = number_of(*end, "bad");
    if (bad > 0)
      return Error{Code::kCorrupt, fmt::format("verify: {} bad copies; they are quarantined, and "
                                               "made anew where another copy is good",
                                               static_cast<int64_t>(bad))};
    const json::value* error = end->if_contains("error");
    if (error != nullptr && error->is_string())
      return Error{Code::kIo, "verify: " + std::string(error->as_string())};
    return {};
  }

 private:
  Result<json::object> request(Session& session) {
    if (!pack_.empty()) return json::object{{"pack_id", pack_}};
    if (!medium_.empty()) return json::object{{"medium_id", medium_}};
    if (check_id(recording_).ok()) return json::object{{"recording_id", recording_}};
    HOLDFAST_ASSIGN(path, session.workspace_path({"recordings", recording_}));
    HOLDFAST_ASSIGN(shown, session.get(path));
    HOLDFAST_ASSIGN(recording, object_of(shown.value, "recording"));
    return json::object{{"recording_id", text_of(*recording, "recording_id")}};
  }

  static Result<Session::Answer> wait(Session& session, const std::string& id) {
    Progress progress(session.clock(), look_of_stderr(), to_stderr, "verify");
    while (true) {
      HOLDFAST_ASSIGN(answer, session.get("/v1/verifications/" + id));
      HOLDFAST_ASSIGN(verification, object_of(answer.value, "verification"));
      if (text_of(*verification, "state") == "done") return answer;
      progress.at(static_cast<int64_t>(number_of(*verification, "bytes")), std::nullopt);
      std::this_thread::sleep_for(std::chrono::milliseconds(kAskEvery.count));
    }
  }

  static Status print(Session& session, const json::value& value) {
    HOLDFAST_ASSIGN(verification, object_of(value, "verification"));
    Table table({{"COPY"}, {"TIER"}, {"MEDIUM"}, {"VERDICT"}, {"WHY"}});
    for (const json::object* finding : objects_of(*verification, "findings"))
      table.add({text_of(*finding, "object"), text_of(*finding, "tier"),
                 text_of(*finding, "medium_id"), text_of(*finding, "verdict"),
                 text_of(*finding, "why")});
    table.flush(stdout);
    session.print(fmt::format("{} sound, {} bad, {} could not be read; {} read",
                              text_of(*verification, "sound"), text_of(*verification, "bad"),
                              text_of(*verification, "unproven"), size_of(*verification, "bytes")));
    return {};
  }

  static Status list(Session& session) {
    HOLDFAST_ASSIGN(answer, session.get("/v1/quarantine", {{"limit", "1000"}}));
    if (session.json()) return session.print_json(answer.response), Status();
    HOLDFAST_ASSIGN(page, object_of(answer.value, "quarantine"));
    Table table(
        {{"SINCE"}, {"COPY"}, {"TIER"}, {"TRIES", Table::Align::kRight}, {"REASON"}, {"LAST TRY"}});
    for (const json::object* row : objects_of(*page, "items"))
      table.add({time_of(*row, "at"), text_of(*row, "object"), text_of(*row, "tier"),
                 text_of(*row, "attempts"), text_of(*row, "reason"), text_of(*row, "error")});
    table.flush(stdout);
    return {};
  }

  std::string recording_;
  std::string pack_;
  std::string medium_;
  bool quarantined_ = false;
};

}  // namespace

std::unique_ptr<Command> verify_command() { return std::make_unique<VerifyCommand>(); }

}  // namespace holdfast::cli
