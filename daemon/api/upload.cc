// POST /v1/{workspace_id}/recordings: multipart/form-data, streamed to disk.
//
//   loop: parts of the body ──steps──▶ worker: files in .incoming ──▶ accept ──▶ answer
//
// Bounded: at most kStepsBytesMax wait for the worker, then the connection
// pauses. A worker takes what waits and leaves, so a slow upload holds no worker.
#include <deque>
#include <mutex>

#include "base/limits.h"
#include "base/log.h"
#include "daemon/api/handlers.h"
#include "daemon/api/views.h"
#include "daemon/http/multipart.h"

namespace holdfast::api {
namespace {

constexpr size_t kStepsBytesMax = 1 << 20;
constexpr std::string_view kCallSidField = "call_sid";

// What the worker is to do next.
struct Step {
  enum class Kind { kBegin, kData, kEnd, kAccept, kAbandon } kind;
  std::string text;  // a file's name, or bytes of it
};

// One upload: shared by its sink on the loop and its jobs on the workers.
class Upload : public std::enable_shared_from_this<Upload> {
 public:
  explicit Upload(CallPtr call) : call_(std::move(call)) {}

  // --- Loop thread
  void add(Step step) {
    std::lock_guard lock(mutex_);
    bytes_ += step.text.size();
    steps_.push_back(std::move(step));
  }

  bool is_full() {
    std::lock_guard lock(mutex_);
    paused_ = bytes_ >= kStepsBytesMax;
    return paused_;
  }

  // One job at a time works the steps off.
  void drain() {
    if (busy_ || nothing_waits()) return;
    busy_ = call_->services.workers.submit([self = shared_from_this()](Io& io) { self->work(io); });
    if (!busy_) answer(Error{Code::kUnavailable, "the workers are busy; try again in a moment"});
  }

  // Answers the client; what was received goes.
  void give_up(const Error& error) {
    add({Step::Kind::kAbandon, ""});
    drain();
    answer(error);
  }

  void client_left() {
    answered_ = true;
    add({Step::Kind::kAbandon, ""});
    drain();
  }

  // The form field beside the files; it must come before the upload ends.
  void set_call_sid(std::string call_sid) {
    coming_in_.emplace(
        call_->services.archive.live_calls.add({call_->workspace->workspace, call_sid}));
    std::lock_guard lock(mutex_);
    call_sid_ = std::move(call_sid);
  }

 private:
  bool nothing_waits() {
    std::lock_guard lock(mutex_);
    return steps_.empty();
  }

  void answer(const Error& error) {
    if (!std::exchange(answered_, true)) call_->fail(error);
  }

  void worked(Result<std::optional<Ingested>> outcome) {
    busy_ = false;
    if (!outcome.ok()) return answer(outcome.error());
    if (*outcome) return answer_with(**outcome);
    const bool resume = [&] {
      std::lock_guard lock(mutex_);
      return std::exchange(paused_, false);
    }();
    if (resume && !answered_) call_->exchange->resume_body();
    drain();
  }

  void answer_with(const Ingested& ingested) {
    json::array files;
    for (const FileRow& file : ingested.files) files.push_back(file_view(file));
    const bool same = ingested.verdict == IngestVerdict::kSame;
    if (std::exchange(answered_, true)) return;
    call_->answer(same ? 200 : 201, json::object{{"call_sid", ingested.call_sid},
                                                 {"recording_id", ingested.recording.text()},
                                                 {"recording_no", ingested.recording_no.value},
                                                 {"part", ingested.part},
                                                 {"status", same ? "unchanged" : "stored"},
                                                 {"files", std::move(files)},
                                                 {"flags", flags_view(ingested.flags)}});
  }

  // --- Worker
  void work(Io& io) {
    Result<std::optional<Ingested>> outcome = std::optional<Ingested>();
    while (std::optional<Step> step = take()) {
      outcome =
          done_ ? Result<std::optional<Ingested>>(std::optional<Ingested>()) : do_step(io, *step);
      if (!outcome.ok()) {
        drop_draft(io);
        break;
      }
      if (*outcome) break;
    }
    auto kept = std::make_shared<Result<std::optional<Ingested>>>(std::move(outcome));
    call_->services.loop.post(
        [self = shared_from_this(), kept] { self->worked(std::move(*kept)); });
  }

  std::optional<Step> take() {
    std::lock_guard lock(mutex_);
    if (steps_.empty()) return std::nullopt;
    Step step = std::move(steps_.front());
    steps_.pop_front();
    bytes_ -= step.text.size();
    return step;
  }

  Result<std::optional<Ingested>> do_step(Io& io, const Step& step) {
    Ingest& ingest = call_->services.ingest;
    if (!draft_ && step.kind != Step::Kind::kAbandon) {
      HOLDFAST_ASSIGN(begun, ingest.begin(io, IngestRequest{call_->workspace->workspace, "",
                                                            call_->actor.who}));
      draft_ = std::move(begun);
    }
    switch (step.kind) {
      case Step::Kind::kBegin: {
        HOLDFAST_ASSIGN(created,
                        draft_->writer().create(io, step.text, Bytes(limits::kFileBytesMax)));
        file_ = std::move(created);
        break;
      }
      case Step::Kind::kData:
        HOLDFAST_TRY(ingest.room());
        HOLDFAST_TRY(file_->append(io, as_bytes(step.text)));
        break;
      case Step::Kind::kEnd: {
        HOLDFAST_ASSIGN(finished, file_->finish(io));
        file_.reset();
        break;
      }
      case Step::Kind::kAccept: {
        {
          std::lock_guard lock(mutex_);
          draft_->set_call_sid(call_sid_);
        }
        done_ = true;
        HOLDFAST_ASSIGN(ingested, ingest.accept(io, std::move(draft_)));
        return std::optional<Ingested>(std::move(ingested));
      }
      case Step::Kind::kAbandon:
        drop_draft(io);
        break;
    }
    return std::optional<Ingested>();
  }

  void drop_draft(Io& io) {
    done_ = true;
    file_.reset();
    if (!draft_) return;
    if (Status dropped = call_->services.ingest.abandon(io, std::move(draft_)); !dropped.ok())
      log::warning("upload: leave an unfinished entry in .incoming: {}", dropped.error().message);
  }

  CallPtr call_;
  bool busy_ = false;                         // loop thread only
  bool answered_ = false;                     // loop thread only
  std::optional<LiveCalls::Live> coming_in_;  // loop thread only
  std::mutex mutex_;
  std::deque<Step> steps_;
  size_t bytes_ = 0;
  bool paused_ = false;
  std::string call_sid_;
  // Worker only; the jobs of one upload follow one another.
  bool done_ = false;
  std::unique_ptr<IngestDraft> draft_;
  std::unique_ptr<FileWriter> file_;
};

class UploadSink final : public http::PartSink {
 public:
  explicit UploadSink(CallPtr call) : upload_(std::make_shared<Upload>(std::move(call))) {}

  Status on_part(const http::PartHead& head) override {
    in_field_ = !head.filename && head.name == kCallSidField;
    field_.clear();
    if (in_field_) return {};
    // curl -F file=@inbound.ulaw gives a filename; a part without one is named by its field.
    const std::string& name = head.filename ? *head.filename : head.name;
    if (!is_file_name(name) || is_reserved_file_name(name))
      return Error{
          Code::kInvalid,
          "\"" + name +
              "\" cannot be a file's name: 1 to 128 of A-Z a-z 0-9 . _ -, no leading dot, and "
              "none of the reserved names"};
    upload_->add({Step::Kind::kBegin, name});
    return {};
  }

  Status on_data(ByteSpan data) override {
    if (!in_field_) {
      upload_->add({Step::Kind::kData, std::string(as_text(data))});
      return {};
    }
    field_ += as_text(data);
    if (field_.size() > limits::kCallSidBytesMax)
      return Error{Code::kInvalid, "\"call_sid\" is too long"};
    return {};
  }

  Status on_part_end() override {
    if (!in_field_) {
      upload_->add({Step::Kind::kEnd, ""});
      return {};
    }
    if (!is_call_sid(field_))
      return Error{Code::kInvalid, "\"call_sid\" must be 1 to 128 of A-Z a-z 0-9 . _ : -"};
    upload_->set_call_sid(field_);
    return {};
  }

  void on_end() override {
    upload_->add({Step::Kind::kAccept, ""});
    upload_->drain();
  }
  void on_refused(const Error& error) override { upload_->give_up(error); }
  void on_error(const Error&) override { upload_->client_left(); }
  bool wants_pause() override {
    upload_->drain();
    return upload_->is_full();
  }

 private:
  std::shared_ptr<Upload> upload_;
  bool in_field_ = false;
  std::string field_;
};

}  // namespace

void upload(CallPtr call) {
  const auto type = call->request().headers.find("content-type");
  const Result<std::string> boundary = http::boundary_of(type.value_or(""));
  if (!boundary.ok()) return call->fail(boundary.error());
  constexpr int64_t kUploadBytesMax = limits::kFileBytesMax;
  auto sink = http::make_multipart_sink(*boundary, std::make_unique<UploadSink>(call));
  call->exchange->stream_body(kUploadBytesMax, std::move(sink));
}

}  // namespace holdfast::api
