// holdfast import: the tree of another recorder becomes recordings.
//
//   counted → (found unfinished | added) → walked and sent → finished
//                                            ↘ stopped: running, goes on by the same line
//
// The tree is read and never changed. What was done is kept by the daemon (an import and its
// cursor), so that the same line goes on where the last one was, wherever it was killed.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <functional>
#include <thread>
#include <utility>

#include "base/config.h"
#include "base/limits.h"
#include "cli/commands.h"
#include "cli/growing_pause.h"
#include "cli/import_report.h"
#include "cli/import_run.h"
#include "cli/progress.h"
#include "cli/session.h"
#include "cli/words.h"
#include "io/digest.h"

namespace holdfast::cli {
namespace {

constexpr Millis kTellEvery = seconds(1);
constexpr int64_t kJobsMax = 32;

class ImportCommand final : public Command {
 public:
  Lesson lesson() const override {
    return {
        "import",
        "Bring in a tree of recordings that another recorder made",
        "Reads DIR in a stable order, finds the call of each file by --pattern or --layout and\n"
        "stores each call as put does, several at a time. A call without metadata.json gets\n"
        "one of what its path says. The tree is never changed. What is stored already is no\n"
        "error; a call that is refused is reported and the others go on. After an\n"
        "interruption the same line goes on where it was. --dry-run only tells what would be\n"
        "done: calls, bytes, and the files that no call was found for.",
        {"holdfast import /var/spool/asterisk/monitor --layout asterisk-monitor --dry-run",
         "holdfast import /mnt/old --pattern '{yyyy}/{mm}/{dd}/{call}_{channel}.{ext}' "
         "--times mtime --report failures.jsonl"}};
  }
  void declare(Arguments& arguments) override {
    arguments.positional("DIR", root_, "The tree's root");
    arguments.option("--pattern", "PATTERN", pattern_, "How paths below it name calls");
    arguments.choice("--layout", layout_, ImportPattern::layouts(), "The pattern of a recorder");
    arguments.choice("--times", times_, {"path", "day", "mtime"},
                     "What tells when a call was: its path; its path's day alone; when its files "
                     "were last written to [path]");
    arguments.flag("--dry-run", dry_run_, "Tell what would be done; ask the daemon nothing");
    arguments.number("--jobs", "N", jobs_, 1, kJobsMax, "Calls sent at one time [4]");
    arguments.option("--label", "TEXT", label_, "A name for the import, without personal data");
    arguments.option("--resume", "ID", resume_, "Go on with this import", false, check_id);
    arguments.flag("--new", new_, "Begin anew: an unfinished import of this tree is cancelled");
    arguments.option("--report", "FILE", report_file_,
                     "Write what was not imported to FILE, one JSON object a line");
    arguments.option("--patience", "TIME", patience_,
                     "How long a daemon that does not answer is asked again [30s]", false,
                     check_duration);
  }

  Status run(Session& session) override {
    if (pattern_.empty() == layout_.empty())
      return Error{Code::kInvalid, "import: give --pattern or --layout, one of them"};
    HOLDFAST_ASSIGN(pattern, layout_.empty() ? ImportPattern::parse(pattern_)
                                             : ImportPattern::of_layout(layout_));
    HOLDFAST_ASSIGN(io, Io::open());
    WalkQuestion question{root_, pattern, "", {}};
    // A dry run asks nothing unless the pattern needs to know which workspace is ours.
    if (!dry_run_ || pattern.has(Field::kWorkspace)) {
      HOLDFAST_ASSIGN(text, session.workspace());
      HOLDFAST_ASSIGN(workspace, WorkspaceId::from_text(text));
      question.workspace = workspace.text();
    }
    if (dry_run_) return rehearse(session, *io, question);
    HOLDFAST_TRY(patiently([&] { return begin(session, pattern); }));
    const bool goes_on = !cursor_.empty();
    if (goes_on) {
      HOLDFAST_ASSIGN(place, ImportPlace::from_text(cursor_));
      question.after = std::move(place);
    }
    HOLDFAST_ASSIGN(report, ImportReport::open(report_file_, goes_on));
    report_ = std::move(report);
    if (!calls_total_) HOLDFAST_TRY(count(*io, question));
    const Status done = send_all(session, *io, question);
    return done.ok() ? done : done.error().within("import " + id_);
  }

 private:
  struct Counted {
    int64_t calls = 0;
    int64_t wrong = 0;
    int64_t bytes = 0;
  };

  Times times() const {
    return times_ == "mtime" ? Times::kMtime : times_ == "day" ? Times::kDay : Times::kPath;
  }

  // --- Without the daemon

  Status rehearse(Session& session, Io& io, const WalkQuestion& question) {
    HOLDFAST_ASSIGN(report, ImportReport::open(report_file_, false));
    Counted counted;
    const WalkSight sight{[&](ImportCall&& call) -> Result<bool> {
                            const auto metadata = metadata_of(call, times());
                            if (call.wrong.empty() && !metadata.ok())
                              call.wrong = metadata.error().message;
                            if (call.wrong.empty()) {
                              ++counted.calls;
                              counted.bytes += call.bytes.count;
                            } else {
                              ++counted.wrong;
                              report->failed(session, call, Error{Code::kInvalid, call.wrong});
                            }
                            return true;
                          },
                          [&](const std::string& path, Left why, const std::string& detail) {
                            report->left(session, path, why, detail);
                          }};
    HOLDFAST_TRY(walk_tree(io, question, sight));
    report->end(session);
    if (session.json()) {
      json::object answer{{"calls", counted.calls},
                          {"bytes", counted.bytes},
                          {"calls_wrong", counted.wrong},
                          {"files_left", report->counts()}};
      session.print(canonical(answer));
    } else {
      session.print(fmt::format("{}: would import {} calls, {}{}", root_, counted.calls,
                                size_in_words(counted.bytes), report->in_words()));
    }
    return report->close();
  }

  Status count(Io& io, const WalkQuestion& question) {
    Counted counted;
    const WalkSight sight{[&](ImportCall&& call) -> Result<bool> {
                            ++counted.calls;
                            counted.bytes += call.bytes.count;
                            return true;
                          },
                          [](const std::string&, Left, const std::string&) {}};
    HOLDFAST_TRY(walk_tree(io, question, sight));
    // What was done before the cursor is a part of it.
    calls_total_ = counted.calls + counts_.done;
    bytes_total_ = counted.bytes + counts_.bytes;
    return {};
  }

  // --- The import that the daemon keeps

  // A daemon that is away is asked again, for as long as --patience says.
  Status patiently(const std::function<Status()>& ask) const {
    HOLDFAST_ASSIGN(left, parse_duration(patience_));
    GrowingPause pauses = until_it_is_back();
    for (;;) {
      Status done = ask();
      if (done.ok() || done.error().code != Code::kUnavailable || left.count <= 0) return done;
      const Millis pause = std::min(pauses.next(), left);
      std::this_thread::sleep_for(std::chrono::milliseconds(pause.count));
      left = Millis(left.count - pause.count);
    }
  }

  // Tree, pattern and times, so that the same line finds its own import. A digest, since the
  // path of a tree may name somebody.
  Result<std::string> source_mark(const ImportPattern& pattern) const {
    std::error_code failure;
    const std::string path = std::filesystem::canonical(root_, failure).string();
    if (failure) return system_error(failure.value(), "find " + root_);
    return sha256(path + "\n" + pattern.text() + "\n" + times_).hex();
  }

  Status begin(Session& session, const ImportPattern& pattern) {
    HOLDFAST_ASSIGN(mark, source_mark(pattern));
    HOLDFAST_ASSIGN(path, session.workspace_path({"imports"}));
    if (!resume_.empty()) {
      HOLDFAST_ASSIGN(own, session.workspace_path({"imports", resume_}));
      HOLDFAST_ASSIGN(answer, session.get(own));
      HOLDFAST_ASSIGN(import, object_of(answer.value, "import"));
      if (text_of(*import, "source") != mark)
        return Error{Code::kConflict, "import " + resume_ +
                                          " is of another DIR, pattern or --times: it cannot go on "
                                          "with these"};
      if (text_of(*import, "state") != "running")
        return Error{Code::kConflict, "import " + resume_ + " is " + text_of(*import, "state")};
      return take(session, *import);
    }
    const std::string limit = std::to_string(limits::kPageItemsMax);
    HOLDFAST_ASSIGN(answer, session.get(path, {{"state", "running"}, {"limit", limit}}));
    HOLDFAST_ASSIGN(page, object_of(answer.value, "imports"));
    for (const json::object* import : objects_of(*page, "items")) {
      if (text_of(*import, "source") != mark) continue;
      if (!new_) return take(session, *import);
      HOLDFAST_ASSIGN(own, session.workspace_path({"imports", text_of(*import, "import_id")}));
      HOLDFAST_ASSIGN(cancelled, session.call("PATCH", own, json::object{{"state", "cancelled"}}));
    }
    HOLDFAST_ASSIGN(added,
                    session.call("POST", path, json::object{{"label", label_}, {"source", mark}}));
    HOLDFAST_ASSIGN(import, object_of(added.value, "import"));
    return take(session, *import);
  }

  Status take(Session& session, const json::object& import) {
    HOLDFAST_ASSIGN(id, need_string(import, "import_id"));
    HOLDFAST_ASSIGN(cursor, find_string(import, "cursor"));
    HOLDFAST_ASSIGN(calls, find_integer(import, "calls_total"));
    HOLDFAST_ASSIGN(bytes, find_integer(import, "bytes_total"));
    HOLDFAST_ASSIGN(own, session.workspace_path({"imports", id}));
    const auto number = [&](std::string_view key) {
      return static_cast<int64_t>(number_of(import, key));
    };
    id_ = id;
    own_path_ = own;
    cursor_ = cursor.value_or("");
    calls_total_ = calls;
    bytes_total_ = bytes;
    counts_ = {number("calls_done"), number("calls_stored"), number("calls_already"),
               number("calls_failed"), number("bytes_done")};
    if (!cursor_.empty() && !session.json())
      session.remark(fmt::format("import {} goes on behind {}", id_, cursor_));
    return {};
  }

  // Says how far it is. A daemon that is away is told the next time: nothing depends on it.
  Status tell(Session& session, const std::string& state, const std::string& error) {
    json::object body{{"calls_stored", counts_.stored},
                      {"calls_already", counts_.already},
                      {"calls_failed", counts_.failed},
                      {"bytes_done", counts_.bytes},
                      {"cursor", cursor_},
                      {"error", error.substr(0, limits::kReasonBytesMax)}};
    if (calls_total_) body["calls_total"] = *calls_total_;
    if (bytes_total_) body["bytes_total"] = *bytes_total_;
    if (state != "running") body["state"] = state;
    told_at_ = session.clock().monotonic();
    auto answer = session.call("PATCH", own_path_, body);
    if (answer.ok()) {
      last_answer_ = answer->response;
      return {};
    }
    const bool later = state == "running" && answer.error().code == Code::kUnavailable;
    if (later) return {};
    return answer.error().within("tell of the progress");
  }

  // An answer that was lost may have been a yes.
  Status finish(Session& session) {
    bool asked = false;
    return patiently([&]() -> Status {
      if (std::exchange(asked, true)) {
        HOLDFAST_ASSIGN(answer, session.get(own_path_));
        HOLDFAST_ASSIGN(import, object_of(answer.value, "import"));
        last_answer_ = answer.response;
        if (text_of(*import, "state") == "finished") return {};
      }
      return tell(session, "finished", "");
    });
  }

  // --- With it

  Status send_all(Session& session, Io& io, const WalkQuestion& question) {
    HOLDFAST_ASSIGN(path, session.workspace_path({"recordings"}));
    HOLDFAST_ASSIGN(patience, parse_duration(patience_));
    Progress progress(session.clock(), look_of_stderr(), to_stderr, root_);
    HOLDFAST_TRY(tell(session, "running", ""));
    ImportWindow window(
        {session.client().endpoint(), root_, path, times(), static_cast<int>(jobs_), patience},
        [&](const ImportCall& call, const Result<Uploaded>& outcome) {
          return saw(session, progress, call, outcome);
        });
    HOLDFAST_TRY(window.start());
    const WalkSight sight{[&](ImportCall&& call) { return window.add(std::move(call)); },
                          [&](const std::string& left_path, Left why, const std::string& detail) {
                            report_->left(session, left_path, why, detail);
                          }};
    const Status walked = walk_tree(io, question, sight);
    const Status finished = window.finish();
    progress.end();
    report_->end(session);
    HOLDFAST_TRY(finished);
    HOLDFAST_TRY(report_->close());
    if (!walked.ok() || window.why()) {
      const Error why = walked.ok() ? *window.why() : walked.error();
      const Status told = tell(session, "running", why.message);
      if (!told.ok()) session.report(told.error());
      return Error{why.code, why.message + fmt::format("; {} calls are done, and the same line "
                                                       "goes on from there",
                                                       counts_.done)};
    }
    HOLDFAST_TRY(finish(session));
    if (session.json()) return session.print_json(last_answer_), Status();
    session.print(
        fmt::format("{}: import {}: {} calls ({} stored, {} already there, {} failed), "
                    "{}{}",
                    root_, id_, counts_.done, counts_.stored, counts_.already, counts_.failed,
                    size_in_words(counts_.bytes), report_->in_words()));
    return {};
  }

  Status saw(Session& session, Progress& progress, const ImportCall& call,
             const Result<Uploaded>& outcome) {
    ++counts_.done;
    counts_.bytes += call.bytes.count;
    if (!outcome.ok()) {
      ++counts_.failed;
      report_->failed(session, call, outcome.error());
    } else if (outcome->was_there) {
      ++counts_.already;
    } else {
      ++counts_.stored;
    }
    cursor_ = call.place.text();
    progress.at(counts_.bytes, bytes_total_);
    if (session.clock().monotonic().count - told_at_.count < kTellEvery.count) return {};
    return tell(session, "running", "");
  }

  std::string root_;
  std::string pattern_;
  std::string layout_;
  std::string times_ = "path";
  bool dry_run_ = false;
  int64_t jobs_ = 4;
  std::string label_;
  std::string resume_;
  bool new_ = false;
  std::string report_file_;
  std::string patience_ = "30s";

  std::string id_;
  std::string own_path_;
  std::string cursor_;
  std::optional<int64_t> calls_total_;
  std::optional<int64_t> bytes_total_;
  ImportCounts counts_;
  Millis told_at_{0};
  HttpResponse last_answer_;
  std::unique_ptr<ImportReport> report_;
};

}  // namespace

std::unique_ptr<Command> import_command() { return std::make_unique<ImportCommand>(); }

}  // namespace holdfast::cli
