// One at a time for each recording: whoever adds a part to a known call looks at
// it, makes files named after the part's number and commits, and nobody else
// does so with the same recording meanwhile.
#pragma once

#include <condition_variable>
#include <mutex>
#include <optional>
#include <set>
#include <utility>

#include "base/types.h"

namespace holdfast {

// Thread rule: any thread; take() waits while another thread has the recording's turn. A thread
// that has one already may only try_take(): none waits with a turn in its hands.
class Turns {
 public:
  class Turn {
   public:
    Turn(Turns& turns, RecordingNo recording) : turns_(&turns), recording_(recording) {}
    ~Turn() {
      if (turns_ != nullptr) turns_->give_back(recording_);
    }
    Turn(Turn&& other) noexcept
        : turns_(std::exchange(other.turns_, nullptr)), recording_(other.recording_) {}
    Turn& operator=(Turn&& other) noexcept {
      std::swap(turns_, other.turns_);
      std::swap(recording_, other.recording_);
      return *this;
    }

   private:
    Turns* turns_;
    RecordingNo recording_;
  };

  Turn take(RecordingNo recording) {
    std::unique_lock lock(mutex_);
    ++waiting_;
    freed_.wait(lock, [&] { return !taken_.contains(recording); });
    --waiting_;
    taken_.insert(recording);
    return Turn(*this, recording);
  }

  // How many threads wait for a turn.
  int waiting() const {
    std::lock_guard lock(mutex_);
    return waiting_;
  }

  // Nothing while another has it.
  std::optional<Turn> try_take(RecordingNo recording) {
    std::lock_guard lock(mutex_);
    if (!taken_.insert(recording).second) return std::nullopt;
    return Turn(*this, recording);
  }

 private:
  void give_back(RecordingNo recording) {
    std::lock_guard lock(mutex_);
    taken_.erase(recording);
    freed_.notify_all();
  }

  mutable std::mutex mutex_;
  std::condition_variable freed_;
  int waiting_ = 0;
  std::set<RecordingNo> taken_;
};

}  // namespace holdfast
