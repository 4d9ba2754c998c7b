#include "daemon/work/placing.h"

#include <atomic>
#include <utility>

#include "base/log.h"
#include "index/commands/ingest.h"

namespace holdfast {
namespace {

// What shares its syncs: more would keep the first of them waiting.
constexpr size_t kGroup = 64;

Change change_of(const RecordingRow& recording, int part) {
  return {part == 1 ? Change::Kind::kAdded : Change::Kind::kChanged, recording.recording_no,
          recording.workspace, recording.day, recording.call_sid};
}

void tell_waiting(const std::string& recording, const Error& why) {
  log::warning("ingest: recording {} is acknowledged and waits in .incoming: {}", recording,
               why.message);
}

}  // namespace

void Placing::place_soon(Io& io, const RecordingId& recording, RecordingNo number, int part) {
  const PartId id{recording, part};
  if (archive_.placing.hand_over({number, part, archive_.live_parts.add(id)})) return;
  std::vector<PlacingQueue::Part> alone;
  alone.push_back({number, part, archive_.live_parts.add(id)});
  place_group(io, alone);
}

Status Placing::place(Io& io, const RecordingRow& recording, int part) {
  HOLDFAST_TRY(std::move(rename_all(io, {Found{recording, part}}).front()));
  HOLDFAST_TRY(archive_.writer.call(mark_placed(recording.recording_no, part)));
  archive_.changes.publish(change_of(recording, part));
  return {};
}

Status Placing::place_now(Io& io, RecordingNo recording) {
  std::optional<Recording> found;
  {
    HOLDFAST_ASSIGN(index, archive_.index.take());
    HOLDFAST_ASSIGN(known, find_recording(*index, recording));
    found = std::move(known);
  }
  if (!found) return {};
  for (const PartRow& part : found->part_rows)
    if (!part.placed) HOLDFAST_TRY(place(io, *found, part.part));
  return {};
}

void Placing::place_waiting(Io& io) {
  for (auto parts = archive_.placing.take(kGroup); !parts.empty();
       parts = archive_.placing.take(kGroup))
    place_group(io, parts);
}

void Placing::place_group(Io& io, const std::vector<PlacingQueue::Part>& parts) {
  const auto found = find(parts);
  if (!found.ok())
    return log::warning("ingest: {} acknowledged parts wait in .incoming: {}", parts.size(),
                        found.error().message);
  const std::vector<Status> placed = rename_all(io, *found);
  for (size_t i = 0; i < found->size(); ++i) {
    const auto& [row, part] = (*found)[i];
    const Status done = placed[i].ok() ? mark_later(row, part) : placed[i];
    if (!done.ok() && !is_settled((*found)[i])) tell_waiting(row.recording.text(), done.error());
  }
}

// Somebody who could not wait has placed it meanwhile, and it may have gone since.
bool Placing::is_settled(const Found& one) {
  auto index = archive_.index.take();
  if (!index.ok()) return false;
  const auto known = find_recording(**index, one.row.recording_no);
  if (!known.ok()) return false;
  if (!*known) return true;
  for (const PartRow& part : (*known)->part_rows)
    if (part.part == one.part) return part.placed;
  return true;
}

// Without those whose rows have gone already: a destruction, which has removed their files, too.
Result<std::vector<Placing::Found>> Placing::find(const std::vector<PlacingQueue::Part>& parts) {
  HOLDFAST_ASSIGN(index, archive_.index.take());
  std::vector<Found> found;
  for (const PlacingQueue::Part& part : parts) {
    HOLDFAST_ASSIGN(row, find_recording_row(*index, part.recording));
    if (row) found.push_back(Found{*std::move(row), part.part});
  }
  return found;
}

std::vector<Status> Placing::rename_all(Io& io, const std::vector<Found>& found) {
  std::vector<PartPlace> places;
  places.reserve(found.size());
  for (const auto& [row, part] : found)
    places.push_back({PartId{row.recording, part}, Place{row.home, row.day, row.call_sid, part}});
  return archive_.standard.place_all(io, places);
}

// The mark goes with the next commit, and nobody waits for that: readers look at both places until
// then, nobody else settles the part, and what is asked of the recording next comes after.
Status Placing::mark_later(const RecordingRow& row, int part) {
  struct Marking {
    LiveParts::Live live;
    Change change;
    std::string name;
    std::atomic<bool> has_no_room = false;
  };
  const auto marking =
      std::shared_ptr<Marking>(new Marking{archive_.live_parts.add(PartId{row.recording, part}),
                                           change_of(row, part), row.recording.text()});
  const auto marked = [&changes = archive_.changes, marking](const Status& done) {
    if (done.ok()) return changes.publish(marking->change);
    marking->has_no_room = done.error().code == Code::kExhausted;
    if (!marking->has_no_room)
      log::warning("ingest: recording {} is in its place and not marked yet: {}", marking->name,
                   done.error().message);
  };
  archive_.writer.submit<void>(mark_placed(row.recording_no, part), marked);
  if (!marking->has_no_room) return {};
  HOLDFAST_TRY(archive_.writer.call(mark_placed(row.recording_no, part)));  // waits for room
  archive_.changes.publish(marking->change);
  return {};
}

Result<std::unique_ptr<PlacingLane>> PlacingLane::start(const Archive& archive,
                                                        const IoOptions& options) {
  std::unique_ptr<PlacingLane> lane(new PlacingLane(archive, options));
  HOLDFAST_ASSIGN(thread, LaneThread::start("hf-placing", minutes(1), options, [archive](Io& io) {
                    Placing(archive).place_waiting(io);
                  }));
  lane->lane_ = std::move(thread);
  archive.placing.begin([thread = lane->lane_.get()] { thread->kick(); });
  return lane;
}

PlacingLane::~PlacingLane() {
  archive_.placing.end();
  lane_.reset();
  const Result<std::unique_ptr<Io>> io = Io::open(options_);
  if (io.ok())
    Placing(archive_).place_waiting(**io);
  else
    log::warning("ingest: what waits in .incoming is placed at the next start: {}",
                 io.error().message);
}

}  // namespace holdfast
