#include "cli/get_many.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

#include "base/limits.h"
#include "cli/bulk_restore.h"
#include "cli/call_files.h"
#include "cli/growing_pause.h"
#include "cli/listing.h"
#include "cli/progress.h"
#include "cli/words.h"
#include "io/tree.h"

namespace holdfast::cli {
namespace {

constexpr size_t kPerJob = 4;         // calls handed to the workers for each of them
constexpr size_t kPolledAtOnce = 64;  // restores asked after in one round

struct Fetched {
  std::string call;
  Status done;  // kArchived: it is to be asked back
  int64_t bytes = 0;
  bool was_there = false;
};

bool is_readable(const json::object& recording) {
  if (text_of(recording, "tier") == "standard") return true;
  const json::value* restore = recording.if_contains("restore");
  return restore != nullptr && restore->is_object() &&
         text_of(restore->get_object(), "state") == "staged";
}

// Workers that look at calls and fetch what is readable. One thread adds and takes.
class Fetchers {
 public:
  Fetchers(Endpoint endpoint, std::string recordings_path, std::string output, int jobs)
      : endpoint_(std::move(endpoint)),
        recordings_path_(std::move(recordings_path)),
        output_(std::move(output)),
        most_(static_cast<size_t>(jobs) * kPerJob) {
    for (int i = 0; i < jobs; ++i) threads_.emplace_back([this] { work(); });
  }
  ~Fetchers() {
    {
      std::lock_guard lock(mutex_);
      closing_ = true;
      waiting_.clear();
    }
    changed_.notify_all();
    for (std::thread& thread : threads_) thread.join();
  }
  Fetchers(const Fetchers&) = delete;
  Fetchers& operator=(const Fetchers&) = delete;

  bool is_full() const { return out_ >= most_; }
  bool is_idle() const { return out_ == 0; }
  void add(std::string call) {
    ++out_;
    std::lock_guard lock(mutex_);
    waiting_.push_back(std::move(call));
    changed_.notify_all();
  }
  // Waits for one; only when !is_idle().
  Fetched take() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return !done_.empty(); });
    Fetched one = std::move(done_.front());
    done_.pop_front();
    --out_;
    return one;
  }

 private:
  void work() {
    HttpClient client(endpoint_);
    const auto io = Io::open();
    std::unique_lock lock(mutex_);
    for (;;) {
      changed_.wait(lock, [this] { return closing_ || !waiting_.empty(); });
      if (closing_) return;
      Fetched one;
      one.call = std::move(waiting_.front());
      waiting_.pop_front();
      lock.unlock();
      one.done = io.ok() ? fetch(client, **io, one) : Status(io.error());
      lock.lock();
      done_.push_back(std::move(one));
      changed_.notify_all();
    }
  }

  Status fetch(HttpClient& client, Io& io, Fetched& one) {
    const std::string path = recordings_path_ + path_of({one.call});
    HttpRequest ask;
    ask.path = path;
    HOLDFAST_ASSIGN(response, client.request(ask));
    HOLDFAST_ASSIGN(value, response.parsed());
    HOLDFAST_ASSIGN(recording, object_of(value, "recording"));
    HOLDFAST_ASSIGN(wanted, wanted_files(*recording));
    HOLDFAST_ASSIGN(directory, open_output(io, output_ + "/" + one.call, wanted));
    one.was_there = true;
    for (const Wanted& file : wanted) {
      const DownloadTarget target{directory.get(), file.relative(), file.expected};
      HOLDFAST_ASSIGN(there, is_downloaded(io, target));
      one.bytes += file.expected.size.count;
      if (there) continue;
      one.was_there = false;
      // Asking for the bytes of an archived one would begin a recall of its own.
      if (!is_readable(*recording)) return Error{Code::kArchived, "archived"};
      HttpRequest request;
      request.path = path + path_of({"download", file.name});
      HOLDFAST_ASSIGN(got, download(client, io, request, target, nullptr));
    }
    return {};
  }

  const Endpoint endpoint_;
  const std::string recordings_path_;
  const std::string output_;
  const size_t most_;
  size_t out_ = 0;  // added and not taken yet; the adding thread's own
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::string> waiting_;
  std::deque<Fetched> done_;
  bool closing_ = false;
  std::vector<std::thread> threads_;
};

// One run. Thread rule: one thread.
class Run {
 public:
  Run(Session& session, const GetMany& wish, const std::string& recordings_path)
      : session_(session),
        wish_(wish),
        fetchers_(session.client().endpoint(), recordings_path, wish.output, wish.jobs),
        progress_(session.clock(), look_of_stderr(), to_stderr, "get") {}

  Status add(std::string call) {
    if (!is_call_sid(call)) return Error{Code::kInvalid, "not a call's id: " + printable(call)};
    while (fetchers_.is_full()) see(fetchers_.take());
    fetchers_.add(std::move(call));
    if (to_ask_.size() < static_cast<size_t>(limits::kBulkRestoreMax)) return {};
    return ask_back();
  }

  Status finish() {
    drain();
    HOLDFAST_TRY(ask_back());
    const Millis deadline(session_.clock().monotonic().count + wish_.timeout.count);
    GrowingPause pauses(Millis(500), seconds(10));
    while (!asked_.empty() && wish_.wait) {
      const size_t before = asked_.size();
      progress_.waits("archived", fmt::format("{} archived, waited for", before));
      HOLDFAST_TRY(poll());
      drain();
      HOLDFAST_TRY(ask_back());
      if (asked_.empty() || session_.clock().monotonic().count >= deadline.count) break;
      if (asked_.size() < before) pauses.reset();
      std::this_thread::sleep_for(std::chrono::milliseconds(pauses.next().count));
    }
    progress_.end();
    for (const Asked& one : asked_)
      session_.report(
          Error{Code::kArchived, fmt::format("get {}: archived; restore {} is under way", one.call,
                                             printable(one.restore_id))});
    session_.print(session_.json()
                       ? canonical(json::object{{"fetched", fetched_},
                                                {"already", already_},
                                                {"failed", failed_},
                                                {"archived", static_cast<int64_t>(asked_.size())},
                                                {"bytes", bytes_}})
                       : fmt::format("{}: {} fetched, {} there already, {} failed, {} archived, {}",
                                     wish_.output, fetched_, already_, failed_, asked_.size(),
                                     size_in_words(bytes_)));
    return {};
  }

 private:
  struct Asked {
    std::string call;
    std::string restore_id;
  };

  void drain() {
    while (!fetchers_.is_idle()) see(fetchers_.take());
  }

  void fail(const std::string& call, const Error& error) {
    ++failed_;
    session_.report(error.within("get " + printable(call)));
  }

  void see(const Fetched& one) {
    if (!one.done.ok()) {
      if (one.done.error().code == Code::kArchived) return to_ask_.push_back(one.call);
      return fail(one.call, one.done.error());
    }
    ++(one.was_there ? already_ : fetched_);
    bytes_ += one.bytes;
    progress_.at(bytes_, std::nullopt);
  }

  // The archive reads them in one pass when it is asked for all at once.
  Status ask_back() {
    if (to_ask_.empty()) return {};
    HOLDFAST_ASSIGN(path, session_.workspace_path({"restores"}));
    while (!to_ask_.empty()) {
      json::array chunk;
      const size_t count = std::min(to_ask_.size(), static_cast<size_t>(limits::kBulkRestoreMax));
      for (size_t i = 0; i < count; ++i) chunk.emplace_back(to_ask_[i]);
      HOLDFAST_ASSIGN(answer, session_.call("POST", path,
                                            json::object{{"tier", "bulk"}, {"call_sids", chunk}}));
      HOLDFAST_ASSIGN(page, object_of(answer.value, "restore"));
      to_ask_.erase(to_ask_.begin(), to_ask_.begin() + static_cast<ptrdiff_t>(count));
      for (const json::object* item : objects_of(*page, "items")) {
        const std::string call = text_of(*item, "call_sid");
        const std::string restore_id = text_of(*item, "restore_id");
        if (text_of(*item, "state") == "available")
          asked_.push_back({call, ""});  // it came back meanwhile
        else if (restore_id != "-")
          asked_.push_back({call, restore_id});
        else
          fail(call, refusal_of(*item));
      }
    }
    return {};
  }

  // The oldest wishes come first round; what is there is fetched at once.
  Status poll() {
    for (size_t i = std::min(asked_.size(), kPolledAtOnce); i > 0; --i) {
      Asked one = std::move(asked_.front());
      asked_.pop_front();
      std::string state = "staged";
      if (!one.restore_id.empty()) {
        HOLDFAST_ASSIGN(path, session_.workspace_path({"restores", one.restore_id}));
        HOLDFAST_ASSIGN(answer, session_.get(path));
        HOLDFAST_ASSIGN(restore, object_of(answer.value, "restore"));
        state = text_of(*restore, "state");
        if (state == "failed" || state == "cancelled") {
          fail(one.call, Error{Code::kIo, fmt::format("restore {} is {}: {}", one.restore_id, state,
                                                      text_of(*restore, "error"))});
          continue;
        }
      }
      if (state == "queued" || state == "recalling") {
        asked_.push_back(std::move(one));
        continue;
      }
      // Staged; or its keep time is over, and it is looked at and asked for anew.
      while (fetchers_.is_full()) see(fetchers_.take());
      fetchers_.add(std::move(one.call));
    }
    return {};
  }

  Session& session_;
  const GetMany& wish_;
  Fetchers fetchers_;
  Progress progress_;
  std::vector<std::string> to_ask_;
  std::deque<Asked> asked_;
  int64_t fetched_ = 0;
  int64_t already_ = 0;
  int64_t failed_ = 0;
  int64_t bytes_ = 0;
};

}  // namespace

Status get_many(Session& session, const GetMany& wish) {
  HOLDFAST_ASSIGN(path, session.workspace_path({"recordings"}));
  Run run(session, wish, path);
  if (!wish.calls_file.empty()) {
    HOLDFAST_ASSIGN(calls, read_calls(wish.calls_file));
    for (std::string& call : calls) HOLDFAST_TRY(run.add(std::move(call)));
    return run.finish();
  }
  Paging paging;
  paging.limit = limits::kPageItemsMax;
  paging.all = true;
  const auto add_page = [&](const HttpResponse&, const json::object& page) -> Status {
    for (const json::object* item : objects_of(page, "items"))
      HOLDFAST_TRY(run.add(text_of(*item, "call_sid")));
    return {};
  };
  HOLDFAST_TRY(each_page(session, path, wish.filters, paging, add_page));
  return run.finish();
}

}  // namespace holdfast::cli
