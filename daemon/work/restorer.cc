#include "daemon/work/restorer.h"

#include <algorithm>

#include "base/log.h"
#include "base/move.h"
#include "daemon/work/part_extraction.h"
#include "daemon/work/quarantine.h"
#include "daemon/work/remover.h"
#include "index/commands/media.h"
#include "index/commands/restores.h"
#include "index/read/recordings.h"
#include "index/read/restores.h"

namespace holdfast {
namespace {

constexpr int kAttemptsMax = 8;          // tries before a restore is told to have failed
constexpr Millis kAwayFor = minutes(1);  // a medium that is away is asked again after this

// A failure to write the staged copy says nothing about the copy it is made from: it is told as one
// of the standard tier's, to be tried again, and never quarantines a pack.
Error of_staging(const Error& error) {
  const bool blames_bytes = error.code == Code::kCorrupt || error.code == Code::kNotFound ||
                            error.code == Code::kConflict;
  return Error{blames_bytes ? Code::kIo : error.code, "write the staged copy: " + error.message,
               error.system_errno};
}

// The board shows the batch, and what is being read for one recall, as long as that lasts.
class BatchOnBoard {
 public:
  BatchOnBoard(RecallBoard& board, Tier tier, const RecallBatch& batch, uint64_t next_turn)
      : board_(board), tier_(tier) {
    std::vector<RestoreId> order;
    for (const QueuedRecall& one : batch.recalls) order.push_back(one.restore);
    board_.begin_batch(tier, std::move(order), next_turn);
  }
  ~BatchOnBoard() { board_.end_batch(tier_); }
  BatchOnBoard(const BatchOnBoard&) = delete;
  BatchOnBoard& operator=(const BatchOnBoard&) = delete;

 private:
  RecallBoard& board_;
  const Tier tier_;
};

class ReadingOnBoard {
 public:
  ReadingOnBoard(RecallBoard& board, const RestoreId& restore, Bytes total)
      : board_(board), restore_(restore) {
    board_.begin(restore, total);
  }
  ~ReadingOnBoard() { board_.end(restore_); }
  ReadingOnBoard(const ReadingOnBoard&) = delete;
  ReadingOnBoard& operator=(const ReadingOnBoard&) = delete;

 private:
  RecallBoard& board_;
  const RestoreId restore_;
};

// What is to be read for the parts that are archived, from their best copies.
Bytes expected_bytes(const Recording& recording, const MediumId& standard, const AwayMedia& away) {
  Bytes total;
  for (const PartRow& part : recording.part_rows) {
    if (has_plain_copy(recording, part.part, standard)) continue;
    const CopyRow* copy = best_pack_copy(recording, part.part, away);
    if (copy != nullptr) total += copy->audio->length + copy->metadata->length;
  }
  return total;
}

}  // namespace

void Restorer::tell(const Recording& recording) {
  archive_.changes.publish({Change::Kind::kChanged, recording.recording_no, recording.workspace,
                            recording.day, recording.call_sid});
}

Error Restorer::away(const MediumId& medium, const Error& error) {
  const UnixMillis until = archive_.clock.now() + kAwayFor;
  log::warning("restores wait for medium {}: {}", medium.text(), error.message);
  away_[medium] = AwayMedium{until, error.message};
  archive_.recalls.set_away(medium, away_[medium]);
  return error;
}

void Restorer::run(Io& io) {
  while (!stop_) {
    Result<bool> more = run_once(io);
    if (!more.ok()) {
      log::error("restorer ({}): {}", word(tier_), more.error().message);
      return;
    }
    if (!*more) return;
  }
}

// What staged copies may take now: by configuration, and by what the file system has left.
Result<Bytes> Restorer::room(Io& io) {
  Bytes reserved;
  {
    HOLDFAST_ASSIGN(index, archive_.index.take());
    HOLDFAST_ASSIGN(staged, staged_bytes(*index));
    reserved = staged;
  }
  HOLDFAST_ASSIGN(writable, archive_.standard_root.room(io));
  const int64_t allowed = archive_.config().staging_max.count - reserved.count;
  return Bytes(std::max<int64_t>(0, std::min(allowed, writable.count)));
}

Result<bool> Restorer::run_once(Io& io) {
  HOLDFAST_ASSIGN(free, room(io));
  HOLDFAST_ASSIGN(batch, queue_.next(free));
  if (batch.waits_for_room) return wait_for_room(*batch.waits_for_room);
  const BatchOnBoard on_board(archive_.recalls, tier_, batch, queue_.turn());
  bool worked = false;
  for (const QueuedRecall& one : batch.recalls) {
    if (stop_) return false;
    away_ = archive_.recalls.away(archive_.clock.now());
    // The rest of them waits for the medium, or has another copy: the queue knows.
    if (worked && away_.contains(batch.medium)) return true;
    if (Status done = recall(io, one); !done.ok())
      log::event(log::Level::kWarning, "restore.failed", {{"RESTORE", one.restore.text()}},
                 "restore {}: {}", one.restore.text(), done.error().message);
    else
      worked = true;
  }
  return worked;
}

// Room comes when staged copies expire. One that is larger than all the room there may be would
// wait for ever, and hold up the others. True when it waits no more.
Result<bool> Restorer::wait_for_room(const RestoreId& restore) {
  constexpr std::string_view kNoRoom = "no room for staged copies on the standard tier";
  std::optional<RestoreRow> row;
  {
    HOLDFAST_ASSIGN(index, archive_.index.take());
    HOLDFAST_ASSIGN(found, find_restore(*index, restore));
    row = std::move(found);
  }
  if (!row || row->state != RestoreState::kQueued) return true;
  if (row->bytes > archive_.config().staging_max) {
    HOLDFAST_TRY(archive_.writer.call(
        restore_failed(restore, "the recording has " + std::to_string(row->bytes.count) +
                                    " bytes, more than [restore] staging_max allows: " +
                                    std::to_string(archive_.config().staging_max.count))));
    return true;
  }
  if (row->error == kNoRoom) return false;
  log::info("restore {}: {}", restore.text(), kNoRoom);
  HOLDFAST_TRY(
      archive_.writer.call(restores_wait({restore}, std::string(kNoRoom), archive_.clock.now())));
  return false;
}

Status Restorer::recall(Io& io, const QueuedRecall& one) {
  // Two lanes may see the same restore when the best copy changes its tier under way: they take
  // turns, and the second finds it done.
  RecordingNo number;
  {
    HOLDFAST_ASSIGN(index, archive_.index.take());
    HOLDFAST_ASSIGN(found, find_restore(*index, one.restore));
    if (!found) return {};  // cancelled meanwhile
    number = found->recording_no;
  }
  const Turns::Turn turn = archive_.part_turns.take(number);
  std::optional<RestoreRow> row;
  std::optional<Recording> recording;
  {
    HOLDFAST_ASSIGN(index, archive_.index.take());
    HOLDFAST_ASSIGN(found, find_restore(*index, one.restore));
    const bool waits = found && (found->state == RestoreState::kQueued ||
                                 found->state == RestoreState::kRecalling);
    if (!waits) return {};  // cancelled, or served, meanwhile
    row = std::move(found);
    HOLDFAST_ASSIGN(whole, find_recording(*index, row->recording_no));
    recording = std::move(whole);
  }
  if (!recording) return archive_.writer.call(restore_failed(one.restore, "the recording is gone"));
  if (row->state == RestoreState::kQueued) {
    Status begun = archive_.writer.call(begin_recall(one.restore, archive_.config().staging_max));
    // Cancelled meanwhile; or the other lane took the room, and it waits for its next turn.
    if (!begun.ok() &&
        (begun.error().code == Code::kConflict || begun.error().code == Code::kNoSpace))
      return {};
    HOLDFAST_TRY(std::move(begun));
  }

  const ReadingOnBoard reading(archive_.recalls, one.restore,
                               expected_bytes(*recording, archive_.standard_medium(), away_));
  Outcome outcome;
  Status staged = clear_the_way(io, *recording);
  if (staged.ok()) staged = stage(io, one.restore, *recording, outcome);
  const bool is_staged = staged.ok();
  if (is_staged)
    if (auto row_staged = archive_.writer.call(
            restore_staged(one.restore, archive_.standard_medium(), outcome.parts));
        !row_staged.ok())
      staged = row_staged.error();
  if (!staged.ok()) {
    // No row speaks of what was staged so far, unless its commit has an unknown outcome.
    const bool unknown = is_staged && staged.error().code == Code::kUnavailable;
    if (unknown) outcome.parts.clear();
    for (int part : outcome.parts)
      if (Status discarded =
              archive_.standard.discard_staged(io, PartId{recording->recording, part});
          !discarded.ok())
        log::warning("restore {}: {}", one.restore.text(), discarded.error().message);
    return give_up_for_now(*row, *recording, outcome, staged.error());
  }
  tell(*recording);
  count_staged(*row);
  return keep_samples(outcome);
}

void Restorer::count_staged(const RestoreRow& row) {
  RestoreMeters& meters = archive_.meters.of(row.tier);
  const double took = static_cast<double>((archive_.clock.now() - row.requested_at).count) / 1000.0;
  meters.staged.add();
  meters.bytes.add(row.bytes.count);
  meters.seconds.observe(std::max(took, 0.0));
  if (const auto promised = archive_.meters.estimates.take(row.restore))
    meters.error.observe(std::max(took, 0.0) / static_cast<double>(*promised));
}

// Waits, is tried again, or has failed for good, which is told to who waits.
Status Restorer::give_up_for_now(const RestoreRow& row, const Recording& recording,
                                 const Outcome& outcome, const Error& error) {
  RestoreMeters& meters = archive_.meters.of(row.tier);
  if (outcome.waits_until) meters.waited.add();
  if (outcome.waits_until)
    return archive_.writer.call(restores_wait({row.restore}, error.message, *outcome.waits_until));
  const bool again = traits(error.code).retryable && row.attempts + 1 < kAttemptsMax;
  Status kept =
      again ? archive_.writer.call(restore_retry(row.restore, error.message,
                                                 archive_.clock.now() + backoff(row.attempts + 1)))
            : archive_.writer.call(restore_failed(row.restore, error.message));
  // Cancelled meanwhile: nobody waits for it.
  if (!kept.ok() && kept.error().code == Code::kConflict) return {};
  HOLDFAST_TRY(std::move(kept));
  (again ? meters.waited : meters.failed).add();
  if (again) return error;
  archive_.meters.estimates.take(row.restore);
  tell(recording);
  return error;
}

Status Restorer::keep_samples(const Outcome& outcome) {
  for (const auto& [medium, sample] : outcome.samples) {
    RecallSampleRow row = sample;
    row.at = archive_.clock.now();
    row.recordings = 1;
    HOLDFAST_TRY(archive_.writer.call(add_recall_sample(medium, row)));
  }
  return {};
}

// A staged copy stands where a plain one stood: one that is being removed is waited for, and a bad
// one goes first, if the guard finds a good one elsewhere.
Status Restorer::clear_the_way(Io& io, const Recording& recording) {
  for (const CopyRow& copy : recording.copies) {
    if (copy.medium != archive_.standard_medium() || copy.pack) continue;
    if (copy.state == CopyState::kReleasing)
      return Error{Code::kUnavailable, "recording " + recording.recording.text() +
                                           ": its copy on the standard tier is being removed"};
    if (copy.state == CopyState::kQuarantined)
      HOLDFAST_TRY(
          Remover(archive_).release_standard(io, recording, copy.part, std::string("system")));
  }
  return {};
}

Status Restorer::stage(Io& io, const RestoreId& restore, const Recording& recording,
                       Outcome& outcome) {
  for (const PartRow& part : recording.part_rows) {
    if (has_plain_copy(recording, part.part, archive_.standard_medium())) continue;
    HOLDFAST_TRY(stage_part(io, restore, recording, part.part, outcome));
    outcome.parts.push_back(part.part);
  }
  return {};
}

// The best copy; one of a back-end that fails again and again when nothing else has any, and one on
// a medium that is away last.
std::optional<CopyRow> Restorer::next_copy(const Recording& remaining, int part) const {
  Recording sound = remaining;
  std::erase_if(sound.copies, [&](const CopyRow& copy) {
    return copy.pack && archive_.gate.health(copy.tier).suspension().has_value();
  });
  const CopyRow* best = best_pack_copy(sound, part, away_);
  if (best == nullptr || away_.contains(best->medium))
    best = best_pack_copy(remaining, part, away_);
  return best == nullptr ? std::nullopt : std::optional<CopyRow>(*best);
}

// One part from its best copy; a bad copy is quarantined and the next best one is tried. When none
// is left but on media that are away, the part waits for them.
Status Restorer::stage_part(Io& io, const RestoreId& restore, const Recording& recording, int part,
                            Outcome& outcome) {
  Recording remaining = recording;
  Error last{Code::kCorrupt, "recording " + recording.recording.text() + " has no readable copy"};
  outcome.waits_until.reset();
  while (const std::optional<CopyRow> found = next_copy(remaining, part)) {
    const CopyRow& copy = *found;
    const auto known = away_.find(copy.medium);
    Status extracted = known != away_.end() ? Status(Error{Code::kUnavailable, known->second.why})
                                            : extract(io, restore, recording, copy, outcome);
    if (extracted.ok()) return {};
    const Error& error = extracted.error();
    if (error.code == Code::kNoSpace) return error;
    const auto away = away_.find(copy.medium);
    // A copy that may be read later keeps the restore alive, whatever the others are.
    if (!traits(last.code).retryable) {
      last = error;
      if (away != away_.end()) outcome.waits_until = away->second.until;
    } else if (away == away_.end() && traits(error.code).retryable) {
      outcome.waits_until.reset();
    }
    if (error.code == Code::kCorrupt || error.code == Code::kNotFound) {
      HOLDFAST_ASSIGN(is_bad,
                      quarantine_copy(archive_, BadCopy{recording.recording_no, part, copy.medium,
                                                        error.message, copy.copied_at}));
      // It is in another pack by now, or gone: whoever looks again finds the one that stands.
      if (!is_bad && !traits(last.code).retryable) last = Error{Code::kUnavailable, error.message};
    }
    std::erase_if(remaining.copies,
                  [&](const CopyRow& c) { return c.part == part && c.medium == copy.medium; });
  }
  return last;
}

Status Restorer::extract(Io& io, const RestoreId& restore, const Recording& recording,
                         const CopyRow& copy, Outcome& outcome) {
  SessionKeeper* keeper = archive_.keeper_of(copy.medium);
  if (keeper == nullptr)
    return away(copy.medium, Error{Code::kUnavailable, "medium " + copy.medium.text() +
                                                           " is not attached to this archive"});
  auto begun = archive_.standard.begin_staged(io, PartId{recording.recording, copy.part});
  if (!begun.ok()) return of_staging(begun.error());
  PartWriter writer = std::move(begun).value();
  const std::vector<PackRange> ranges = ranges_of(copy);

  const Millis before = archive_.clock.monotonic();
  Millis attach{0};
  Bytes bytes_read;
  bool attached = false;
  Status extracted = extract_part(
      io, writer, recording, copy.part, of_staging, [&](pack::PartExtractor& extractor) -> Status {
        size_t current = 0;
        HOLDFAST_TRY(keeper->use(
            io,
            [&](PackSession& session) {
              attached = true;
              return session.read(io, copy.location, ranges,
                                  [&](size_t index, ByteSpan bytes) -> Status {
                                    if (index != current) HOLDFAST_TRY(extractor.end_range());
                                    current = index;
                                    const Bytes got(static_cast<int64_t>(bytes.size()));
                                    bytes_read += got;
                                    archive_.recalls.add(restore, got);
                                    return extractor.push(bytes);
                                  });
            },
            &attach));
        return extractor.end_range();
      });
  if (extracted.ok()) {
    Status finished = writer.finish(io, std::nullopt);
    if (!finished.ok()) extracted = of_staging(finished.error());
  }
  if (!extracted.ok()) {
    archive_.recalls.add(restore, Bytes(-bytes_read.count));
    if (Status aborted = writer.abort(io); !aborted.ok())
      log::warning("restore: leave an unfinished staged copy: {}", aborted.error().message);
    if (!attached && extracted.error().code == Code::kUnavailable)
      return away(copy.medium, extracted.error());
    return extracted;
  }
  RecallSampleRow& sample = outcome.samples[copy.medium];
  sample.bytes += bytes_read;
  sample.attach = Millis(sample.attach.count + attach.count);
  sample.elapsed = Millis(sample.elapsed.count + archive_.clock.monotonic().count - before.count);
  Status published = archive_.standard.publish_staged(io, writer);
  return published.ok() ? published : Status(of_staging(published.error()));
}

}  // namespace holdfast
