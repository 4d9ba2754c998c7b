// Brings acknowledged parts from .incoming into their places.
//
//   row (acknowledged) ──rename──▶ in its place ──sync──▶ durably ──mark──▶ placed
//
// Nobody's answer waits for it: where a lane serves the archive's queue, ingest hands the part
// over, and all that gathered while the last ones were synced share the next syncs. Until the mark
// is there readers look at both places. What cannot be placed now stays in .incoming, acknowledged;
// a turn of incoming.h takes it up again.
#pragma once

#include <memory>
#include <vector>

#include "daemon/work/archive.h"
#include "daemon/work/workers.h"
#include "index/read/recordings.h"

namespace holdfast {

// Thread rule: any thread, with an Io of its own.
class Placing {
 public:
  explicit Placing(const Archive& archive) : archive_(archive) {}

  // A part that was acknowledged a moment ago: handed over, or, where nobody serves, placed before
  // this returns and marked with the next commit of any kind. What fails is told in the log.
  void place_soon(Io& io, const RecordingId& recording, RecordingNo number, int part);

  // Places one part and marks it before it returns: the way of start-up and its like. No error when
  // it is in its place already.
  Status place(Io& io, const RecordingRow& recording, int part);

  // Places what of a recording is not in its place yet, without waiting for the lane: for who asks
  // what needs that. The first error.
  Status place_now(Io& io, RecordingNo recording);

  // Places what was handed over, a group at a time, until nothing waits. What fails is told in the
  // log.
  void place_waiting(Io& io);

 private:
  struct Found {
    RecordingRow row;
    int part;
  };
  void place_group(Io& io, const std::vector<PlacingQueue::Part>& parts);
  Result<std::vector<Found>> find(const std::vector<PlacingQueue::Part>& parts);
  std::vector<Status> rename_all(Io& io, const std::vector<Found>& found);
  Status mark_later(const RecordingRow& row, int part);
  bool is_settled(const Found& one);

  Archive archive_;
};

// Serves the archive's queue by a thread of its own. Its end lets nobody hand over any more, and
// places what still waits.
class PlacingLane {
 public:
  // kIo when the thread's Io cannot be set up.
  static Result<std::unique_ptr<PlacingLane>> start(const Archive& archive,
                                                    const IoOptions& options);
  ~PlacingLane();

  const Pulse& pulse() const { return lane_->pulse(); }  // any thread

 private:
  PlacingLane(const Archive& archive, IoOptions options)
      : archive_(archive), options_(std::move(options)) {}

  const Archive archive_;
  const IoOptions options_;
  std::unique_ptr<LaneThread> lane_;
};

}  // namespace holdfast
