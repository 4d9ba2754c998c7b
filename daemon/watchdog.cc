#include "daemon/watchdog.h"

#include <utility>

#include "base/limits.h"

namespace holdfast {
namespace {

std::string silent_for(const std::string& who, Millis length) {
  return who + " has given no sign of life for " + std::to_string(length.count / 1000) + " s";
}

}  // namespace

void Watchdog::watch(std::string name, const Pulse& pulse) {
  threads_.push_back(Thread{std::move(name), pulse, pulse.beats(), clock_.monotonic()});
}

void Watchdog::watch(Writer& writer) { writer_ = &writer; }

void Watchdog::forget() {
  threads_.clear();
  writer_ = nullptr;
}

std::optional<std::string> Watchdog::look() {
  const Millis now = clock_.monotonic();
  std::optional<std::string> silent;
  for (Thread& thread : threads_) {
    const uint64_t beats = thread.pulse.beats();
    if (!thread.pulse.is_at_work() || beats != thread.beats) {
      thread.beats = beats;
      thread.since = now;
    }
    const Millis length(now.count - thread.since.count);
    if (length.count > limits::kThreadSilentMs) silent = silent_for(thread.name, length);
  }
  if (writer_ == nullptr) return silent;
  if (answered_ == nullptr || *answered_) {
    answered_ = std::make_shared<std::atomic<bool>>(false);
    asked_ = now;
    writer_->probe([answered = answered_] { *answered = true; });
  }
  const Millis length(now.count - asked_.count);
  if (!*answered_ && length.count > limits::kWriterSilentMs)
    silent = silent_for("the writer", length);
  return silent;
}

}  // namespace holdfast
