// What ends a long reading of the scrub, a repair or a rewriting: a stop of the daemon, and a pause
// of the tier whose medium is read or written. Its row stays as it is, and is taken up again.
#pragma once

#include <atomic>
#include <optional>

#include "daemon/work/gate.h"
#include "io/interruptible.h"

namespace holdfast {

// Thread rule of both: any thread, for as long as `stop` and `gate` live.
inline Interruption at_stop(const std::atomic<bool>& stop) {
  return [&stop]() -> std::optional<Error> {
    if (!stop) return std::nullopt;
    return Error{Code::kUnavailable, "the daemon stops"};
  };
}
inline Interruption at_pause(const Gate& gate, Tier tier) {
  return [&gate, tier]() -> std::optional<Error> {
    auto why = gate.paused(tier);
    if (!why) return std::nullopt;
    return Error{Code::kUnavailable, *std::move(why)};
  };
}

}  // namespace holdfast
