#include "daemon/work/mover.h"

#include <algorithm>

#include "base/limits.h"
#include "base/log.h"
#include "index/commands/ingest.h"
#include "index/commands/moves.h"
#include "index/commands/packs.h"
#include "index/read/recordings.h"
#include "index/read/work.h"

namespace holdfast {
namespace {

bool is_removal(StepKind kind) {
  return kind == StepKind::kReleaseStandard || kind == StepKind::kReleaseWarmPack ||
         kind == StepKind::kEvictStaged;
}

}  // namespace

void Mover::run(Io& io) {
  while (!stop_) {
    Result<bool> more = run_once(io);
    if (!more.ok()) {
      log::error("mover: {}", more.error().message);
      return;
    }
    if (!*more) return;
  }
}

Result<bool> Mover::run_once(Io& io) {
  const UnixMillis now = archive_.clock.now();
  HOLDFAST_TRY(give_up_bad_packs(io));
  if (archive_.left_in_trash.any())
    if (Status settled = remover_.settle_trash(io); !settled.ok())
      log::warning("settle the trash: {}", settled.error().message);
  HOLDFAST_ASSIGN(destroyed, remover_.destroy_condemned(io));
  if (removal_failed_ || !destroyed) {
    HOLDFAST_ASSIGN(removed, remover_.resume_removals(io));
    removal_failed_ = !removed;
  } else {
    // Staged copies of a restore that was given up: the decision is committed, the rest is ours.
    HOLDFAST_ASSIGN(released, remover_.resume_releasing(io));
    removal_failed_ = !released;
  }
  DueRows rows;
  {
    HOLDFAST_ASSIGN(index, archive_.index.take());
    HOLDFAST_ASSIGN(gathered, gather_due_rows(io, archive_, *index, now));
    rows = std::move(gathered);
  }
  HOLDFAST_ASSIGN(finished, destroy_what_lies_nowhere(io, rows));
  std::vector<PlannedStep> steps = plan_steps(rows.input, archive_.policy(), now);
  drop_closed_steps(steps);
  HOLDFAST_TRY(assign(rows, steps));
  bool worked = finished;
  int released = 0;
  for (const PlannedStep& step : steps) {
    if (stop_) return false;
    Status done = execute(io, step);
    const bool is_of_pack =
        step.kind == StepKind::kCopyPackToCold || step.kind == StepKind::kReleaseWarmPack;
    // It is being rewritten: later.
    if (!done.ok() && is_of_pack && done.error().code == Code::kConflict) continue;
    if (!done.ok()) {
      log::warning("{}: {}", word(step.kind), done.error().message);
      // Its row may be releasing by now, and then no scan finds it due again.
      removal_failed_ |= is_removal(step.kind);
    } else {
      worked = true;
      released += step.kind == StepKind::kReleaseStandard;
    }
  }
  tell_space(rows.input, released);
  HOLDFAST_TRY(look_again_later(rows, steps));
  HOLDFAST_TRY(look_at_packs_later(rows, steps));
  // A full page of rows that had to wait may hide others that need not.
  const bool is_full = rows.recordings.size() >= static_cast<size_t>(limits::kPolicyScanRows);
  return worked || is_full;
}

// Their last copy went with a pack that was released, given up or lost, and no rewriting waits for
// them. What does not go now is due again.
Result<bool> Mover::destroy_what_lies_nowhere(Io& io, const DueRows& rows) {
  bool worked = false;
  for (const RecordingRow& row : rows.recordings) {
    if (row.state != RecordingState::kDestroying) continue;
    if (stop_) break;
    const Turns::Turn turn = archive_.part_turns.take(row.recording_no);
    Status destroyed = remover_.destroy(io, row.recording_no, std::string(kWho));
    worked |= destroyed.ok();
    if (!destroyed.ok() && destroyed.error().code != Code::kNotFound)
      log::warning("destroy recording {}: {}", row.recording.text(), destroyed.error().message);
  }
  return worked;
}

// Releases alone: what behind a closed gate is only gathered or planned waits there as a move.
void Mover::drop_closed_steps(std::vector<PlannedStep>& steps) const {
  const UnixMillis now = archive_.clock.now();
  std::erase_if(steps, [&](const PlannedStep& step) {
    const bool is_release =
        step.kind == StepKind::kReleaseStandard || step.kind == StepKind::kReleaseWarmPack;
    return is_release && archive_.gate.closed(*edge_of(step.kind), now);
  });
}

void Mover::tell_space(const PolicyInput& input, int released) {
  const bool is_full =
      input.standard_space && is_over_full_mark(*input.standard_space, archive_.policy());
  const bool nothing_leaves = is_full && released == 0;
  if (nothing_leaves && !archive_.gate.nothing_leaves())
    log::error("the standard tier is over {} % full and nothing on it may leave: ingest is refused",
               archive_.policy().full_percent);
  archive_.gate.set_nothing_leaves(nothing_leaves);
}

// Assignments are grouped: one command per pack, however many members it takes.
Status Mover::assign(const DueRows& rows, const std::vector<PlannedStep>& steps) {
  struct Group {
    PackRef pack;
    std::string cohort;
    std::vector<PartKey> members;
  };
  std::map<RecordingId, RecordingNo> numbers;
  for (const RecordingRow& row : rows.recordings) numbers.emplace(row.recording, row.recording_no);
  std::map<std::string, Group> groups;
  fresh_packs_.clear();
  for (const PlannedStep& step : steps) {
    if (step.kind != StepKind::kAssignToPack) continue;
    const std::string key =
        step.pack->existing ? step.pack->existing->text() : std::to_string(step.pack->fresh);
    Group& group = groups[key];
    group.pack = *step.pack;
    group.cohort = step.cohort;
    group.members.push_back(PartKey{numbers.at(*step.recording), step.part});
  }
  for (auto& [key, group] : groups) {
    PackId pack = group.pack.existing.value_or(PackId());
    if (!group.pack.existing) {
      pack = archive_.random.id<PackId>();
      fresh_packs_[group.pack.fresh] = pack;
      const OpenPack request{pack, group.cohort, archive_.warm->backend().medium(),
                             archive_.clock.now() + archive_.policy().pack_seal_after};
      HOLDFAST_TRY(archive_.writer.call(open_pack(request)));
    }
    HOLDFAST_ASSIGN(assigned, archive_.writer.call(assign_members(pack, std::move(group.members))));
    // Not placed yet, or destroyed meanwhile: not in every scan from now on.
    for (const PartKey& skipped : assigned.skipped)
      HOLDFAST_TRY(archive_.writer.call(
          set_recording_action(skipped.recording, archive_.clock.now() + seconds(5))));
  }
  return {};
}

Status Mover::execute(Io& io, const PlannedStep& step) {
  switch (step.kind) {
    case StepKind::kAssignToPack:
      return {};  // done together, before
    case StepKind::kSealPack:
      return plan_pack_move(
          step.pack->existing ? *step.pack->existing : fresh_packs_.at(step.pack->fresh),
          archive_.standard_medium(), archive_.warm->backend().medium());
    case StepKind::kReleaseStandard:
      return release_standard(io, step);
    case StepKind::kCopyPackToCold:
      return plan_pack_move(*step.pack->existing, archive_.warm->backend().medium(),
                            archive_.cold->backend().medium());
    case StepKind::kReleaseWarmPack:
      return release_warm(io, *step.pack->existing);
    case StepKind::kEvictStaged: {
      std::optional<RestoreRow> restore;
      {
        HOLDFAST_ASSIGN(index, archive_.index.take());
        HOLDFAST_ASSIGN(recording, find_recording(*index, *step.recording));
        if (recording) restore = recording->restore;
      }
      return restore ? remover_.evict(io, *restore) : Status();
    }
  }
  return {};
}

Status Mover::plan_pack_move(const PackId& pack, const MediumId& from, const MediumId& to) {
  const bool was_due = from != archive_.standard_medium();
  auto planned = archive_.writer.call(plan_move(PlanMove{pack, from, to, was_due}));
  if (planned.ok()) return {};
  if (was_due && planned.error().code == Code::kConflict)
    HOLDFAST_TRY(archive_.writer.call(set_pack_action(pack, archive_.clock.now() + minutes(10))));
  return planned.error();
}

Status Mover::release_standard(Io& io, const PlannedStep& step) {
  std::optional<RecordingRow> row;
  {
    HOLDFAST_ASSIGN(index, archive_.index.take());
    HOLDFAST_ASSIGN(found, find_recording_row(*index, *step.recording));
    row = std::move(found);
  }
  if (!row) return {};
  // The repairer may be putting a good copy in the place of a bad one.
  const Turns::Turn turn = archive_.part_turns.take(row->recording_no);
  std::optional<Recording> recording;
  {
    HOLDFAST_ASSIGN(index, archive_.index.take());
    HOLDFAST_ASSIGN(found, find_recording(*index, row->recording_no));
    recording = std::move(found);
  }
  if (!recording) return {};
  HOLDFAST_TRY(remover_.release_standard(io, *recording, step.part, kWho));
  for (const CopyRow& copy : recording->copies)
    if (copy.part == step.part && copy.pack) HOLDFAST_TRY(finish_moves_of(*copy.pack));
  return {};
}

Status Mover::release_warm(Io& io, const PackId& pack) {
  if (Status released = remover_.release_warm_pack(io, pack, kWho); !released.ok()) {
    HOLDFAST_TRY(archive_.writer.call(set_pack_action(pack, archive_.clock.now() + minutes(10))));
    return released;
  }
  HOLDFAST_TRY(archive_.writer.call(set_pack_action(pack, std::nullopt)));
  return finish_moves_of(pack);
}

// A pack whose source copies are all gone has moved.
Status Mover::finish_moves_of(const PackId& pack) {
  std::vector<MoveRow> moves;
  {
    HOLDFAST_ASSIGN(index, archive_.index.take());
    HOLDFAST_ASSIGN(found, moves_of_pack(*index, pack));
    moves = std::move(found);
  }
  for (const MoveRow& move : moves) {
    if (move.state != MoveState::kSwitched) continue;
    Status finished = archive_.writer.call(finish_move(move.move_no));
    if (!finished.ok() && finished.error().code != Code::kConflict) return finished;
  }
  return {};
}

// In a minute; not before the window of the edge opens.
UnixMillis Mover::next_release_try(UnixMillis now) const {
  const std::optional<Closed> closed = archive_.gate.closed(Edge::kStandardToWarm, now);
  return std::max(now + minutes(1), closed && closed->until ? *closed->until : now);
}

// A due row for which nothing can be done now is looked at when something may have changed, so
// that it does not stand in every scan.
Status Mover::look_again_later(const DueRows& rows, const std::vector<PlannedStep>& steps) {
  const UnixMillis now = archive_.clock.now();
  const UnixMillis next_try = next_release_try(now);
  std::set<std::pair<RecordingId, int>> assigned;
  std::set<RecordingId> stepped;
  for (const PlannedStep& step : steps) {
    if (!step.recording || step.kind != StepKind::kAssignToPack) continue;
    assigned.emplace(*step.recording, step.part);
    stepped.insert(*step.recording);
  }
  for (const RecordingRow& recording : rows.recordings) {
    std::optional<UnixMillis> next;
    // One that is not placed yet will be in a moment; a condemned one may be held and live again.
    if (recording.state == RecordingState::kCommitted)
      next = now + seconds(5);
    else if (recording.state != RecordingState::kLive)
      next = now + minutes(10);
    for (const PolicyPart& part : rows.input.standard) {
      if (part.recording != recording.recording) continue;
      if (assigned.contains({part.recording, part.part})) continue;
      std::optional<UnixMillis> at = next_action_at(part, archive_.policy());
      // Due and still here: its step failed, or may not be done yet. The next try is not at once.
      if (at && *at <= now) at = next_try;
      if (at && (!next || *at < *next)) next = at;
    }
    // Assigning took it out of the due rows. What another has set meanwhile stands.
    const bool was_stepped = stepped.contains(recording.recording);
    if (was_stepped && !next) continue;
    const std::optional<UnixMillis> seen = was_stepped ? std::nullopt : recording.next_action_at;
    Status set = archive_.writer.call(replace_recording_action(recording.recording_no, seen, next));
    if (!set.ok() && set.error().code != Code::kNotFound) return set;
  }
  return {};
}

// The same for packs; those that had a step were set by it. One that is not verified yet stays due:
// it is wanted as soon as it is.
Status Mover::look_at_packs_later(const DueRows& rows, const std::vector<PlannedStep>& steps) {
  const UnixMillis now = archive_.clock.now();
  std::set<PackId> stepped;
  for (const PlannedStep& step : steps)
    if (step.pack && step.pack->existing) stepped.insert(*step.pack->existing);
  for (const PackRow& pack : rows.packs) {
    if (stepped.contains(pack.pack)) continue;
    std::optional<UnixMillis> next;
    const auto row = std::find_if(rows.input.warm_packs.begin(), rows.input.warm_packs.end(),
                                  [&](const PolicyWarmPack& one) { return one.pack == pack.pack; });
    if (row != rows.input.warm_packs.end()) {
      next = next_action_at(*row, archive_.policy());
      if (next && *next <= now) continue;
    } else {
      bool is_coming = false;
      HOLDFAST_ASSIGN(index, archive_.index.take());
      HOLDFAST_ASSIGN(copies, pack_copies(*index, pack.pack));
      for (const PackCopyRow& copy : copies)
        is_coming |=
            copy.medium == archive_.warm->backend().medium() && copy.state == CopyState::kCopied;
      if (is_coming) continue;
    }
    HOLDFAST_TRY(archive_.writer.call(replace_pack_action(pack.pack, pack.next_action_at, next)));
  }
  return {};
}

// New packs that were found bad: their re-reading left them to us.
Status Mover::give_up_bad_packs(Io& io) {
  if (archive_.gate.closed(Edge::kStandardToWarm, archive_.clock.now())) return {};
  std::vector<MoveRow> bad;
  {
    HOLDFAST_ASSIGN(index, archive_.index.take());
    HOLDFAST_ASSIGN(copied, ready_moves(*index, MoveState::kCopied, Tier::kStandard,
                                        archive_.clock.now(), limits::kOpenPacksMax));
    for (const MoveRow& move : copied) {
      HOLDFAST_ASSIGN(copies, pack_copies(*index, move.pack));
      for (const PackCopyRow& copy : copies)
        if (copy.medium == move.to &&
            (copy.state == CopyState::kQuarantined || copy.state == CopyState::kReleasing))
          bad.push_back(move);
    }
  }
  for (const MoveRow& move : bad) {
    Status done = give_up_pack(io, move);
    if (done.ok()) continue;
    log::warning("give up pack {}: {}", move.pack.text(), done.error().message);
    HOLDFAST_TRY(archive_.writer.call(fail_move(move.move_no, done.error())));
  }
  return {};
}

// A new pack that is bad: it goes, and its members are due again.
Status Mover::give_up_pack(Io& io, const MoveRow& move) {
  Status abandoned = remover_.abandon_pack(io, move.pack, move.to, kWho);
  if (abandoned.ok()) {
    log::error("pack {} was bad on medium {} from the start: its members go into another pack",
               move.pack.text(), move.to.text());
    return {};
  }
  const Error& error = abandoned.error();
  // A member has no other good copy now; that may change, so it is tried again.
  if (error.code == Code::kLocked) return Error{Code::kUnavailable, error.message};
  removal_failed_ = true;  // the permit may be committed: the next turn carries on
  return error;
}

}  // namespace holdfast
