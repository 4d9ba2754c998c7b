// What the archive's own work is counted by: moves, restores, ingest. The API tells it (/metrics).
#pragma once

#include <array>
#include <map>
#include <mutex>
#include <optional>
#include <string_view>

#include "base/meter.h"
#include "base/result.h"
#include "base/types.h"
#include "tiers/policy.h"

namespace holdfast {

// What was told to who asked for a restore, kept until it is there: how good was it? In memory, and
// no more than kMost of them: a restart forgets what it then does not measure. Any thread.
class EstimateBook {
 public:
  static constexpr size_t kMost = 10'000;

  // The first word counts; later ones are nearer to the truth because less is left.
  void note(const RestoreId& restore, int64_t seconds) {
    const std::lock_guard lock(mutex_);
    if (seconds > 0 && promised_.size() < kMost) promised_.emplace(restore, seconds);
  }
  // Takes the restore out; what it was told, if anything.
  std::optional<int64_t> take(const RestoreId& restore) {
    const std::lock_guard lock(mutex_);
    const auto found = promised_.find(restore);
    if (found == promised_.end()) return std::nullopt;
    const int64_t seconds = found->second;
    promised_.erase(found);
    return seconds;
  }

 private:
  std::mutex mutex_;
  std::map<RestoreId, int64_t> promised_;
};

struct MoveMeters {
  Counter advanced;  // steps that were done
  Counter failed;    // steps that were not
  Counter bytes;     // that went along the edge
};

struct RestoreMeters {
  Counter staged;
  Counter failed;
  Counter waited;  // tries that ended with waiting: no room, a medium that is away, an error
  Counter bytes;   // staged
  // From the request to the staged copy, in seconds.
  Histogram<10> seconds{{1, 5, 15, 60, 300, 900, 3600, 10'800, 21'600, 43'200}};
  // That time over the first estimate: 1 is right, 2 took twice as long.
  Histogram<9> error{{0.1, 0.25, 0.5, 0.8, 1.25, 2, 4, 10, 100}};
};

// How a call comes in.
enum class IngestWay : int8_t { kHttp = 0, kSpool = 1 };
constexpr std::array<std::string_view, 2> kIngestWayWords = {"http", "spool"};
// What becomes of it; what is tried again later is unavailable each time.
enum class IngestResult : int8_t {
  kStored = 0,
  kAlready = 1,
  kPart = 2,
  kRefused = 3,
  kFailed = 4
};
constexpr std::array<std::string_view, 5> kIngestResultWords = {"stored", "already", "part",
                                                                "refused", "failed"};

struct IngestMeters {
  std::array<Counter, kIngestResultWords.size()> results;
  Counter bytes;  // of what is new
};

struct Meters {
  std::array<MoveMeters, 2> moves;        // by Edge
  std::array<RestoreMeters, 3> restores;  // by Tier; standard stays empty
  std::array<IngestMeters, kIngestWayWords.size()> ingest;
  Counter spool_rejected;
  EstimateBook estimates;

  MoveMeters& of(Edge edge) { return moves[static_cast<size_t>(edge)]; }
  RestoreMeters& of(Tier tier) { return restores[static_cast<size_t>(tier)]; }
};

}  // namespace holdfast
