// holdfast get: a recording's files, whole and proven, in a directory.
//
//   listed → (file asked → bytes | archived → waited for → asked again)* → done
//
// A file that lies there already with the right bytes is left alone, so that an interrupted get
// is continued by the same line.
#include <fmt/format.h>

#include <algorithm>

#include "base/config.h"
#include "cli/call_files.h"
#include "cli/commands.h"
#include "cli/get_many.h"
#include "cli/progress.h"
#include "cli/recording_query.h"
#include "cli/session.h"
#include "cli/waiting.h"
#include "cli/words.h"
#include "client/download.h"
#include "io/io.h"
#include "io/tree.h"

namespace holdfast::cli {
namespace {

class GetCommand final : public Command {
 public:
  Lesson lesson() const override {
    return {"get",
            "Download a recording's files and prove them",
            "Writes the files to --output (a directory, made when missing; the call's id when\n"
            "absent). Each one is compared with its SHA-256 and appears whole or not at all;\n"
            "what is there already is not fetched again. Files of later parts go to +2/, +3/.\n"
            "An archived recording is asked back: get tells when it may be expected and ends\n"
            "with the exit code of \"archived\", or with --wait stays until it is there.\n"
            "With --calls FILE, or the filters of ls, many: each to a directory of its call's id\n"
            "below --output, several at once. Archived ones are asked back in bulk and fetched as\n"
            "they come (--no-wait: left). What fails is reported and the others go on.",
            {"holdfast get CA8d1f0c2b -o ./calls/CA8d1f0c2b",
             "holdfast get --from 2026-01-01T00:00:00Z --tag billing -o ./january",
             "holdfast get CA8d1f0c2b inbound.ulaw --wait --timeout 3h"}};
  }
  void declare(Arguments& arguments) override {
    arguments.positional("CALL", call_, "The call's id (call_sid)", false);
    arguments.positionals("FILE", files_, "Only these files, such as inbound.ulaw", false);
    arguments.option("-o,--output", "DIR", output_, "The directory to write to");
    arguments.flag("--wait", wait_, "Wait for an archived recording");
    arguments.option("--timeout", "TIME", timeout_, "Wait at most this long [12h]", false,
                     check_duration);
    arguments.option("--calls", "FILE", calls_file_,
                     "Many: the call ids in FILE, one a line; \"-\" is standard input");
    arguments.number("--jobs", "N", jobs_, 1, 32, "Of many, calls fetched at one time [4]");
    arguments.flag("--no-wait", no_wait_, "Of many, ask archived ones back and leave them");
    query_.declare(arguments);
  }

  Status run(Session& session) override {
    const int sources = !call_.empty() + !calls_file_.empty() + !query_.given().empty();
    if (sources != 1)
      return Error{Code::kInvalid, "get: give a CALL, --calls FILE or filters, one of them"};
    if (call_.empty()) {
      HOLDFAST_ASSIGN(timeout, parse_duration(timeout_));
      return get_many(session, {calls_file_, query_.given(), output_.empty() ? "." : output_,
                                static_cast<int>(jobs_), !no_wait_, timeout});
    }
    const Status done = get(session);
    return done.ok() ? done : done.error().within("get " + call_);
  }

 private:
  Status get(Session& session) {
    if (!is_call_sid(call_))
      return Error{Code::kInvalid, "a call's id is 1 to 128 of A-Z a-z 0-9 . _ : -"};
    HOLDFAST_ASSIGN(path, session.workspace_path({"recordings", call_}));
    HOLDFAST_ASSIGN(answer, session.get(path));
    HOLDFAST_ASSIGN(recording, object_of(answer.value, "recording"));
    HOLDFAST_ASSIGN(wanted, choose(*recording));
    HOLDFAST_ASSIGN(io, Io::open());
    HOLDFAST_ASSIGN(directory, open_output(*io, directory_name(), wanted));
    Bytes total;
    for (const Wanted& file : wanted) {
      HOLDFAST_TRY(fetch(session, *io, directory.get(), file));
      total += file.expected.size;
    }
    if (session.json())
      session.print_json(answer.response);
    else
      session.print(fmt::format("{}: {} files, {}, in {}", call_, wanted.size(),
                                size_in_words(total.count), directory_name()));
    return {};
  }

  std::string directory_name() const { return output_.empty() ? call_ : output_; }

  Result<std::vector<Wanted>> choose(const json::object& recording) const {
    HOLDFAST_ASSIGN(all, wanted_files(recording));
    if (files_.empty()) return all;
    std::vector<Wanted> chosen;
    for (const std::string& name : files_) {
      const auto found = std::find_if(all.begin(), all.end(), [&name](const Wanted& file) {
        return file.name == name || file.relative() == name;
      });
      if (found == all.end()) {
        std::string there;
        for (const Wanted& file : all) there += " " + file.relative();
        return Error{Code::kNotFound,
                     fmt::format("there is no file {}; there are:{}", name, there)};
      }
      chosen.push_back(*found);
    }
    return chosen;
  }

  Status fetch(Session& session, Io& io, int directory_fd, const Wanted& file) {
    HOLDFAST_ASSIGN(path, session.workspace_path({"recordings", call_, "download", file.name}));
    HttpRequest request;
    request.path = path;
    const DownloadTarget target{directory_fd, file.relative(), file.expected};
    Progress progress(session.clock(), look_of_stderr(), to_stderr,
                      fmt::format("{} {}", call_, file.relative()));
    request.on_transfer = [&](int64_t, int64_t received) {
      progress.at(received, file.expected.size.count);
    };
    HttpResponse archived;
    auto got = download(session.client(), io, request, target, &archived);
    if (!got.ok() && got.error().code == Code::kArchived) {
      HOLDFAST_TRY(wait(session, archived));
      got = download(session.client(), io, request, target, nullptr);
    }
    if (!got.ok()) return got.error();
    return {};
  }

  // Until the recording is back; kArchived at once without --wait.
  Status wait(Session& session, const HttpResponse& archived) const {
    HOLDFAST_ASSIGN(value, archived.parsed());
    HOLDFAST_ASSIGN(answer, object_of(value, "restore"));
    HOLDFAST_ASSIGN(restore_id, restore_id_of(*answer));
    if (!wait_) {
      if (session.json()) session.print_json(archived);
      return Error{Code::kArchived,
                   fmt::format("archived {}; restore {} is under way: ask again later, or with "
                               "--wait",
                               restore_in_words(*answer), restore_id)};
    }
    HOLDFAST_ASSIGN(timeout, parse_duration(timeout_));
    HOLDFAST_TRY(wait_for_restore(session, call_, restore_id, timeout));
    return {};
  }

  std::string call_;
  std::vector<std::string> files_;
  std::string output_;
  bool wait_ = false;
  std::string calls_file_;
  RecordingQuery query_;
  int64_t jobs_ = 4;
  bool no_wait_ = false;
  std::string timeout_ = "12h";  // the bound promised for cold
};

}  // namespace

std::unique_ptr<Command> get_command() { return std::make_unique<GetCommand>(); }

}  // namespace holdfast::cli
