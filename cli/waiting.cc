#include "cli/waiting.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <thread>

#include "base/time_text.h"
#include "cli/growing_pause.h"
#include "cli/progress.h"
#include "cli/words.h"

namespace holdfast::cli {
namespace {

// Soon at first, for what is nearly there; seldom later, since a recall may take hours.
constexpr Millis kReadingPause = seconds(1);

}  // namespace

std::string restore_in_words(const json::object& restore) {
  std::string text = "on " + text_of(restore, "tier");
  if (const std::string about = length_of(restore, "estimated_seconds"); about != "-")
    text += ", about " + about;
  if (const std::string most = length_of(restore, "estimated_seconds_p95"); most != "-")
    text += ", at most " + most + " as a rule";
  if (const std::string place = text_of(restore, "position"); place != "-")
    text += ", place " + place + " in the queue";
  return text;
}

Result<std::string> restore_id_of(const json::object& answer) {
  HOLDFAST_ASSIGN(id, find_string(answer, "restore_id"));
  if (!id) return Error{Code::kIo, "the daemon's answer names no restore"};
  return *id;
}

Result<Session::Answer> wait_for_restore(Session& session, const std::string& call,
                                         const std::string& restore_id, Millis timeout) {
  HOLDFAST_ASSIGN(path, session.workspace_path({"restores", restore_id}));
  const Millis deadline(session.clock().monotonic().count + timeout.count);
  GrowingPause pauses(Millis(200), seconds(10));
  Progress progress(session.clock(), look_of_stderr(), to_stderr, call);
  for (;;) {
    auto asked = session.get(path);
    if (!asked.ok()) return asked.error().within("ask for restore " + restore_id);
    HOLDFAST_ASSIGN(restore, object_of(asked->value, "restore " + restore_id));
    HOLDFAST_ASSIGN(state, need_string(*restore, "state"));
    if (state == "staged") return asked;
    if (state != "queued" && state != "recalling")
      return Error{Code::kIo, fmt::format("restore {} is {}: {}", restore_id, printable(state),
                                          text_of(*restore, "error"))};
    progress.waits(state, fmt::format("{}, {}", state, restore_in_words(*restore)));
    HOLDFAST_ASSIGN(done, find_integer(*restore, "bytes_done"));
    HOLDFAST_ASSIGN(total, find_integer(*restore, "bytes_total"));
    if (done) progress.at(*done, total);
    const Millis left(deadline.count - session.clock().monotonic().count);
    if (left.count <= 0)
      return Error{Code::kArchived,
                   fmt::format("restore {} is still {} after {}; it goes on: {}", restore_id, state,
                               to_words(timeout), restore_in_words(*restore))};
    // What is being read is looked at often enough to see it grow.
    const Millis pause = done ? kReadingPause : pauses.next();
    std::this_thread::sleep_for(std::chrono::milliseconds(std::min(pause, left).count));
  }
}

}  // namespace holdfast::cli
