// One at a time for each recording: whoever adds a part to a known call looks at
// it, makes files named after the part's number and commits, and nobody else
// does so with the same recording meanwhile.
#pragma once

#include <condition_variable>
#include <mutex>
#include <set>

#include "base/types.h"

namespace holdfast {

// Thread rule: any thread; take() waits while another thread has the recording's turn. No thread
// takes two.
class Turns {
 public:
  class Turn {
   public:
    Turn(Turns& turns, RecordingNo recording) : turns_(turns), recording_(recording) {}
    ~Turn() { turns_.give_back(recording_); }
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;

   private:
    Turns& turns_;
    const RecordingNo recording_;
  };

  Turn take(RecordingNo recording) {
    std::unique_lock lock(mutex_);
    freed_.wait(lock, [&] { return !taken_.contains(recording); });
    taken_.insert(recording);
    return Turn(*this, recording);
  }

 private:
  void give_back(RecordingNo recording) {
    std::lock_guard lock(mutex_);
    taken_.erase(recording);
    freed_.notify_all();
  }

  std::mutex mutex_;
  std::condition_variable freed_;
  std::set<RecordingNo> taken_;
};

}  // namespace holdfast
