#include "daemon/work/recall_group.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <utility>

#include "base/log.h"
#include "base/move.h"
#include "daemon/work/remover.h"
#include "daemon/work/turns.h"
#include "index/commands/media.h"
#include "index/commands/restores.h"
#include "index/read/recordings.h"
#include "index/read/restores.h"
#include "tiers/estimate.h"

namespace holdfast {
namespace {

constexpr int kAttemptsMax = 8;          // tries before a restore is told to have failed
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

double expected_of(const StagedPart& part) {
  return expected_recall_ms(recall_prior(part.tier, Millis(0)), part.bytes);
}

void tell_failed(const RestoreId& restore, const Error& error) {
  log::event(log::Level::kWarning, "restore.failed", {{"RESTORE", restore.text()}},
             "restore {}: {}", restore.text(), error.message);
}

void abandon(Io& io, PartWriter& writer) {
  if (const Status aborted = writer.abort(io); !aborted.ok())
    log::warning("restore: leave an unfinished staged copy: {}", aborted.error().message);
}

}  // namespace

struct RecallGroup::Member {
  enum class Stage : uint8_t { kTaken, kBegun, kReading, kRead, kEnded };

  explicit Member(const QueuedRecall& recall)
      : restore(recall.restore), recording_no(recall.recording) {}
  // Others may take their turns, however long the group goes on.
  void end() {
    stage = Stage::kEnded;
    on_board.reset();
    turn.reset();
  }

  const RestoreId restore;
  const RecordingNo recording_no;
  Stage stage = Stage::kTaken;
  // Since it is read: what it found when its turn came.
  std::optional<Turns::Turn> turn;
  RestoreRow row;
  Recording recording;
  size_t next_part = 0;    // of the recording's rows
  bool has_place = false;  // something of it was read
  std::map<MediumId, RecallSampleRow> samples;
  std::optional<UnixMillis> waits_until;  // the outcome is that a medium is away
  std::vector<int> published;             // parts, durable or perhaps
  std::vector<int> perhaps_told;          // of those, when a row may speak of them or not
  Status outcome;                         // why it cannot be staged
  std::unique_ptr<ReadingOnBoard> on_board;
};

RecallGroup::RecallGroup(const Archive& archive, const RecallBatch& batch, size_t from,
                         SideBySide& readers)
    : archive_(archive), medium_(batch.medium), readers_(readers), was_away_(is_away()) {
  for (size_t i = from; i < batch.recalls.size() && members_.size() < kRecallsTogether; ++i)
    members_.push_back(std::make_unique<Member>(batch.recalls[i]));
}
RecallGroup::~RecallGroup() = default;

bool RecallGroup::run(Io& io, const std::atomic<bool>& stop) {
  if (stop) return false;
  begin();
  while (count_left(stop) > 0) {
    if (!read_some(io, stop)) wait_for_a_turn(stop);
    end_those_read(io);
  }
  end_those_read(io);
  put_back();
  return worked_;
}

// Of a recording whose first parts are published the others are read, whatever happens: no row
// speaks of them yet.
bool RecallGroup::is_left(const Member& member, const std::atomic<bool>& stop) const {
  if (member.stage == Member::Stage::kReading) return true;
  return member.stage == Member::Stage::kBegun && !ends_early(stop);
}

int RecallGroup::count_left(const std::atomic<bool>& stop) const {
  return static_cast<int>(std::count_if(members_.begin(), members_.end(), [&](const auto& member) {
    return is_left(*member, stop);
  }));
}

bool RecallGroup::is_away() const {
  return archive_.recalls.away(archive_.clock.now()).contains(medium_);
}

// When the medium has just gone, the rest of them waits for it, or has another copy: the queue
// knows.
bool RecallGroup::ends_early(const std::atomic<bool>& stop) const {
  return stop || (!was_away_ && is_away());
}

// Their space is reserved by one commit.
void RecallGroup::begin() {
  std::vector<Command<void>> commands;
  for (const std::unique_ptr<Member>& member : members_)
    commands.push_back(begin_recall(member->restore, archive_.config().staging_max));
  const std::vector<Status> outcomes = archive_.writer.call_all(std::move(commands));
  for (size_t i = 0; i < members_.size(); ++i) {
    members_[i]->stage = outcomes[i].ok() ? Member::Stage::kBegun : Member::Stage::kEnded;
    if (outcomes[i].ok()) continue;
    const Code code = outcomes[i].error().code;
    if (code == Code::kConflict || code == Code::kNotFound)
      worked_ = true;  // cancelled, or served by the other lane
    else if (code != Code::kNoSpace)
      tell_failed(members_[i]->restore, outcomes[i].error());
    // The other lane took the room: it waits for its next turn.
  }
}

// Side by side, until all are read, it is full, or it ends early. False when none could be: each of
// those that are left waits for its turn.
bool RecallGroup::read_some(Io& io, const std::atomic<bool>& stop) {
  next_ = 0;
  read_ = 0;
  in_vain_ = false;
  since_ = archive_.clock.monotonic();
  readers_.run(io, count_left(stop), [&](Io& own) { read_next(own, stop); });
  return read_ > 0;
}

// One thread's share: whichever nobody has.
void RecallGroup::read_next(Io& io, const std::atomic<bool>& stop) {
  while (!is_full()) {
    const size_t next = next_++;
    if (next >= members_.size()) return;
    if (is_left(*members_[next], stop)) read(io, *members_[next]);
  }
}

// Two lanes may see the same restore when the best copy changes its tier under way: they take
// turns, and the second finds it done. All that could be read has ended by now: none is waited for
// with others' turns in hand.
void RecallGroup::wait_for_a_turn(const std::atomic<bool>& stop) {
  const auto is_waiting = [&](const auto& member) { return is_left(*member, stop); };
  const auto has_turn = [](const auto& member) { return member->turn.has_value(); };
  if (std::any_of(members_.begin(), members_.end(), has_turn)) return;
  const auto first = std::find_if(members_.begin(), members_.end(), is_waiting);
  if (first != members_.end()) (*first)->turn = archive_.part_turns.take((*first)->recording_no);
}

// What there is when its turn comes.
Status RecallGroup::look(Member& member) {
  HOLDFAST_ASSIGN(index, archive_.index.take());
  HOLDFAST_ASSIGN(row, find_restore(*index, member.restore));
  if (!row || row->state != RestoreState::kRecalling) {
    member.end();  // cancelled, or served, meanwhile
    worked_ = true;
    return {};
  }
  HOLDFAST_ASSIGN(recording, find_recording(*index, row->recording_no));
  member.row = *std::move(row);
  if (!recording) return Error{Code::kNotFound, "the recording is gone"};
  member.recording = *std::move(recording);
  return {};
}

// All of its parts, or those that there is place for. Nothing while another has its turn.
void RecallGroup::read(Io& io, Member& member) {
  if (!member.turn) member.turn = archive_.part_turns.try_take(member.recording_no);
  if (!member.turn) return;
  ++read_;
  if (member.stage == Member::Stage::kBegun) {
    member.outcome = look(member);
    if (member.stage == Member::Stage::kEnded) return;
    member.stage = Member::Stage::kReading;
    if (member.outcome.ok()) {
      member.on_board = std::make_unique<ReadingOnBoard>(
          archive_.recalls, member.restore,
          expected_bytes(member.recording, archive_.standard_medium(),
                         archive_.recalls.away(archive_.clock.now())));
      member.outcome = clear_the_way(io, member.recording);
    }
  }
  if (member.outcome.ok()) member.outcome = stage(io, member);
  if (!member.outcome.ok()) in_vain_ = true;
  const bool has_more = member.outcome.ok() && member.next_part < member.recording.part_rows.size();
  if (!has_more) {
    member.stage = Member::Stage::kRead;
  } else if (!member.has_place) {
    member.stage = Member::Stage::kBegun;  // it was full: it may still be given back
    member.on_board.reset();
  }
}

// However slow the clock's owner is, a round reads something.
bool RecallGroup::is_full() const {
  if (places_ == 0) return false;
  return places_ >= kPartsTogether ||
         archive_.clock.monotonic().count - since_.count >= kWaitsForOthers.count;
}

// False when it is full.
bool RecallGroup::take_place() {
  if (is_full()) return false;
  if (++places_ <= kPartsTogether) return true;
  --places_;
  return false;
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
  PartStager stager(archive_);
  for (; member.next_part < member.recording.part_rows.size(); ++member.next_part) {
    const int part = member.recording.part_rows[member.next_part].part;
    if (has_plain_copy(member.recording, part, archive_.standard_medium())) continue;
    if (!take_place()) return {};
    member.has_place = true;
    HOLDFAST_ASSIGN(staged,
                    stager.stage(io, member.restore, member.recording, part, member.waits_until));
    if (!staged.is_of_first) in_vain_ = true;
    const std::lock_guard lock(mutex_);
    unpublished_.push_back(ReadPart{&member, std::move(staged)});
  }
  return {};
}

// What each of them took, which an estimate must know. They were read side by side, and synced
// together: beside what its own attaching took, each has a share of the time, as it was to be
// expected of it. Nobody knows what of the time went by in vain, if some did: it says nothing then.
void RecallGroup::add_samples(const std::vector<ReadPart*>& parts) {
  if (in_vain_) return;
  auto shared = static_cast<double>(archive_.clock.monotonic().count - since_.count);
  double expected = 0;
  for (const ReadPart* read : parts) {
    shared -= static_cast<double>(read->part.attach.count);
    expected += expected_of(read->part);
  }
  shared = std::max(shared, 0.0);
  double before = 0;
  for (const ReadPart* read : parts) {
    const double after = before + expected_of(read->part);
    RecallSampleRow& sample = read->member->samples[read->part.medium];
    // Of the sum, so that no share is lost to rounding.
    const int64_t share =
        std::llround(shared * after / expected) - std::llround(shared * before / expected);
    sample.bytes += read->part.bytes;
    sample.elapsed = Millis(sample.elapsed.count + read->part.attach.count + share);
    sample.attach = Millis(sample.attach.count + read->part.attach.count);
    before = after;
  }
}

// All that was read becomes durable, for those of which nothing failed.
void RecallGroup::publish(Io& io) {
  std::vector<ReadPart*> parts;
  std::vector<PartWriter*> writers;
  for (ReadPart& read : unpublished_) {
    if (!read.member->outcome.ok()) {
      abandon(io, read.part.writer);
      continue;
    }
    parts.push_back(&read);
    writers.push_back(&read.part.writer);
  }
  std::vector<Status> outcomes;
  if (!writers.empty()) outcomes = archive_.standard.publish_staged(io, writers);
  add_samples(parts);
  for (size_t i = 0; i < parts.size(); ++i) {
    Member& member = *parts[i]->member;
    member.published.push_back(writers[i]->part().part);
    if (outcomes[i].ok()) continue;
    if (member.outcome.ok()) member.outcome = of_staging(outcomes[i].error());
    abandon(io, *writers[i]);
  }
  unpublished_.clear();
  places_ = 0;
}

void RecallGroup::end_those_read(Io& io) {
  publish(io);
  std::vector<Member*> staged;
  std::vector<Command<RestoreRow>> commands;
  for (const std::unique_ptr<Member>& member : members_) {
    if (member->stage != Member::Stage::kRead || !member->outcome.ok()) continue;
    commands.push_back(
        restore_staged(member->restore, archive_.standard_medium(), member->published));
    staged.push_back(member.get());
  }
  const std::vector<Result<RestoreRow>> rows = archive_.writer.call_all(std::move(commands));
  for (size_t i = 0; i < staged.size(); ++i) {
    if (rows[i].ok()) continue;
    const Error& error = rows[i].error();
    // Something stands in its way since its turn came: the next try clears it. It is no fault of
    // any copy. Or nobody waits for it any more, and no try follows.
    staged[i]->outcome =
        error.code == Code::kConflict ? Error{Code::kUnavailable, error.message} : error;
    // A commit of which nobody knows whether it was made may speak of what was staged.
    if (error.code == Code::kUnavailable)
      staged[i]->perhaps_told = std::exchange(staged[i]->published, {});
  }
  std::erase_if(staged, [](const Member* member) { return !member->outcome.ok(); });
  end_staged(staged);
  std::vector<Member*> failed;
  for (const std::unique_ptr<Member>& member : members_)
    if (member->stage == Member::Stage::kRead) failed.push_back(member.get());
  end_failed(io, failed);
}

void RecallGroup::end_staged(const std::vector<Member*>& staged) {
  std::vector<Command<void>> samples;
  for (Member* member : staged) {
    worked_ = true;
    tell(member->recording);
    count_staged(member->row);
    for (const auto& [medium, sample] : member->samples) {
      RecallSampleRow row = sample;
      row.at = archive_.clock.now();
      row.recordings = 1;
      samples.push_back(add_recall_sample(medium, row));
    }
  }
  for (const Status& kept : archive_.writer.call_all(std::move(samples)))
    if (!kept.ok()) log::warning("restore: {}", kept.error().message);
  for (Member* member : staged) member->end();
}

// They wait, are tried again, or have failed for good, which is told to those who wait. No row
// speaks of what was staged of them.
void RecallGroup::end_failed(Io& io, const std::vector<Member*>& failed) {
  const auto is_tried_again = [](const Member& member) {
    return traits(member.outcome.error().code).retryable && member.row.attempts + 1 < kAttemptsMax;
  };
  std::vector<Command<void>> commands;
  for (const Member* member : failed) {
    for (int part : member->published)
      if (Status discarded =
              archive_.standard.discard_staged(io, PartId{member->recording.recording, part});
          !discarded.ok())
        log::warning("restore {}: {}", member->restore.text(), discarded.error().message);
    const std::string& why = member->outcome.error().message;
    if (member->waits_until)
      commands.push_back(restores_wait({member->restore}, why, *member->waits_until));
    else if (is_tried_again(*member))
      commands.push_back(restore_retry(member->restore, why,
                                       archive_.clock.now() + backoff(member->row.attempts + 1)));
    else
      commands.push_back(restore_failed(member->restore, why));
  }
  const std::vector<Status> kept = archive_.writer.call_all(std::move(commands));
  for (size_t i = 0; i < failed.size(); ++i) {
    Member& member = *failed[i];
    // The writer has answered since: what was unknown is known.
    if (kept[i].ok() || kept[i].error().code != Code::kUnavailable) discard_untold(io, member);
    RestoreMeters& meters = archive_.meters.of(member.row.tier);
    const bool is_cancelled = !kept[i].ok() && kept[i].error().code == Code::kConflict;
    if (is_cancelled) {
      worked_ = true;  // nobody waits for it
    } else if (!kept[i].ok()) {
      tell_failed(member.restore, kept[i].error());
    } else if (member.waits_until) {
      worked_ = true;
      meters.waited.add();
    } else {
      tell_failed(member.restore, member.outcome.error());
      (is_tried_again(member) ? meters.waited : meters.failed).add();
      if (!is_tried_again(member)) {
        archive_.meters.estimates.take(member.restore);
        if (member.recording.recording_no == member.recording_no) tell(member.recording);
      }
    }
    member.end();
  }
}

// What is left of a commit that failed: nobody would look for it before the next start, not even
// who destroys the recording.
void RecallGroup::discard_untold(Io& io, const Member& member) {
  if (member.perhaps_told.empty()) return;
  const Status discarded = [&]() -> Status {
    std::vector<CopyRow> copies;
    {
      HOLDFAST_ASSIGN(index, archive_.index.take());
      HOLDFAST_ASSIGN(found, list_copies(*index, member.recording.recording_no));
      copies = std::move(found);
    }
    for (int part : member.perhaps_told) {
      const bool is_told = std::any_of(copies.begin(), copies.end(), [&](const CopyRow& copy) {
        return copy.part == part && copy.medium == archive_.standard_medium();
      });
      if (is_told) continue;
      HOLDFAST_TRY(archive_.standard.discard_staged(io, PartId{member.recording.recording, part}));
    }
    return {};
  }();
  if (!discarded.ok())
    log::warning("restore {}: {}", member.restore.text(), discarded.error().message);
}

// Those that were begun and not read; one whose turn another has stays as it is, and comes first
// in the next look. They have used up no try.
void RecallGroup::put_back() {
  std::vector<RestoreId> restores;
  std::vector<Turns::Turn> turns;
  for (const std::unique_ptr<Member>& member : members_) {
    if (member->stage != Member::Stage::kBegun) continue;
    std::optional<Turns::Turn> turn = std::move(member->turn);
    member->turn.reset();
    if (!turn) turn = archive_.part_turns.try_take(member->recording_no);
    if (!turn) continue;
    turns.push_back(*std::move(turn));
    restores.push_back(member->restore);
  }
  if (restores.empty()) return;
  worked_ = true;  // one may have another copy
  const Status waiting = archive_.writer.call(restores_wait(restores, "", archive_.clock.now()));
  if (!waiting.ok()) log::warning("restores: {}", waiting.error().message);
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

}  // namespace holdfast
