#include "cli/import_run.h"

#include <algorithm>
#include <chrono>
#include <memory>

#include "cli/growing_pause.h"

namespace holdfast::cli {
namespace {

constexpr size_t kWindowPerJob = 4;

}  // namespace

bool stops_import(Code code) {
  return code == Code::kUnavailable || code == Code::kNoSpace || code == Code::kExhausted ||
         code == Code::kUnauthenticated || code == Code::kForbidden;
}

ImportWindow::ImportWindow(Options options, SeeDone see)
    : options_(std::move(options)), see_(std::move(see)) {}

ImportWindow::~ImportWindow() {
  {
    std::lock_guard lock(mutex_);
    closing_ = true;
    for (const SlotPtr& slot : window_) slot->begun = true;  // those that wait are not begun
  }
  changed_.notify_all();
  for (std::thread& worker : workers_) worker.join();
}

Status ImportWindow::start() {
  HOLDFAST_ASSIGN(root, open_root(options_.root));
  root_ = std::move(root);
  for (int i = 0; i < options_.jobs; ++i) workers_.emplace_back([this] { work(); });
  return {};
}

void ImportWindow::work() {
  HttpClient client(options_.endpoint);
  const auto io = Io::open();
  std::unique_lock lock(mutex_);
  for (;;) {
    SlotPtr next;
    changed_.wait(lock, [&] {
      const auto found = std::find_if(window_.begin(), window_.end(),
                                      [](const SlotPtr& slot) { return !slot->begun; });
      if (found != window_.end() && !why_) next = *found;
      return next != nullptr || closing_;
    });
    if (next == nullptr) return;
    next->begun = true;
    lock.unlock();
    Result<Uploaded> outcome =
        io.ok() ? send(client, **io, next->call) : Result<Uploaded>(io.error());
    lock.lock();
    if (!outcome.ok() && stops_import(outcome.error().code) && !why_) why_ = outcome.error();
    next->outcome = std::move(outcome);
    changed_.notify_all();
  }
}

// A daemon that restarts is waited for.
Result<Uploaded> ImportWindow::send(HttpClient& client, Io& io, const ImportCall& call) {
  if (!call.wrong.empty()) return Error{Code::kInvalid, call.wrong};
  Millis left = options_.patience;
  GrowingPause pauses = until_it_is_back();
  for (;;) {
    auto sent = upload_call(client, io, root_, options_.path, call, options_.times);
    if (sent.ok() || sent.error().code != Code::kUnavailable || left.count <= 0) return sent;
    const Millis length = std::min(pauses.next(), left);
    if (!pause(length)) return sent;
    left = Millis(left.count - length.count);
  }
}

// False when nobody waits for the outcome any more.
bool ImportWindow::pause(Millis length) {
  std::unique_lock lock(mutex_);
  return !changed_.wait_for(lock, std::chrono::milliseconds(length.count),
                            [this] { return closing_ || why_.has_value(); });
}

// Those at the window's front that are done. One that the run stopped at is not, nor any after it.
Status ImportWindow::take(std::unique_lock<std::mutex>& lock) {
  while (!window_.empty() && window_.front()->outcome) {
    const SlotPtr first = window_.front();
    if (!first->outcome->ok() && stops_import(first->outcome->error().code)) return {};
    window_.pop_front();
    changed_.notify_all();
    lock.unlock();
    const Status seen = see_(first->call, *first->outcome);
    lock.lock();
    HOLDFAST_TRY(seen);
  }
  return {};
}

Result<bool> ImportWindow::add(ImportCall call) {
  std::unique_lock lock(mutex_);
  for (;;) {
    HOLDFAST_TRY(take(lock));
    if (why_) return false;
    if (window_.size() < kWindowPerJob * static_cast<size_t>(options_.jobs)) break;
    changed_.wait(lock, [&] { return why_ || window_.front()->outcome.has_value(); });
  }
  auto slot = std::make_shared<Slot>();
  slot->call = std::move(call);
  window_.push_back(std::move(slot));
  changed_.notify_all();
  return true;
}

Status ImportWindow::finish() {
  std::unique_lock lock(mutex_);
  for (;;) {
    HOLDFAST_TRY(take(lock));
    const bool idle = std::all_of(window_.begin(), window_.end(), [this](const SlotPtr& slot) {
      return slot->outcome.has_value() || (why_ && !slot->begun);
    });
    if (window_.empty() || (why_ && idle)) return {};
    changed_.wait(lock);
  }
}

}  // namespace holdfast::cli
