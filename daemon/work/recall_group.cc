#include "daemon/work/recall_group.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "base/log.h"
#include "base/move.h"
#include "daemon/work/remover.h"
#include "index/commands/media.h"
#include "index/commands/restores.h"
#include "index/read/recordings.h"
#include "index/read/restores.h"

namespace holdfast {
namespace {

constexpr int kAttemptsMax = 8;          // tries before a restore is told to have failed
constexpr size_t kRecallsTogether = 16;  // of a group
constexpr size_t kPartsTogether = 32;    // read and not published: some five files open of each
constexpr Millis kWaitsForOthers{1000};  // of what is read and could be published

// The board shows what is read for a recall until it has ended.
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

void tell_failed(const RestoreId& restore, const Error& error) {
  log::event(log::Level::kWarning, "restore.failed", {{"RESTORE", restore.text()}},
             "restore {}: {}", restore.text(), error.message);
}

}  // namespace

// A recall of the group. `recording` is as it was when its turn came.
struct RecallGroup::Member {
  enum class Stage : uint8_t { kTaken, kBegun, kRead, kEnded };

  Member(Turns::Turn own, RestoreRow restore_row, Recording whole)
      : turn(std::move(own)), row(std::move(restore_row)), recording(std::move(whole)) {}
  // Others may take their turns, however long the group goes on.
  void end() {
    stage = Stage::kEnded;
    on_board.reset();
    turn.reset();
  }

  std::optional<Turns::Turn> turn;
  const RestoreRow row;
  const Recording recording;
  Stage stage = Stage::kTaken;
  StagingNotes notes;
  std::vector<int> published;  // parts, durable or perhaps
  Status outcome;              // why it cannot be staged
  std::unique_ptr<ReadingOnBoard> on_board;
};

RecallGroup::RecallGroup(const Archive& archive) : archive_(archive), stager_(archive) {}
RecallGroup::~RecallGroup() = default;

size_t RecallGroup::take(const std::vector<QueuedRecall>& recalls, size_t from) {
  size_t at = from;
  for (; at < recalls.size() && members_.size() < kRecallsTogether; ++at) {
    const Result<Admission> admitted = admit(recalls[at]);
    if (!admitted.ok()) {
      tell_failed(recalls[at].restore, admitted.error());
      continue;
    }
    if (*admitted == Admission::kBusy) break;
    if (*admitted == Admission::kDone) worked_ = true;
  }
  return at - from;
}

// Two lanes may see the same restore when the best copy changes its tier under way: they take
// turns, and the second finds it done. kBusy when its turn would have to be waited for with others'
// in hand.
Result<RecallGroup::Admission> RecallGroup::admit(const QueuedRecall& recall) {
  RecordingNo number;
  {
    HOLDFAST_ASSIGN(index, archive_.index.take());
    HOLDFAST_ASSIGN(found, find_restore(*index, recall.restore));
    if (!found) return Admission::kDone;  // cancelled meanwhile
    number = found->recording_no;
  }
  Turns& turns = archive_.part_turns;
  std::optional<Turns::Turn> turn =
      members_.empty() ? std::optional(turns.take(number)) : turns.try_take(number);
  if (!turn) return Admission::kBusy;
  std::optional<RestoreRow> row;
  std::optional<Recording> recording;
  {
    HOLDFAST_ASSIGN(index, archive_.index.take());
    HOLDFAST_ASSIGN(found, find_restore(*index, recall.restore));
    const bool waits = found && (found->state == RestoreState::kQueued ||
                                 found->state == RestoreState::kRecalling);
    if (!waits) return Admission::kDone;  // cancelled, or served, meanwhile
    row = std::move(found);
    HOLDFAST_ASSIGN(whole, find_recording(*index, row->recording_no));
    recording = std::move(whole);
  }
  if (!recording) {
    HOLDFAST_TRY(archive_.writer.call(restore_failed(recall.restore, "the recording is gone")));
    return Admission::kDone;
  }
  members_.push_back(
      std::make_unique<Member>(*std::move(turn), *std::move(row), *std::move(recording)));
  return Admission::kTaken;
}

bool RecallGroup::run(Io& io, const std::atomic<bool>& stop) {
  begin();
  const size_t away_before = stager_.away().size();
  Millis since = archive_.clock.monotonic();
  for (const std::unique_ptr<Member>& member : members_) {
    // When its medium has just gone, the rest of them waits for it, or has another copy: the queue
    // knows.
    if (stop || stager_.away().size() > away_before) break;
    if (archive_.clock.monotonic().count - since.count >= kWaitsForOthers.count) {
      end_those_read(io);
      since = archive_.clock.monotonic();
    }
    if (member->stage == Member::Stage::kBegun) read(io, *member);
  }
  end_those_read(io);
  return worked_;
}

// Their space is reserved by one commit.
void RecallGroup::begin() {
  std::vector<Command<void>> commands;
  std::vector<Member*> waited;
  for (const std::unique_ptr<Member>& member : members_) {
    member->stage = Member::Stage::kBegun;  // or the last run began it
    if (member->row.state == RestoreState::kRecalling) continue;
    commands.push_back(begin_recall(member->row.restore, archive_.config().staging_max));
    waited.push_back(member.get());
  }
  const std::vector<Status> outcomes = archive_.writer.call_all(std::move(commands));
  for (size_t i = 0; i < waited.size(); ++i) {
    if (outcomes[i].ok()) continue;
    waited[i]->end();
    // Cancelled meanwhile; or the other lane took the room, and it waits for its next turn.
    const Code code = outcomes[i].error().code;
    if (code == Code::kConflict || code == Code::kNoSpace)
      worked_ = true;
    else
      tell_failed(waited[i]->row.restore, outcomes[i].error());
  }
}

void RecallGroup::read(Io& io, Member& member) {
  member.on_board = std::make_unique<ReadingOnBoard>(
      archive_.recalls, member.row.restore,
      expected_bytes(member.recording, archive_.standard_medium(), stager_.away()));
  member.outcome = clear_the_way(io, member.recording);
  if (member.outcome.ok()) member.outcome = stage(io, member);
  member.stage = Member::Stage::kRead;
}

// A staged copy stands where a plain one stood: one that is being removed is waited for, and a bad
// one goes first, if the guard finds a good one elsewhere.
Status RecallGroup::clear_the_way(Io& io, const Recording& recording) {
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

Status RecallGroup::stage(Io& io, Member& member) {
  for (const PartRow& part : member.recording.part_rows) {
    if (has_plain_copy(member.recording, part.part, archive_.standard_medium())) continue;
    if (unpublished_.size() >= kPartsTogether) publish(io);
    HOLDFAST_TRY(member.outcome);  // of an earlier part
    HOLDFAST_ASSIGN(
        writer, stager_.stage(io, member.row.restore, member.recording, part.part, member.notes));
    unpublished_.push_back(ReadPart{&member, std::move(writer)});
  }
  return {};
}

// All that was read becomes durable, for those that nothing failed of.
void RecallGroup::publish(Io& io) {
  std::vector<PartWriter*> writers;
  std::vector<Member*> of;
  const Millis before = archive_.clock.monotonic();
  for (ReadPart& part : unpublished_) {
    if (part.member->outcome.ok()) {
      writers.push_back(&part.writer);
      of.push_back(part.member);
    } else if (const Status aborted = part.writer.abort(io); !aborted.ok()) {
      log::warning("restore: leave an unfinished staged copy: {}", aborted.error().message);
    }
  }
  std::vector<Status> outcomes;
  if (!writers.empty()) outcomes = archive_.standard.publish_staged(io, writers);
  for (size_t i = 0; i < writers.size(); ++i) {
    of[i]->published.push_back(writers[i]->part().part);
    if (outcomes[i].ok()) continue;
    if (of[i]->outcome.ok()) of[i]->outcome = of_staging(outcomes[i].error());
    if (const Status aborted = writers[i]->abort(io); !aborted.ok())
      log::warning("restore: leave an unfinished staged copy: {}", aborted.error().message);
  }
  // A recall takes its share of it, which its estimate must know.
  const int64_t took = archive_.clock.monotonic().count - before.count;
  for (Member* member : of)
    for (auto& [medium, sample] : member->notes.samples)
      sample.elapsed = Millis(sample.elapsed.count + took / static_cast<int64_t>(of.size()));
  unpublished_.clear();
}

void RecallGroup::end_those_read(Io& io) {
  publish(io);
  std::vector<Member*> staged;
  std::vector<Command<RestoreRow>> commands;
  for (const std::unique_ptr<Member>& member : members_) {
    if (member->stage != Member::Stage::kRead || !member->outcome.ok()) continue;
    commands.push_back(
        restore_staged(member->row.restore, archive_.standard_medium(), member->published));
    staged.push_back(member.get());
  }
  std::vector<Result<RestoreRow>> rows = archive_.writer.call_all(std::move(commands));
  for (size_t i = 0; i < staged.size(); ++i) {
    if (rows[i].ok()) continue;
    staged[i]->outcome = rows[i].error();
    // A commit of which nobody knows whether it was made may speak of what was staged.
    if (rows[i].error().code == Code::kUnavailable) staged[i]->published.clear();
  }
  std::erase_if(staged, [](const Member* member) { return !member->outcome.ok(); });
  end_staged(staged);
  for (const std::unique_ptr<Member>& member : members_) {
    if (member->stage != Member::Stage::kRead) continue;
    const Status ended = member->outcome.ok() ? Status() : end_failed(io, *member);
    if (ended.ok())
      worked_ = true;
    else
      tell_failed(member->row.restore, ended.error());
    member->end();
  }
}

void RecallGroup::end_staged(const std::vector<Member*>& staged) {
  std::vector<Command<void>> samples;
  for (const Member* member : staged) {
    tell(member->recording);
    count_staged(member->row);
    for (const auto& [medium, sample] : member->notes.samples) {
      RecallSampleRow row = sample;
      row.at = archive_.clock.now();
      row.recordings = 1;
      samples.push_back(add_recall_sample(medium, row));
    }
  }
  for (const Status& kept : archive_.writer.call_all(std::move(samples)))
    if (!kept.ok()) log::warning("restore: {}", kept.error().message);
}

void RecallGroup::count_staged(const RestoreRow& row) {
  RestoreMeters& meters = archive_.meters.of(row.tier);
  const double took = static_cast<double>((archive_.clock.now() - row.requested_at).count) / 1000.0;
  meters.staged.add();
  meters.bytes.add(row.bytes.count);
  meters.seconds.observe(std::max(took, 0.0));
  if (const auto promised = archive_.meters.estimates.take(row.restore))
    meters.error.observe(std::max(took, 0.0) / static_cast<double>(*promised));
}

void RecallGroup::tell(const Recording& recording) {
  archive_.changes.publish({Change::Kind::kChanged, recording.recording_no, recording.workspace,
                            recording.day, recording.call_sid});
}

// No row speaks of what was staged so far.
Status RecallGroup::end_failed(Io& io, const Member& member) {
  for (int part : member.published)
    if (Status discarded =
            archive_.standard.discard_staged(io, PartId{member.recording.recording, part});
        !discarded.ok())
      log::warning("restore {}: {}", member.row.restore.text(), discarded.error().message);
  return give_up_for_now(member);
}

// Waits, is tried again, or has failed for good, which is told to who waits.
Status RecallGroup::give_up_for_now(const Member& member) {
  const RestoreRow& row = member.row;
  const Error& error = member.outcome.error();
  RestoreMeters& meters = archive_.meters.of(row.tier);
  if (member.notes.waits_until) {
    meters.waited.add();
    return archive_.writer.call(
        restores_wait({row.restore}, error.message, *member.notes.waits_until));
  }
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
  tell(member.recording);
  return error;
}

}  // namespace holdfast
