#include "daemon/work/mover.h"

#include <algorithm>

#include "base/limits.h"
#include "base/log.h"
#include "base/move.h"
#include "index/commands/ingest.h"
#include "index/commands/moves.h"
#include "index/commands/packs.h"
#include "index/read/recordings.h"
#include "index/read/work.h"

namespace holdfast {
namespace {

constexpr std::string_view kWho = "system";
constexpr Millis kDebtWaitedFor = seconds(5);  // of a rate; a longer one is paid by a later turn
constexpr int kMovesPerTurn = 64;  // of each state: a turn stays short enough to notice a stop

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
  pulse_ = &io.pulse();
  const UnixMillis now = archive_.clock.now();
  probe_suspended(io);
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
  std::vector<PlannedStep> steps = plan_steps(rows.input, archive_.policy(), now);
  drop_closed_steps(steps);
  HOLDFAST_TRY(assign(rows, steps));
  bool worked = false;
  int released = 0;
  for (const PlannedStep& step : steps) {
    if (stop_) return false;
    if (Status done = execute(io, step); !done.ok()) {
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
  HOLDFAST_ASSIGN(moved, advance_moves(io));
  // A full page of rows that had to wait may hide others that need not.
  const bool is_full = rows.recordings.size() >= static_cast<size_t>(limits::kPolicyScanRows);
  return worked || moved || is_full;
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

// A suspended back-end that answers a probe is asked again.
void Mover::probe_suspended(Io& io) {
  for (SessionKeeper* keeper : {archive_.warm, archive_.cold}) {
    if (keeper == nullptr) continue;
    const Tier tier = keeper->backend().tier();
    BackendHealth& health = archive_.gate.health(tier);
    if (!health.wants_probe()) continue;
    Status probed = keeper->use(io, [&](PackSession& session) { return session.probe(io); });
    if (probed.ok()) {
      health.resume();
      log::info("the {} medium {} answers again: its suspension is over", word(tier),
                keeper->backend().medium().text());
    } else {
      health.probe_failed(probed.error());
      log::warning("the {} medium {} stays suspended: {}", word(tier),
                   keeper->backend().medium().text(), probed.error().message);
    }
  }
}

Status Mover::between_pieces(Edge edge, const std::vector<const SessionKeeper*>& media) {
  while (true) {
    std::string why;
    if (stop_) why = "the daemon stops";
    if (const auto pause = archive_.gate.paused(edge)) why = pause->why;
    if (!why.empty()) {
      interrupted_ = true;
      return Error{Code::kUnavailable, why};
    }
    const Millis wait = archive_.gate.wait(edge);
    const bool is_wanted = std::any_of(media.begin(), media.end(),
                                       [](const SessionKeeper* one) { return one->is_wanted(); });
    if (wait.count <= 0 || is_wanted) return {};
    archive_.gate.sleep(std::min(wait, seconds(1)));
    if (pulse_ != nullptr) pulse_->beat();  // it waits on purpose
  }
}

ByteSink Mover::paced(Edge edge, const std::vector<const SessionKeeper*>& media,
                      const ByteSink& sink) {
  return [this, edge, media, &sink](ByteSpan bytes) -> Status {
    HOLDFAST_TRY(between_pieces(edge, media));
    archive_.gate.take(edge, Bytes(static_cast<int64_t>(bytes.size())));
    return sink(bytes);
  };
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
      HOLDFAST_TRY(plan_pack_move(*step.pack->existing, archive_.warm->backend().medium(),
                                  archive_.cold->backend().medium()));
      return archive_.writer.call(set_pack_action(*step.pack->existing, std::nullopt));
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
  HOLDFAST_TRY(archive_.writer.call(plan_move(PlanMove{pack, from, to})));
  return {};
}

Status Mover::release_standard(Io& io, const PlannedStep& step) {
  std::optional<Recording> recording;
  {
    HOLDFAST_ASSIGN(index, archive_.index.take());
    HOLDFAST_ASSIGN(found, find_recording(*index, *step.recording));
    recording = std::move(found);
  }
  if (!recording) return {};
  HOLDFAST_TRY(remover_.release_standard(io, *recording, step.part, std::string(kWho)));
  for (const CopyRow& copy : recording->copies)
    if (copy.part == step.part && copy.pack) HOLDFAST_TRY(finish_moves_of(*copy.pack));
  return {};
}

Status Mover::release_warm(Io& io, const PackId& pack) {
  if (Status released = remover_.release_warm_pack(io, pack, std::string(kWho)); !released.ok()) {
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
  for (const PackId& pack : rows.packs) {
    if (stepped.contains(pack)) continue;
    std::optional<UnixMillis> next;
    const auto row = std::find_if(rows.input.warm_packs.begin(), rows.input.warm_packs.end(),
                                  [&](const PolicyWarmPack& one) { return one.pack == pack; });
    if (row != rows.input.warm_packs.end()) {
      next = next_action_at(*row, archive_.policy());
      if (next && *next <= now) continue;
    } else {
      bool is_coming = false;
      HOLDFAST_ASSIGN(index, archive_.index.take());
      HOLDFAST_ASSIGN(copies, pack_copies(*index, pack));
      for (const PackCopyRow& copy : copies)
        is_coming |=
            copy.medium == archive_.warm->backend().medium() && copy.state == CopyState::kCopied;
      if (is_coming) continue;
    }
    HOLDFAST_TRY(archive_.writer.call(set_pack_action(pack, next)));
  }
  return {};
}

Result<bool> Mover::advance_moves(Io& io) {
  bool worked = false;
  for (MoveState state : {MoveState::kVerified, MoveState::kCopied, MoveState::kCopying,
                          MoveState::kFailed, MoveState::kPlanned})
    for (Edge edge : kEdges) {
      if (stop_) return false;
      HOLDFAST_ASSIGN(moved, advance_moves(io, edge, state));
      worked |= moved;
    }
  return worked;
}

Result<bool> Mover::advance_moves(Io& io, Edge edge, MoveState state) {
  std::vector<MoveRow> moves;
  {
    HOLDFAST_ASSIGN(index, archive_.index.take());
    HOLDFAST_ASSIGN(
        ready, ready_moves(*index, state, ends_of(edge).from, archive_.clock.now(), kMovesPerTurn));
    moves = std::move(ready);
  }
  bool worked = false;
  for (const MoveRow& move : moves) {
    if (stop_) return false;
    if (archive_.gate.closed(edge, archive_.clock.now())) return worked;
    // A long debt of one back-end holds up nothing on the other edge.
    if (archive_.gate.wait(edge) > kDebtWaitedFor) return worked;
    interrupted_ = false;
    Status advanced = between_pieces(edge, {});  // what was read last is paid for
    if (advanced.ok()) advanced = advance(io, move);
    if (interrupted_) {
      log::info("move of pack {} ({}): {}", move.pack.text(), word(move.state),
                advanced.ok() ? "interrupted" : advanced.error().message);
      return worked;
    }
    if (advanced.ok()) {
      worked = true;
      // It may have taken its time: what is urgent gets its turn.
      if (archive_.gate.is_paced(edge)) return worked;
      continue;
    }
    const Error& error = advanced.error();
    log::warning("move of pack {} ({}): {}", move.pack.text(), word(move.state), error.message);
    HOLDFAST_TRY(archive_.writer.call(fail_move(move.move_no, error)));
  }
  return worked;
}

Status Mover::advance(Io& io, const MoveRow& move) {
  switch (move.state) {
    case MoveState::kPlanned:
    case MoveState::kCopying:
      return move.from == archive_.standard_medium() ? write_pack(io, move) : copy_pack(io, move);
    case MoveState::kCopied:
      return verify_pack(io, move);
    case MoveState::kVerified:
      return switch_source(move);
    case MoveState::kFailed:
      return archive_.writer.call(advance_move(move.move_no, MoveEvent::kRetry));
    case MoveState::kSwitched:
    case MoveState::kReleased:
      break;  // its source goes when the policy says so
  }
  return {};
}

Result<std::vector<PackMemberRow>> Mover::members_of(const PackId& pack, const MediumId& medium) {
  constexpr int kPage = 1000;
  std::vector<PackMemberRow> all;
  MemberKey after;
  HOLDFAST_ASSIGN(index, archive_.index.take());
  while (true) {
    HOLDFAST_ASSIGN(page, pack_members(*index, pack, medium, after, kPage));
    all.insert(all.end(), page.begin(), page.end());
    if (page.size() < static_cast<size_t>(kPage)) return all;
    after = MemberKey{page.back().recording_no, page.back().part};
  }
}

// The members are looked at when the first of them may be due; the policy then says when each is.
Status Mover::switch_source(const MoveRow& move) {
  const auto release_after = [&](const PolicyRule& rule) {
    return move.from == archive_.standard_medium() ? rule.standard_release_after
                                                   : rule.warm_release_after;
  };
  Millis least = release_after(archive_.policy().common);
  for (const auto& [workspace, rule] : archive_.policy().own)
    least = std::min(least, release_after(rule));
  return archive_.writer.call(switch_move(move.move_no, least));
}

Status Mover::verify_pack(Io& io, const MoveRow& move) {
  std::optional<PackRow> pack;
  std::optional<PackLocation> location;
  bool is_bad = false;
  {
    HOLDFAST_ASSIGN(index, archive_.index.take());
    HOLDFAST_ASSIGN(found, find_pack(*index, move.pack));
    pack = std::move(found);
    HOLDFAST_ASSIGN(copies, pack_copies(*index, move.pack));
    for (const PackCopyRow& copy : copies) {
      if (copy.medium != move.to) continue;
      location = copy.location;
      is_bad = copy.state == CopyState::kQuarantined || copy.state == CopyState::kReleasing;
    }
  }
  // Somebody else found the copy bad: a new pack's members are packed anew, another's copy is made
  // again, from where the pack lies well.
  if (is_bad && is_new_pack(move)) return give_up_pack(io, move);
  if (is_bad)
    return Error{Code::kCorrupt, "verify pack " + move.pack.text() + ": its copy is quarantined"};
  SessionKeeper* keeper = archive_.keeper_of(move.to);
  if (!pack || !location || keeper == nullptr)
    return Error{Code::kUnavailable,
                 "verify pack " + move.pack.text() + ": its medium is not attached"};
  VerifyMode mode = VerifyMode::kNone;
  Status verified = keeper->use(io, [&](PackSession& session) -> Status {
    HOLDFAST_ASSIGN(how, session.verify(io, *location, pack->size, pack->sha256));
    mode = how;
    return {};
  });
  archive_.gate.take(keeper->backend().tier(), pack->size);
  if (!verified.ok()) return not_verified(io, move, verified.error());
  if (mode == VerifyMode::kNone)
    return Error{Code::kUnavailable,
                 "verify pack " + move.pack.text() +
                     ": the file system keeps it in memory; it cannot be re-read from its medium"};
  HOLDFAST_TRY(archive_.writer.call(pack_verified(move.pack, move.to, mode, std::string(kWho))));
  return archive_.writer.call(advance_move(move.move_no, MoveEvent::kProved));
}

bool Mover::is_new_pack(const MoveRow& move) const {
  return move.from == archive_.standard_medium();
}

// What a failed re-read says about the copy. A new pack lies nowhere else, and what it was made
// from still stands: it is read again a few times before it is given up.
Status Mover::not_verified(Io& io, const MoveRow& move, const Error& error) {
  const bool is_wrong = error.code == Code::kCorrupt || error.code == Code::kNotFound;
  if (!is_wrong && error.code != Code::kIo) return error;
  const bool may_be_read_yet =
      is_new_pack(move) ? move.attempts + 1 < limits::kFirstVerifyTriesMax : !is_wrong;
  if (may_be_read_yet) return Error{Code::kIo, error.message, error.system_errno};
  HOLDFAST_TRY(
      archive_.writer.call(pack_quarantined(move.pack, move.to, error.message, std::string(kWho))));
  if (is_new_pack(move)) return give_up_pack(io, move);
  return Error{Code::kCorrupt, error.message};
}

// A new pack that is bad: it goes, and its members are due again.
Status Mover::give_up_pack(Io& io, const MoveRow& move) {
  Status abandoned = remover_.abandon_pack(io, move.pack, move.to, std::string(kWho));
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
