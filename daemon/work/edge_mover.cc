#include "daemon/work/edge_mover.h"

#include <algorithm>

#include "base/limits.h"
#include "base/log.h"
#include "base/move.h"
#include "index/commands/moves.h"
#include "index/commands/packs.h"
#include "index/read/work.h"

namespace holdfast {
namespace {

constexpr Millis kDebtWaitedFor = seconds(5);  // of a rate; a longer one is paid by a later turn
constexpr int kMovesPerTurn = 64;  // of each state: a turn stays short enough to notice a stop

}  // namespace

bool EdgeMover::run(Io& io) {
  bool worked = false;
  while (!stop_) {
    const Result<bool> more = run_once(io);
    if (!more.ok())
      log::error("moves ({} → {}): {}", word(ends_of(edge_).from), word(ends_of(edge_).to),
                 more.error().message);
    if (!more.ok() || !*more) break;
    worked = true;
  }
  return worked;
}

Result<bool> EdgeMover::run_once(Io& io) {
  pulse_ = &io.pulse();
  probe_suspended(io);
  bool worked = false;
  for (MoveState state : {MoveState::kVerified, MoveState::kCopied, MoveState::kCopying,
                          MoveState::kFailed, MoveState::kPlanned}) {
    if (stop_) return false;
    HOLDFAST_ASSIGN(moved, advance_moves(io, state));
    worked |= moved;
  }
  return worked;
}

// A suspended back-end that answers a probe is asked again. Each edge asks the one it leads to.
void EdgeMover::probe_suspended(Io& io) {
  const Tier tier = ends_of(edge_).to;
  SessionKeeper* keeper = tier == Tier::kWarm ? archive_.warm : archive_.cold;
  if (keeper == nullptr) return;
  BackendHealth& health = archive_.gate.health(tier);
  if (!health.wants_probe()) return;
  const std::string medium = keeper->backend().medium().text();
  Status probed = keeper->use(io, [&](PackSession& session) { return session.probe(io); });
  if (probed.ok()) {
    health.resume();
    log::info("the {} medium {} answers again: its suspension is over", word(tier), medium);
  } else {
    health.probe_failed(probed.error());
    log::warning("the {} medium {} stays suspended: {}", word(tier), medium,
                 probed.error().message);
  }
}

std::optional<Error> EdgeMover::interruption() const {
  if (const auto pause = archive_.gate.paused(edge_)) return Error{Code::kUnavailable, pause->why};
  if (stop_) return Error{Code::kUnavailable, "the daemon stops"};
  return std::nullopt;
}

Status EdgeMover::between_pieces(const SessionKeeper* held) {
  while (true) {
    if (auto why = interruption()) {
      interrupted_ = true;
      return *std::move(why);
    }
    const Millis wait = archive_.gate.wait(edge_);
    if (wait.count <= 0 || (held != nullptr && held->waiting() > 0)) return {};
    archive_.gate.sleep(std::min(wait, seconds(1)));
    if (pulse_ != nullptr) pulse_->beat();  // it waits on purpose
  }
}

ByteSink EdgeMover::paced(const SessionKeeper* held, const ByteSink& sink) {
  return [this, held, &sink](ByteSpan bytes) -> Status {
    HOLDFAST_TRY(between_pieces(held));
    archive_.gate.take(edge_, Bytes(static_cast<int64_t>(bytes.size())));
    archive_.meters.of(edge_).bytes.add(static_cast<int64_t>(bytes.size()));
    return sink(bytes);
  };
}

Result<bool> EdgeMover::advance_moves(Io& io, MoveState state) {
  std::vector<MoveRow> moves;
  {
    HOLDFAST_ASSIGN(index, archive_.index.take());
    HOLDFAST_ASSIGN(ready, ready_moves(*index, state, ends_of(edge_).from, archive_.clock.now(),
                                       kMovesPerTurn));
    moves = std::move(ready);
  }
  bool worked = false;
  for (const MoveRow& move : moves) {
    if (stop_) return false;
    if (archive_.gate.closed(edge_, archive_.clock.now())) return worked;
    // A long debt is no reason to keep the thread: it is looked at again.
    if (archive_.gate.wait(edge_) > kDebtWaitedFor) return worked;
    interrupted_ = false;
    const Status paid = between_pieces(nullptr);  // what was read last is paid for
    Result<bool> advanced = paid.ok() ? advance(io, move) : Result<bool>(paid.error());
    if (interrupted_) {
      log::info("move of pack {} ({}): {}", move.pack.text(), word(move.state),
                advanced.ok() ? "interrupted" : advanced.error().message);
      return worked;
    }
    if (advanced.ok()) {
      worked |= *advanced;
      if (*advanced) archive_.meters.of(edge_).advanced.add();
      continue;
    }
    const Error& error = advanced.error();
    archive_.meters.of(edge_).failed.add();
    log::event(log::Level::kWarning, "move.failed", {{"PACK", move.pack.text()}},
               "move of pack {} ({}): {}", move.pack.text(), word(move.state), error.message);
    HOLDFAST_TRY(archive_.writer.call(fail_move(move.move_no, error)));
  }
  return worked;
}

Result<bool> EdgeMover::advance(Io& io, const MoveRow& move) {
  switch (move.state) {
    case MoveState::kPlanned:
    case MoveState::kCopying:
      HOLDFAST_TRY(edge_ == Edge::kStandardToWarm ? write_pack(io, move) : copy_pack(io, move));
      return true;
    case MoveState::kCopied:
      return verify_pack(io, move);
    case MoveState::kVerified:
      HOLDFAST_TRY(switch_source(move));
      return true;
    case MoveState::kFailed:
      HOLDFAST_TRY(archive_.writer.call(advance_move(move.move_no, MoveEvent::kRetry)));
      return true;
    case MoveState::kSwitched:
    case MoveState::kReleased:
      break;  // its source goes when the policy says so
  }
  return false;
}

Result<std::vector<PackMemberRow>> EdgeMover::members_of(const PackId& pack,
                                                         const MediumId& medium) {
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
Status EdgeMover::switch_source(const MoveRow& move) {
  const auto release_after = [&](const PolicyRule& rule) {
    return edge_ == Edge::kStandardToWarm ? rule.standard_release_after : rule.warm_release_after;
  };
  Millis least = release_after(archive_.policy().common);
  for (const auto& [workspace, rule] : archive_.policy().own)
    least = std::min(least, release_after(rule));
  return archive_.writer.call(switch_move(move.move_no, least));
}

Result<bool> EdgeMover::verify_pack(Io& io, const MoveRow& move) {
  std::optional<PackRow> pack;
  std::optional<PackCopyRow> copy;
  {
    HOLDFAST_ASSIGN(index, archive_.index.take());
    HOLDFAST_ASSIGN(found, find_pack(*index, move.pack));
    pack = std::move(found);
    HOLDFAST_ASSIGN(copies, pack_copies(*index, move.pack));
    for (PackCopyRow& one : copies)
      if (one.medium == move.to) copy = std::move(one);
  }
  // Somebody else found the copy bad: the mover abandons a new pack; another's copy is made again,
  // from where the pack lies well.
  const bool is_bad =
      copy && (copy->state == CopyState::kQuarantined || copy->state == CopyState::kReleasing);
  if (is_bad && edge_ == Edge::kStandardToWarm) return false;
  if (is_bad)
    return Error{Code::kCorrupt, "verify pack " + move.pack.text() + ": its copy is quarantined"};
  SessionKeeper* keeper = archive_.keeper_of(move.to);
  if (!pack || !copy || keeper == nullptr)
    return Error{Code::kUnavailable,
                 "verify pack " + move.pack.text() + ": its medium is not attached"};
  VerifyMode mode = VerifyMode::kNone;
  Status verified = keeper->use(io, [&](PackSession& session) -> Status {
    HOLDFAST_ASSIGN(how, session.verify(io, copy->location, pack->size, pack->sha256));
    mode = how;
    return {};
  });
  archive_.gate.take(keeper->backend().tier(), pack->size);
  if (!verified.ok()) {
    HOLDFAST_TRY(not_verified(move, verified.error()));
    return true;
  }
  if (mode == VerifyMode::kNone)
    return Error{Code::kUnavailable,
                 "verify pack " + move.pack.text() +
                     ": the file system keeps it in memory; it cannot be re-read from its medium"};
  HOLDFAST_TRY(archive_.writer.call(pack_verified(move.pack, move.to, mode, kWho)));
  HOLDFAST_TRY(archive_.writer.call(advance_move(move.move_no, MoveEvent::kProved)));
  return true;
}

// What a failed re-read says about the copy. A new pack lies nowhere else, and what it was made
// from still stands: it is read again a few times before it is quarantined, for the mover to
// abandon.
Status EdgeMover::not_verified(const MoveRow& move, const Error& error) {
  const bool is_wrong = error.code == Code::kCorrupt || error.code == Code::kNotFound;
  if (!is_wrong && error.code != Code::kIo) return error;
  const bool is_new = edge_ == Edge::kStandardToWarm;
  const bool may_be_read_yet =
      is_new ? move.attempts + 1 < limits::kFirstVerifyTriesMax : !is_wrong;
  if (may_be_read_yet) return Error{Code::kIo, error.message, error.system_errno};
  HOLDFAST_TRY(archive_.writer.call(pack_quarantined(move.pack, move.to, error.message, kWho)));
  return is_new ? Status() : Status(Error{Code::kCorrupt, error.message});
}

}  // namespace holdfast
