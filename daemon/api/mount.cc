// The mount's few questions, on its own socket: may this open be (audit), and
// what changed (invalidations).
#include <algorithm>

#include "base/limits.h"
#include "daemon/api/handlers.h"
#include "index/read/recordings.h"

namespace holdfast::api {
namespace {

constexpr int64_t kWaitSecondsMax = 30;

// Answers when something changed or the time is up.
class ChangesWaiter : public std::enable_shared_from_this<ChangesWaiter> {
 public:
  ChangesWaiter(CallPtr call, int64_t since) : call_(std::move(call)), since_(since) {}

  void start(int64_t wait_seconds) {
    auto self = shared_from_this();
    Loop& loop = call_->services.loop;
    waiting_ = call_->services.archive.changes.wait(
        [self, &loop] { loop.post([self] { self->answer(); }); });
    timer_ = loop.after(seconds(wait_seconds), [self] { self->answer(); });
    // Something may have come between the request and the wait.
    const ChangeFeed::News news = call_->services.archive.changes.since(since_);
    if (news.reset || !news.changes.empty() || wait_seconds == 0) answer();
  }

 private:
  void answer() {
    if (std::exchange(done_, true)) return;
    call_->services.archive.changes.cancel(waiting_);
    timer_.reset();
    const ChangeFeed::News news = call_->services.archive.changes.since(since_);
    json::array changes;
    for (const Change& change : news.changes)
      changes.push_back(json::object{{"recording_no", change.recording_no.value},
                                     {"workspace", change.workspace.text()},
                                     {"day", change.day.path()},
                                     {"call_sid", change.call_sid},
                                     {"kind", holdfast::word(change.kind)}});
    call_->answer(200, json::object{{"run", call_->services.run},
                                    {"seq", news.seq},
                                    {"reset", news.reset},
                                    {"changes", std::move(changes)}});
  }

  CallPtr call_;
  const int64_t since_;
  Timer timer_;
  int64_t waiting_ = 0;
  bool done_ = false;
};

}  // namespace

void mount_open(CallPtr call) {
  with_json_body(std::move(call), [](const CallPtr& caller, const json::object& body) {
    struct Open {
      RecordingNo recording;
      int64_t part = 1;
      std::string file;
      int64_t uid = 0;
      int64_t pid = 0;  // 0: in another pid namespace
    } open;
    const auto parse = [&]() -> Status {
      HOLDFAST_ASSIGN(recording, need_integer(body, "recording_no"));
      HOLDFAST_ASSIGN(part, need_integer(body, "part"));
      HOLDFAST_ASSIGN(file, need_string(body, "file"));
      HOLDFAST_ASSIGN(uid, need_integer(body, "uid"));
      HOLDFAST_ASSIGN(pid, find_integer(body, "pid"));
      open = {RecordingNo(recording), part, file, uid, pid.value_or(0)};
      return {};
    };
    if (Status parsed = parse(); !parsed.ok()) return caller->fail(parsed.error());
    const auto& only = caller->actor.speaks_only_for;
    if (only && static_cast<int64_t>(*only) != open.uid)
      return caller->fail(Error{Code::kForbidden, caller->actor.who +
                                                      " may open files in its own name only; the "
                                                      "mount's user is archive.mount_user"});
    auto recording = find_recording_row(caller->index(), open.recording);
    if (!recording.ok()) return caller->fail(recording.error());
    if (!*recording || (*recording)->state == RecordingState::kDestroying)
      return caller->fail(Error{Code::kNotFound, "there is no such recording"});
    auto files = list_files(caller->index(), open.recording);
    if (!files.ok()) return caller->fail(files.error());
    // The name goes into the ledger: only one that the index knows.
    const bool known = std::any_of(files->begin(), files->end(), [&](const FileRow& file) {
      return file.part == open.part && file.name == open.file;
    });
    if (!known) return caller->fail(Error{Code::kNotFound, "the recording has no such file"});
    LineDraft line{"mount.open",
                   "uid:" + std::to_string(open.uid),
                   (*recording)->recording.text(),
                   {},
                   Weight::kNeutral};
    // `by`: who said so, for the day that somebody doubts it.
    line.details = {{"by", caller->actor.who}, {"file", open.file}, {"part", open.part}};
    if (open.pid > 0) line.details["pid"] = open.pid;
    with_audit(caller, std::move(line),
               [](const CallPtr& audited) { audited->answer(200, json::object()); });
  });
}

void mount_changes(CallPtr call) {
  const int64_t since = call->query_integer("since").value_or(0);
  const int64_t wait = std::min(call->query_integer("wait").value_or(0), kWaitSecondsMax);
  std::make_shared<ChangesWaiter>(std::move(call), since)->start(wait);
}

}  // namespace holdfast::api
