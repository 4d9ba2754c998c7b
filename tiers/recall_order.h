// Which recalls are served next, and in which order: pure.
//
// Each request has a latest start: requested_at + a share of its tier's bound
// (expedited 1/24, standard 1/4, bulk 1/2). The request with the earliest one
// leads, so age dominates: an old bulk request overtakes a new expedited one
// before its bound is in danger. Every other batch is led by the oldest request,
// whatever its priority. The leader's medium is attached, and what else waits on
// that medium rides along up to the batch's bounds; the batch is then read in
// media order: by location, then by offset.
//
// Who rides along: every other place goes to the oldest, the places between them
// to the workspaces in rounds, to each the most urgent of its own. So
// - the oldest request of a medium is in its next batch: with n older requests in
//   the lane it is served within n / (recalls_max / 2) + 1 batches, however many
//   younger and more urgent ones come, so that no priority can hold it over its
//   bound while the lane keeps up;
// - a workspace with one request is served within the next batches however many
//   another has asked for, as long as fewer than recalls_max / 2 workspaces wait.
//
// The space that a batch takes is known before it is read: the batch ends where
// the next one would not fit. A leader that does not fit waits, and all wait with
// it: were the small ones let past, they would take the room again and again.
//
// Locations of one medium sort, as strings, in the order in which they lie on it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/rows.h"
#include "base/types.h"
#include "tiers/backend.h"

namespace holdfast {

struct QueuedRecall {
  RestoreId restore;
  RecordingNo recording;
  MediumId medium;
  Tier tier = Tier::kWarm;  // of the medium
  PackId pack;
  PackLocation location;
  Bytes offset;  // of the first byte wanted within the pack
  Bytes length;  // up to the last
  Bytes staged;  // what it takes on the standard tier
  WorkspaceId workspace;
  RestorePriority priority = RestorePriority::kStandard;
  UnixMillis requested_at;
};

struct BatchBounds {
  int recalls_max = 256;              // a batch is reconsidered after this many
  Bytes bytes_max{int64_t{4} << 30};  // minutes of reading; the leader is taken whatever its size
  Bytes room{INT64_MAX};              // for staged copies, on the standard tier
};

struct RecallBatch {
  MediumId medium;
  std::vector<QueuedRecall> recalls;  // media order
  // The leader, when there is no room for it: then nothing is recalled.
  std::optional<RestoreId> waits_for_room;
};

// The latest moment at which the recall should start.
UnixMillis latest_start(const QueuedRecall& recall);

// The next batch; no recalls when the queue is empty. Media in `unavailable`
// (offline, or their session is taken) are passed over. `turn` counts the batches:
// the odd ones are led by age alone.
RecallBatch next_batch(const std::vector<QueuedRecall>& queue, const BatchBounds& bounds,
                       const std::vector<MediumId>& unavailable, uint64_t turn = 0);

// The order in which the whole queue would be served if nothing else came: the batches of
// next_batch() one after the other from `turn` on, each in media order, as indices into `queue`.
// After kForecastBatchesMax batches what is left follows by age.
constexpr int kForecastBatchesMax = 64;
std::vector<size_t> service_order(const std::vector<QueuedRecall>& queue, const BatchBounds& bounds,
                                  uint64_t turn);

}  // namespace holdfast
