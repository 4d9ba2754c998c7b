// An import under way: several uploads in flight, their results taken in the order of the tree.
//
//   walked → in the window ──workers──▶ sent → taken in order → told to the daemon now and then
//
// The cursor is the last call of which it and all before it are done. So a run that is killed at
// any instant sends at most the window and what was not told yet once more, and the archive
// answers that it has them.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>

#include "base/clock.h"
#include "cli/import_upload.h"

namespace holdfast::cli {

// What the daemon keeps of an import, and we tell it.
struct ImportCounts {
  int64_t done = 0;
  int64_t stored = 0;
  int64_t already = 0;
  int64_t failed = 0;
  int64_t bytes = 0;
};

// Thread rule: one thread calls; the workers are its own.
class ImportWindow {
 public:
  struct Options {
    Endpoint endpoint;
    std::string root;
    std::string path;  // of the daemon: POST sends a recording
    Times times = Times::kPath;
    int jobs = 4;
    Millis patience{0};  // how long a daemon that is away is asked again
  };
  // Sees each call when its turn comes: an error of its own, or nothing, and whether it was there.
  using SeeDone = std::function<Status(const ImportCall& call, const Result<Uploaded>& outcome)>;

  ImportWindow(Options options, SeeDone see);
  ~ImportWindow();  // what is in flight is waited for; nothing further is begun
  ImportWindow(const ImportWindow&) = delete;
  ImportWindow& operator=(const ImportWindow&) = delete;

  // Opens the root once; then the workers start.
  Status start();
  // Takes what is done, and waits while the window is full. False when the run stopped: see why().
  Result<bool> add(ImportCall call);
  // Waits for all of them.
  Status finish();
  // What made it stop: the daemon is away, full, or does not let us.
  const std::optional<Error>& why() const { return why_; }

 private:
  struct Slot {
    ImportCall call;
    bool begun = false;
    std::optional<Result<Uploaded>> outcome;
  };
  using SlotPtr = std::shared_ptr<Slot>;

  void work();
  Result<Uploaded> send(HttpClient& client, Io& io, const ImportCall& call);
  bool pause(Millis length);
  Status take(std::unique_lock<std::mutex>& lock);

  const Options options_;
  const SeeDone see_;
  Fd root_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<SlotPtr> window_;  // in the order of the tree
  bool closing_ = false;
  std::optional<Error> why_;
  std::vector<std::thread> workers_;
};

// True for errors that concern the run and not this one call.
bool stops_import(Code code);

}  // namespace holdfast::cli
