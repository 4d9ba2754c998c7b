// What the tests of the writer look at and stop with.
#pragma once

#include <condition_variable>
#include <mutex>
#include <string>
#include <vector>

#include "ledger/reader.h"
#include "tests/index/archive.h"

namespace holdfast {

// Lines of the decisions that are durable now.
inline std::vector<std::string> decision_kinds(Archive& archive) {
  const LedgerView view = must(archive.writer->view_ledger());
  auto io = must(Io::open());
  ReadOptions options;
  options.end = view.decisions_end;
  std::vector<std::string> kinds;
  must(read_chain(*io, view.decisions.get(), options, [&](const Line& line) -> Result<bool> {
    kinds.push_back(line.kind);
    return true;
  }));
  return kinds;
}

// Keeps the writer's thread busy until it is opened, so that a batch gathers behind it.
class Gate {
 public:
  Command<void> command() {
    return {"gate", [this](WriteTxn&) -> Status {
              std::unique_lock lock(mutex_);
              entered_ = true;
              changed_.notify_all();
              changed_.wait(lock, [this] { return open_; });
              return Status();
            }};
  }
  void wait_until_entered() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return entered_; });
  }
  void open() {
    std::lock_guard lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool entered_ = false;
  bool open_ = false;
};

}  // namespace holdfast
