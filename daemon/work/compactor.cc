#include "daemon/work/compactor.h"

#include <algorithm>
#include <thread>

#include "base/limits.h"
#include "base/log.h"
#include "daemon/work/interruption.h"
#include "daemon/work/quarantine.h"
#include "daemon/work/recalled_member.h"
#include "index/commands/packs.h"
#include "index/commands/repairs.h"
#include "index/read/work.h"

namespace holdfast {
namespace {

// Under way: begun, and the last step went well. Their packs are not moved meanwhile.
constexpr int kRewritesAtOnce = 4;
// Of those that are set back so many are asked in a turn: nearly all of them cost a look.
constexpr int kAskedAtOnce = 256;
constexpr int kMembersPage = 1000;

Millis wait_after(int attempts) {
  int64_t wait = limits::kRepairWaitMs;
  for (int i = 0; i < attempts && wait < limits::kRepairWaitMsMax; ++i) wait *= 2;
  return Millis(std::min(wait, limits::kRepairWaitMsMax));
}

int encoders() {
  const auto cores = static_cast<int>(std::thread::hardware_concurrency());
  return std::clamp(cores, 1, limits::kPackEncodersMax);
}

bool is_lost(const PackCopyRow& copy) { return copy.medium_state == MediumState::kLost; }

// All members that the pack has on the medium.
Status each_member(Database& index, const PackId& pack, const MediumId& medium,
                   const std::function<void(const PackMemberRow&)>& visit) {
  MemberKey after;
  while (true) {
    HOLDFAST_ASSIGN(page, pack_members(index, pack, medium, after, kMembersPage));
    for (const PackMemberRow& member : page) visit(member);
    if (page.size() < static_cast<size_t>(kMembersPage)) return {};
    after = MemberKey{page.back().recording_no, page.back().part};
  }
}

}  // namespace

void Compactor::run(Io& io) {
  const Interruptible stops(io, at_stop(stop_));
  while (!stop_) {
    Result<bool> more = run_once(io);
    if (!more.ok()) {
      log::error("compaction: {}", more.error().message);
      return;
    }
    if (!*more) return;
  }
}

Result<bool> Compactor::run_once(Io& io) {
  std::vector<RewriteRow> under_way;
  {
    HOLDFAST_ASSIGN(index, archive_.index.take());
    HOLDFAST_ASSIGN(found, rewrites_under_way(*index, archive_.clock.now(), kRewritesAtOnce));
    under_way = std::move(found);
  }
  int room = kRewritesAtOnce;
  bool worked = false;
  bool is_left = false;
  for (const RewriteRow& row : under_way) {
    if (stop_) return false;
    HOLDFAST_ASSIGN(advanced, try_advance(io, row));
    worked |= advanced;
    is_left |= left_the_rest_;
    room -= advanced ? 1 : 0;
  }
  HOLDFAST_ASSIGN(gone_on, ask_set_back(io, room, is_left));
  worked |= gone_on;
  // What was just left as it is may be due again: the next turn begins after a rest.
  if (stop_ || room <= 0 || is_left) return worked;
  HOLDFAST_ASSIGN(begun, begin_due(room));
  return worked || begun;
}

// One that can go on again takes a place; one that cannot leaves it to the next, and to those that
// are due. Whoever was asked is ready no more.
Result<bool> Compactor::ask_set_back(Io& io, int& room, bool& is_left) {
  bool worked = false;
  for (int asked = 0; room > 0 && asked < kAskedAtOnce;) {
    std::vector<RewriteRow> page;
    {
      HOLDFAST_ASSIGN(index, archive_.index.take());
      HOLDFAST_ASSIGN(found, rewrites_set_back(*index, archive_.clock.now(), room));
      page = std::move(found);
    }
    if (page.empty()) break;
    for (const RewriteRow& row : page) {
      if (stop_) return false;
      HOLDFAST_ASSIGN(advanced, try_advance(io, row));
      ++asked;
      worked |= advanced;
      is_left |= left_the_rest_;
      room -= advanced ? 1 : 0;
    }
  }
  return worked;
}

// False: the step did not go well, and the row is set back, or was interrupted; or the rest was
// left.
Result<bool> Compactor::try_advance(Io& io, const RewriteRow& row) {
  interrupted_ = false;
  left_the_rest_ = false;
  Status advanced = advance(io, row);
  if (advanced.ok()) {
    if (!row.error.empty()) HOLDFAST_TRY(archive_.writer.call(rewrite_went_on(row.pack)));
    return !left_the_rest_;
  }
  if (interrupted_) {  // it is ready as it was
    log::info("the rewriting of pack {} is interrupted: {}", row.pack.text(),
              advanced.error().message);
    return false;
  }
  log::warning("rewrite pack {}: {}", row.pack.text(), advanced.error().message);
  SetBack back;
  back.error = advanced.error().message;
  // What only waits (away, paused, a move) is looked at as often as before.
  back.is_waiting = advanced.error().code == Code::kUnavailable;
  back.not_before = archive_.clock.now() + wait_after(back.is_waiting ? 0 : row.attempts);
  HOLDFAST_TRY(archive_.writer.call(rewrite_failed(row.pack, std::move(back))));
  return false;
}

Result<bool> Compactor::begin_due(int limit) {
  CompactionDue due;
  due.dead_permille = int64_t{1000} - int64_t{10} * archive_.config().compact_below;
  due.dead_for = archive_.config().erase_within;
  for (const Tier tier : {Tier::kWarm, Tier::kCold})
    if (archive_.gate.stopped(tier)) due.stopped.push_back(tier);
  std::vector<PackId> packs;
  {
    HOLDFAST_ASSIGN(index, archive_.index.take());
    HOLDFAST_ASSIGN(found, packs_to_compact(*index, due, limit));
    packs = std::move(found);
  }
  for (const PackId& pack : packs)
    HOLDFAST_TRY(archive_.writer.call(begin_rewrite(pack, archive_.random.id<PackId>())));
  return !packs.empty();
}

Result<std::optional<Compactor::Standing>> Compactor::look(const RewriteRow& row) {
  Standing standing;
  HOLDFAST_ASSIGN(index, archive_.index.take());
  HOLDFAST_ASSIGN(old, find_pack(*index, row.pack));
  if (!old) return std::optional<Standing>();
  standing.old = *std::move(old);
  HOLDFAST_ASSIGN(fresh, find_pack(*index, row.new_pack));
  standing.fresh = std::move(fresh);
  HOLDFAST_ASSIGN(old_copies, pack_copies(*index, row.pack));
  standing.old_copies = std::move(old_copies);
  std::erase_if(standing.old_copies, is_lost);
  HOLDFAST_ASSIGN(new_copies, pack_copies(*index, row.new_pack));
  standing.new_copies = std::move(new_copies);
  HOLDFAST_ASSIGN(moves, moves_of_pack(*index, row.pack));
  for (const MoveRow& move : moves)
    standing.is_moving |= move.state != MoveState::kSwitched && move.state != MoveState::kReleased;
  HOLDFAST_TRY(look_at_members(*index, row, standing));
  return std::optional<Standing>(std::move(standing));
}

// They are the same on every medium, but for those that are in a new pack already.
Status Compactor::look_at_members(Database& index, const RewriteRow& row, Standing& standing) {
  std::map<MemberPart, PackMemberRow> members;
  for (const PackCopyRow& copy : standing.old_copies) {
    std::set<MemberPart>& living = standing.lives_on[copy.medium];
    HOLDFAST_TRY(each_member(index, row.pack, copy.medium, [&](const PackMemberRow& member) {
      const MemberPart key(member.recording_no, member.part);
      if (member.state != RecordingState::kDestroying) living.insert(key);
      members.emplace(key, member);
    }));
  }
  for (auto& [key, member] : members) {
    if (member.state == RecordingState::kDestroying)
      standing.dead.push_back(member.recording_no);
    else
      standing.living.push_back(std::move(member));
  }
  for (const PackCopyRow& copy : standing.new_copies)
    HOLDFAST_TRY(each_member(index, row.new_pack, copy.medium, [&](const PackMemberRow& member) {
      standing.rewritten.emplace(member.recording_no, member.part);
    }));
  return {};
}

// The new pack was given up, or no copy of it is good any more: what still is in the old one is
// written as another.
bool Compactor::must_begin_anew(const Standing& standing) {
  if (!standing.fresh || standing.old_copies.empty()) return false;
  if (standing.fresh->state != PackState::kSealed) return true;
  return !standing.living.empty() && !has_good_copy(standing.new_copies);
}

Status Compactor::advance(Io& io, const RewriteRow& row) {
  for (const PackId& pack : {row.pack, row.new_pack}) HOLDFAST_TRY(give_up_lost(io, pack));
  HOLDFAST_ASSIGN(found, look(row));
  if (!found) return archive_.writer.call(finish_rewrite(row.pack));
  Standing& standing = *found;
  if (must_begin_anew(standing)) {
    HOLDFAST_TRY(archive_.writer.call(begin_rewrite(row.pack, archive_.random.id<PackId>())));
    return {};
  }
  dead_[row.pack].insert(standing.dead.begin(), standing.dead.end());
  HOLDFAST_TRY(remove_going(io, standing));
  if (standing.old_copies.empty()) return standing.going.ok() ? finish(io, row) : standing.going;
  // Those that only wait are forgotten; what is under way comes first.
  if (standing.is_moving) HOLDFAST_TRY(archive_.writer.call(begin_rewrite(row.pack, row.new_pack)));
  if (standing.is_moving) return Error{Code::kUnavailable, "a move of it is under way"};
  if (standing.living.empty()) return release_dead(io, row, standing);
  if (!has_good_copy(standing.old_copies)) return salvage(io, row, standing);
  if (is_over(standing)) return leave_the_rest(io, row, standing);
  return write_where_it_can(io, row, standing);
}

// What a lost medium had of the pack keeps no rewriting from its end.
Status Compactor::give_up_lost(Io& io, const PackId& pack) {
  std::vector<PackCopyRow> copies;
  {
    HOLDFAST_ASSIGN(index, archive_.index.take());
    HOLDFAST_ASSIGN(found, pack_copies(*index, pack));
    copies = std::move(found);
  }
  for (const PackCopyRow& copy : copies) {
    if (!is_lost(copy)) continue;
    HOLDFAST_ASSIGN(permit, archive_.writer.call(give_up_lost_pack(pack, copy.medium, kWho)));
    if (permit) HOLDFAST_TRY(remover_.remove_pack(io, *permit, copy.location));
  }
  return {};
}

// What was released and is there yet. One on a medium that is away holds up no other.
Status Compactor::remove_going(Io& io, Standing& standing) {
  for (const PackCopyRow& copy : standing.old_copies) {
    if (copy.state != CopyState::kReleasing) continue;
    const ReleasePolicy policy{archive_.config().copies_before_release};
    HOLDFAST_ASSIGN(permit,
                    archive_.writer.call(release_pack(copy.pack, copy.medium, policy, kWho)));
    Status removed = remover_.remove_pack(io, permit, copy.location);
    if (!removed.ok() && removed.error().code != Code::kUnavailable) return removed;
    if (!removed.ok()) standing.going = std::move(removed);
  }
  std::erase_if(standing.old_copies,
                [](const PackCopyRow& copy) { return copy.state == CopyState::kReleasing; });
  return {};
}

// The media that may be worked with now, the fastest first. `waits`: what there is to wait for.
std::vector<const PackCopyRow*> Compactor::places(const Standing& standing, Status& waits) const {
  std::vector<const PackCopyRow*> out;
  waits = Error{Code::kUnavailable, "the media that it still lies on are not attached"};
  for (const PackCopyRow& copy : standing.old_copies) {
    if (archive_.keeper_of(copy.medium) == nullptr) continue;
    if (const auto stopped = archive_.gate.stopped(copy.tier))
      waits = Error{Code::kUnavailable, *stopped};
    else
      out.push_back(&copy);
  }
  std::stable_sort(out.begin(), out.end(),
                   [](const PackCopyRow* a, const PackCopyRow* b) { return a->tier < b->tier; });
  return out;
}

// One medium; one that is away leaves the step to the next. Nothing is encoded for none. Where
// nobody living is in the old pack (they were salvaged there) it only goes.
Status Compactor::write_where_it_can(Io& io, const RewriteRow& row, const Standing& standing) {
  Status waits;
  for (const PackCopyRow* place : places(standing, waits)) {
    Status done = archive_.keeper_of(place->medium)->use(io, [](PackSession&) { return Status(); });
    if (done.ok()) {
      const Interruptible pauses(io, at_pause(archive_.gate, place->tier));
      if (standing.lives_on.at(place->medium).empty())
        done = release_dead_from(io, row, standing, place->medium);
      else
        done = standing.new_copies.empty() ? write_first(io, row, standing, *place)
                                           : copy_on(io, standing, *place);
      interrupted_ = !done.ok() && io.interruption().has_value();
    }
    if (done.ok() || interrupted_ || done.error().code != Code::kUnavailable || stop_) return done;
    waits = std::move(done);
  }
  return waits;
}

// Nobody living is in it: it goes from every medium. One that is away holds up no other.
Status Compactor::release_dead(Io& io, const RewriteRow& row, const Standing& standing) {
  Status waits = standing.going;
  for (const PackCopyRow& copy : standing.old_copies) {
    Status released = release_dead_from(io, row, standing, copy.medium);
    if (!released.ok() && released.error().code != Code::kUnavailable) return released;
    if (!released.ok()) waits = std::move(released);
  }
  return waits.ok() ? finish(io, row) : waits;
}

Status Compactor::release_dead_from(Io& io, const RewriteRow& row, const Standing& standing,
                                    const MediumId& medium) {
  if (row.is_written && !standing.fresh) HOLDFAST_TRY(remove_strays(io, row, medium));
  return remover_.release_pack_from(io, row.pack, medium, kWho);
}

// A new pack that was being written when the last of its members was destroyed: no row speaks of
// it.
Status Compactor::remove_strays(Io& io, const RewriteRow& row, const MediumId& medium) {
  SessionKeeper* keeper = archive_.keeper_of(medium);
  if (keeper == nullptr)
    return Error{Code::kUnavailable, "medium " + medium.text() + " is not attached"};
  std::vector<ShownPack> strays;
  HOLDFAST_TRY(keeper->use(io, [&](PackSession& session) {
    return session.list(io, [&](const ShownPack& shown) -> Status {
      if (shown.pack == row.new_pack) strays.push_back(shown);
      return {};
    });
  }));
  for (const ShownPack& stray : strays) {
    HOLDFAST_ASSIGN(permit, archive_.writer.call(permit_stray_pack(row.new_pack, medium)));
    HOLDFAST_TRY(keeper->use(
        io, [&](PackSession& session) { return session.remove(io, stray.location, permit); }));
  }
  return {};
}

Result<pack::BuiltPack> Compactor::build(Io& io, const RewriteRow& row, const Standing& standing,
                                         std::vector<pack::PlannedPart> parts, Tier tier) {
  pack::PackPlan plan;
  plan.pack_id = row.new_pack;
  plan.archive_id = archive_.id;
  plan.sealed_at = row.begun_at;
  plan.parts = std::move(parts);
  HOLDFAST_TRY(archive_.standard_root.require_room(io, standing.old.size));
  HOLDFAST_ASSIGN(scratch, archive_.standard_root.current(io));
  pack::BuildOptions options;
  options.encoders = encoders();
  options.before_each_file = [stops = at_stop(stop_),
                              pauses = at_pause(archive_.gate, tier)]() -> Status {
    for (const Interruption& why : {stops, pauses})
      if (auto ends = why()) return *std::move(ends);
    return {};
  };
  return pack::build_pack(io, std::move(plan), scratch->get(), options);
}

Status Compactor::write_first(Io& io, const RewriteRow& row, const Standing& standing,
                              const PackCopyRow& place) {
  // First: where the index takes no commit, no pack is read and encoded in vain at every try.
  HOLDFAST_TRY(archive_.writer.call(rewrite_written(row.pack)));
  const Result<pack::BuiltPack> built = build_living(io, row, standing, place.tier);
  if (built.ok()) return write_built(io, row, standing, place, *built);
  if (!row.is_written) HOLDFAST_TRY(archive_.writer.call(rewrite_not_written(row.pack)));
  return built.error();
}

Result<pack::BuiltPack> Compactor::build_living(Io& io, const RewriteRow& row,
                                                const Standing& standing, Tier tier) {
  HOLDFAST_ASSIGN(recalled,
                  recall_pack(io, archive_, standing.old,
                              recall_sources(archive_, standing.old_copies, std::nullopt)));
  std::vector<pack::PlannedPart> parts;
  for (const PackMemberRow& member : standing.living) {
    HOLDFAST_ASSIGN(part, recalled_member(io, archive_, recalled, member));
    parts.push_back(std::move(part));
  }
  return build(io, row, standing, std::move(parts), tier);
}

// Of a bad pack somebody may stay in the old one: it goes when nobody does.
RewrittenPack Compactor::rewritten_pack(SealedPack sealed, const Standing& standing) {
  RewrittenPack rewritten;
  rewritten.pack = std::move(sealed);
  rewritten.release_old = has_good_copy(standing.old_copies);
  return rewritten;
}

Status Compactor::write_built(Io& io, const RewriteRow& row, const Standing& standing,
                              const PackCopyRow& place, const pack::BuiltPack& built) {
  SealedPack sealed;
  sealed.pack = row.new_pack;
  sealed.size = built.size();
  for (const pack::StoredPart& part : built.parts())
    sealed.members.push_back({part.recording_id,
                              part.part,
                              {part.offset, part.length},
                              {part.metadata_offset, part.metadata_length}});
  Digest digest;
  const PackSource source = [&](const ByteSink& sink) -> Status {
    HOLDFAST_ASSIGN(written, built.write(io, sink));
    digest = written;
    return {};
  };
  return take_place(
      io, place, rewritten_pack(std::move(sealed), standing), source, [&] { return digest; },
      standing.fresh.has_value());
}

// The same bytes on the next medium.
Status Compactor::copy_on(Io& io, const Standing& standing, const PackCopyRow& place) {
  const PackRow& fresh = standing.fresh.value();
  const std::vector<PackCopyRow> sources =
      recall_sources(archive_, standing.new_copies, std::nullopt);
  HOLDFAST_ASSIGN(recalled, recall_pack(io, archive_, fresh, sources));
  SealedPack sealed;
  sealed.pack = fresh.pack;
  sealed.size = fresh.size;
  {
    // As it was recalled: a medium that was declared lost has forgotten some.
    HOLDFAST_ASSIGN(index, archive_.index.take());
    HOLDFAST_TRY(
        each_member(*index, fresh.pack, sources.front().medium, [&](const PackMemberRow& member) {
          sealed.members.push_back({member.recording, member.part,
                                    member.audio.value_or(PackSpan()),
                                    member.metadata.value_or(PackSpan())});
        }));
  }
  return take_place(
      io, place, rewritten_pack(std::move(sealed), standing), source_of(io, recalled),
      [&] { return fresh.sha256; }, true);
}

// Building took its time: the new pack may be known, or given up, by now.
Status Compactor::refuse_if_changed(const PackId& fresh, bool is_known) {
  HOLDFAST_ASSIGN(index, archive_.index.take());
  HOLDFAST_ASSIGN(row, find_pack(*index, fresh));
  const bool is_same = is_known ? row && row->state == PackState::kSealed : !row;
  if (is_same) return {};
  return Error{Code::kUnavailable, "pack " + fresh.text() + " changed while it was being written"};
}

// The new pack is written beside the old one, re-read, and takes its place; the old one goes.
Status Compactor::take_place(Io& io, const PackCopyRow& place, RewrittenPack rewritten,
                             const PackSource& source, const std::function<Digest()>& digest,
                             bool is_known) {
  SealedPack& sealed = rewritten.pack;
  SessionKeeper* keeper = archive_.keeper_of(place.medium);
  HOLDFAST_TRY(keeper->use(io, [&](PackSession& session) -> Status {
    HOLDFAST_TRY(refuse_if_changed(sealed.pack, is_known));
    HOLDFAST_ASSIGN(location, session.append(io, sealed.pack, sealed.size, source));
    sealed.location = location;
    sealed.sha256 = digest();
    HOLDFAST_ASSIGN(mode, session.verify(io, location, sealed.size, sealed.sha256));
    rewritten.mode = mode;
    return {};
  }));
  if (rewritten.mode == VerifyMode::kNone)
    return Error{Code::kUnavailable, "medium " + place.medium.text() +
                                         " cannot be re-read past the page cache: what is written "
                                         "there proves nothing"};
  sealed.medium = place.medium;
  const size_t members = sealed.members.size();
  const PackId fresh = sealed.pack;
  rewritten.from = place.pack;
  archive_.source.expect(rewritten.pack);
  auto permit = archive_.writer.call(rewrite_pack(std::move(rewritten), kWho));
  // Of an unknown outcome the writer may still have to replay the line.
  if (permit.ok() || permit.error().code != Code::kUnavailable)
    archive_.source.expect_no_more(fresh);
  HOLDFAST_TRY(permit.ok() ? Status() : Status(permit.error()));
  HOLDFAST_TRY(tell_members(archive_, fresh, place.medium));
  log::info("pack {} on medium {} was rewritten as {}, with {} members", place.pack.text(),
            place.medium.text(), fresh.text(), members);
  if (!*permit) return {};
  return remover_.remove_pack(io, **permit, place.location);
}

Status Compactor::finish(Io& io, const RewriteRow& row) {
  // What is left to destroy after a restart was destroyed by it.
  for (const RecordingNo number : dead_[row.pack]) {
    const Turns::Turn turn = archive_.part_turns.take(number);
    Status destroyed = remover_.destroy(io, number, kWho);
    if (destroyed.ok() || destroyed.error().code == Code::kNotFound ||
        destroyed.error().code == Code::kConflict)
      continue;
    return destroyed.error().within("destroy a member of pack " + row.pack.text());
  }
  dead_.erase(row.pack);
  return archive_.writer.call(finish_rewrite(row.pack));
}

}  // namespace holdfast
