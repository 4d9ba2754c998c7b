#include "daemon/work/repairer.h"

#include <algorithm>

#include "base/limits.h"
#include "base/log.h"
#include "daemon/work/copy_check.h"
#include "daemon/work/interruption.h"
#include "daemon/work/part_extraction.h"
#include "daemon/work/quarantine.h"
#include "daemon/work/recall_queue.h"
#include "index/commands/copies.h"
#include "index/commands/packs.h"
#include "index/commands/repairs.h"
#include "index/read/recordings.h"
#include "index/read/work.h"
#include "tiers/pack/reader.h"

namespace holdfast {
namespace {

Millis wait_after(int attempts) {
  int64_t wait = limits::kRepairWaitMs;
  for (int i = 0; i < attempts && wait < limits::kRepairWaitMsMax; ++i) wait *= 2;
  return Millis(std::min(wait, limits::kRepairWaitMsMax));
}

// A failure to write the repaired copy blames no copy.
Error of_repair(const Error& error) {
  const bool blames_bytes = error.code == Code::kCorrupt || error.code == Code::kNotFound ||
                            error.code == Code::kConflict;
  return Error{blames_bytes ? Code::kIo : error.code, "write the repaired copy: " + error.message,
               error.system_errno};
}

// What was written for a repair and did not take the bad copy's place goes, however it ended.
class RepairRoom {
 public:
  RepairRoom(Io& io, StandardTree& standard, const PartId& part)
      : io_(io), standard_(standard), part_(part) {}
  ~RepairRoom() {
    if (Status done = standard_.discard_repair(io_, part_); !done.ok())
      log::warning("discard what was written to repair {}: {}", part_.text(), done.error().message);
  }
  RepairRoom(const RepairRoom&) = delete;
  RepairRoom& operator=(const RepairRoom&) = delete;

 private:
  Io& io_;
  StandardTree& standard_;
  const PartId part_;
};

// Whether the member was re-read on the standard tier, right now and past the page cache.
Status proven(const CopyCheck& check, const PackId& pack, const PackMemberRow& member) {
  if (check.verdict == Verdict::kSound) return {};
  return Error{check.verdict == Verdict::kUnproven ? Code::kUnavailable : Code::kCorrupt,
               "pack " + pack.text() + " has no other good copy, and recording " +
                   member.recording.text() + " part " + std::to_string(member.part) +
                   " on the standard tier is " + std::string(word(check.verdict)) +
                   (check.why.empty() ? "" : ": " + check.why)};
}

Place place_of(const Recording& recording, int part) {
  return Place{recording.home, recording.day, recording.call_sid, part};
}

}  // namespace

void Repairer::run(Io& io) {
  const Interruptible stops(io, at_stop(stop_));
  while (!stop_) {
    Result<bool> more = run_once(io);
    if (!more.ok()) {
      log::error("repair: {}", more.error().message);
      return;
    }
    if (!*more) return;
  }
}

Result<bool> Repairer::run_once(Io& io) {
  std::vector<QuarantineRow> due;
  {
    HOLDFAST_ASSIGN(index, archive_.index.take());
    HOLDFAST_ASSIGN(found, due_repairs(*index, archive_.clock.now(), limits::kRepairsPerTurn));
    due = std::move(found);
  }
  bool worked = false;
  for (const QuarantineRow& row : due) {
    if (stop_) return false;
    const auto closed = archive_.gate.stopped(row.tier);
    const Interruptible pauses(io, at_pause(archive_.gate, row.tier));
    Status repaired = closed ? Status(Error{Code::kUnavailable, *closed}) : repair(io, row);
    worked |= repaired.ok();
    if (repaired.ok()) continue;
    if (!closed && io.interruption()) {  // it is due as it was
      log::info("the repair of a copy on the {} medium {} is interrupted: {}", word(row.tier),
                row.medium.text(), repaired.error().message);
      continue;
    }
    HOLDFAST_TRY(wait_for_next_try(row, repaired.error()));
  }
  if (stop_) return false;
  HOLDFAST_ASSIGN(mirrored, mirror_packs(io));
  return worked || mirrored;
}

Status Repairer::wait_for_next_try(const QuarantineRow& row, const Error& error) {
  // What only has to wait for something (paused, away, a move) is looked at as often as before.
  const Millis wait = wait_after(error.code == Code::kUnavailable ? 0 : row.attempts);
  log::error("a copy on the {} medium {} is still bad ({}): {}", word(row.tier), row.medium.text(),
             row.reason, error.message);
  return archive_.writer.call(
      repair_failed(row.quarantine_no, error.message, archive_.clock.now() + wait));
}

Status Repairer::repair(Io& io, const QuarantineRow& row) {
  if (!row.recording_no) {
    if (row.pack) return repair_pack(io, row, *row.pack);
    return archive_.writer.call(quarantine_over(row.quarantine_no));
  }
  std::optional<Recording> recording;
  {
    HOLDFAST_ASSIGN(index, archive_.index.take());
    HOLDFAST_ASSIGN(found, find_recording(*index, *row.recording_no));
    recording = std::move(found);
  }
  // Gone, leaving, or another took its place: there is no bad copy any more.
  if (!recording || recording->state == RecordingState::kDestroying)
    return archive_.writer.call(quarantine_over(row.quarantine_no));
  for (const CopyRow& copy : recording->copies) {
    if (copy.part != row.part || copy.medium != row.medium) continue;
    if (copy.state != CopyState::kQuarantined) break;
    if (copy.pack) return repair_pack(io, row, *copy.pack);
    return repair_plain(io, row, *recording, copy);
  }
  return archive_.writer.call(quarantine_over(row.quarantine_no));
}

// --- Plain copies

Status Repairer::repair_plain(Io& io, const QuarantineRow& row, const Recording& seen,
                              const CopyRow& copy) {
  if (copy.medium != archive_.standard_medium())
    return Error{Code::kUnavailable, "medium " + copy.medium.text() + " is not attached"};
  // A restorer may want to stage another in its place.
  const Turns::Turn turn = archive_.part_turns.take(seen.recording_no);
  HOLDFAST_ASSIGN(over, release_if_over(io, seen, copy));
  if (over) return archive_.writer.call(quarantine_over(row.quarantine_no));
  const auto as_it_lies =
      reread_part(io, archive_, place_of(seen, copy.part).directory(), seen, copy.part);
  if (as_it_lies.ok() && *as_it_lies != VerifyMode::kNone)
    return archive_.writer.call(
        copy_repaired(seen.recording_no, copy.part, copy.medium, *as_it_lies, kWho));
  return rewrite_plain(io, seen, copy);
}

// A staged copy is staged again for whoever asks; one whose time on the tier is over goes, when the
// guard finds good ones elsewhere.
Result<bool> Repairer::release_if_over(Io& io, const Recording& recording, const CopyRow& copy) {
  const UnixMillis leaves_at =
      recording.ended_at + archive_.policy().rule_of(recording.workspace).standard_release_after;
  if (copy.original && archive_.clock.now() < leaves_at) return false;
  // Without its recording.json nobody knows what to remove: it is made whole first.
  const auto described =
      archive_.standard.read_description(io, place_of(recording, copy.part).directory());
  if (copy.original && !described.ok() && described.error().code == Code::kCorrupt) return false;
  Status released = remover_.release_standard(io, recording, copy.part, kWho);
  if (released.ok()) return true;
  if (released.error().code == Code::kLocked && copy.original) return false;
  return released.error();
}

Status Repairer::rewrite_plain(Io& io, const Recording& recording, const CopyRow& bad) {
  const PartId part{recording.recording, bad.part};
  const RepairRoom room(io, archive_.standard, part);
  Recording remaining = recording;
  Error last{Code::kCorrupt, "recording " + recording.recording.text() + " part " +
                                 std::to_string(bad.part) + " has no other good copy"};
  while (const CopyRow* good = best_pack_copy(remaining, bad.part)) {
    const MediumId medium = good->medium;
    Status extracted = extract_from(io, recording, *good, bad.part);
    if (extracted.ok()) break;
    last = extracted.error();
    HOLDFAST_TRY(archive_.standard.discard_repair(io, part));
    if (last.code == Code::kNoSpace) return last;
    if (last.code == Code::kCorrupt || last.code == Code::kNotFound)
      HOLDFAST_TRY(quarantine_copy(archive_, BadCopy{recording.recording_no, bad.part, medium,
                                                     last.message, good->copied_at}));
    std::erase_if(remaining.copies, [&](const CopyRow& c) { return c.medium == medium; });
  }
  if (best_pack_copy(remaining, bad.part) == nullptr) return last;
  HOLDFAST_ASSIGN(mode, reread_part(io, archive_, repair_directory(part), recording, bad.part));
  if (mode == VerifyMode::kNone)
    return Error{Code::kUnavailable,
                 "the standard medium cannot be re-read past the page cache: what is written there "
                 "proves nothing"};
  HOLDFAST_ASSIGN(permit, archive_.writer.call(
                              permit_copy_repair(recording.recording_no, bad.part, bad.medium)));
  HOLDFAST_TRY(archive_.standard.replace(io, part, place_of(recording, bad.part), permit));
  HOLDFAST_TRY(archive_.writer.call(
      copy_repaired(recording.recording_no, bad.part, bad.medium, mode, kWho)));
  log::info("recording {} part {} is whole again on the standard tier", recording.recording.text(),
            bad.part);
  archive_.changes.publish({Change::Kind::kChanged, recording.recording_no, recording.workspace,
                            recording.day, recording.call_sid});
  return {};
}

// The part's files and recording.json out of the pack, durable in .repair.
Status Repairer::extract_from(Io& io, const Recording& recording, const CopyRow& good, int part) {
  if (const auto why = archive_.gate.stopped(good.tier)) return Error{Code::kUnavailable, *why};
  const Interruptible pauses(io, at_pause(archive_.gate, good.tier));
  SessionKeeper* keeper = archive_.keeper_of(good.medium);
  if (keeper == nullptr)
    return Error{Code::kUnavailable, "medium " + good.medium.text() + " is not attached"};
  Bytes bytes;
  for (const FileRow& file : recording.files)
    if (file.part == part) bytes += file.size;
  HOLDFAST_TRY(archive_.standard_root.require_room(io, bytes));
  auto begun = archive_.standard.begin_repair(io, PartId{recording.recording, part});
  if (!begun.ok()) return of_repair(begun.error());
  PartWriter writer = std::move(begun).value();
  std::string recording_json;
  HOLDFAST_TRY(keeper->use(io, [&](PackSession& session) -> Status {
    HOLDFAST_TRY(
        extract_part(io, writer, recording, part, of_repair, [&](pack::PartExtractor& extractor) {
          return feed_ranges(io, session, good.location, ranges_of(good), extractor);
        }));
    const pack::RangeReader read = [&](const PackRange& range, const ByteSink& sink) {
      return session.read(io, good.location, {range},
                          [&](size_t, ByteSpan piece) { return sink(piece); });
    };
    HOLDFAST_ASSIGN(metadata, pack::read_part_metadata(
                                  read, PackRange{good.metadata->offset, good.metadata->length}));
    recording_json = std::move(metadata.recording_json);
    return {};
  }));
  auto description = parse_recording_json(recording_json);
  if (!description.ok()) return Error{Code::kCorrupt, description.error().message};
  Status finished = writer.finish(io, *description);
  return finished.ok() ? finished : Status(of_repair(finished.error()));
}

// --- Packs

Status Repairer::repair_pack(Io& io, const QuarantineRow& row, const PackId& pack) {
  std::optional<PackRow> known;
  std::optional<PackCopyRow> bad;
  std::vector<PackCopyRow> copies;
  bool is_moving = false;
  bool is_rewritten = false;
  {
    HOLDFAST_ASSIGN(index, archive_.index.take());
    HOLDFAST_ASSIGN(found, find_pack(*index, pack));
    known = std::move(found);
    HOLDFAST_ASSIGN(all, pack_copies(*index, pack));
    copies = std::move(all);
    for (const PackCopyRow& copy : copies)
      if (copy.medium == row.medium) bad = copy;
    HOLDFAST_ASSIGN(moves, moves_of_pack(*index, pack));
    for (const MoveRow& move : moves)
      is_moving |= move.to == row.medium && move.state != MoveState::kSwitched &&
                   move.state != MoveState::kReleased;
    HOLDFAST_ASSIGN(rewrite, find_rewrite(*index, pack));
    is_rewritten = rewrite.has_value();
  }
  if (!known || !bad || bad->state == CopyState::kReleasing)
    return archive_.writer.call(quarantine_over(row.quarantine_no));
  if (is_moving)
    return Error{Code::kUnavailable, "pack " + pack.text() + " is being made anew by its move"};
  const std::vector<PackCopyRow> sources = recall_sources(archive_, copies, row.medium);
  // Without its destroyed members it is made there in any case.
  if (is_rewritten && !sources.empty())
    return Error{Code::kUnavailable, "pack " + pack.text() + " is being rewritten"};

  const auto as_it_lies = reread_pack(io, archive_, *known, *bad);
  if (as_it_lies.ok() && *as_it_lies != VerifyMode::kNone) {
    HOLDFAST_TRY(
        archive_.writer.call(pack_repaired(pack, row.medium, bad->location, *as_it_lies, kWho)));
    log::info("pack {} on medium {} was read back with the right digest", pack.text(),
              row.medium.text());
    return tell_members(archive_, pack, row.medium);
  }
  if (as_it_lies.ok())
    return Error{Code::kUnavailable, "the medium cannot be re-read past the page cache"};
  if (as_it_lies.error().code != Code::kCorrupt) return as_it_lies.error();
  HOLDFAST_TRY(quarantine_pack(archive_, pack, row.medium, as_it_lies.error().message));
  if (!sources.empty()) return replace_pack(io, *known, *bad, sources);
  Status elsewhere = let_members_stand_elsewhere(io, *known, *bad);
  if (elsewhere.ok() || elsewhere.error().code != Code::kCorrupt) return elsewhere;
  for (const PackCopyRow& copy : copies)
    if (copy.medium != row.medium && copy.medium_state != MediumState::kLost &&
        (copy.state == CopyState::kVerified || copy.state == CopyState::kCopied))
      return Error{Code::kUnavailable, "the other copy of pack " + pack.text() + " is on medium " +
                                           copy.medium.text() +
                                           ", which is not attached, or was not re-read yet"};
  return begin_to_salvage(pack, row.medium);
}

// What can be read of it is written into another pack (by the compactor); who stays is told.
Error Repairer::begin_to_salvage(const PackId& pack, const MediumId& medium) {
  constexpr int kNamed = 8;  // an operator begins with some
  if (auto begun = archive_.writer.call(begin_rewrite(pack, archive_.random.id<PackId>()));
      !begun.ok())
    return begun.error();
  auto index = archive_.index.take();
  if (!index.ok()) return index.error();
  auto members = pack_members(**index, pack, medium, MemberKey(), limits::kPolicyScanRows);
  if (!members.ok()) return members.error();
  std::string names;
  int living = 0;
  for (const PackMemberRow& member : *members) {
    if (member.state == RecordingState::kDestroying || ++living > kNamed) continue;
    names += (names.empty() ? "" : ", ") + member.recording.text() + " part " +
             std::to_string(member.part);
  }
  return Error{Code::kCorrupt, "pack " + pack.text() +
                                   " has no other good copy; what can be read of it is written "
                                   "into another pack; in it: " +
                                   names + (living > kNamed ? ", …" : "")};
}

Status Repairer::replace_pack(Io& io, const PackRow& pack, const PackCopyRow& bad,
                              const std::vector<PackCopyRow>& sources) {
  HOLDFAST_ASSIGN(recalled, recall_pack(io, archive_, pack, sources));
  ReplacedPack replaced;
  // The mover removes a released pack in such a session, too: it comes after this one, or it was
  // first and there is no permit.
  HOLDFAST_TRY(archive_.keeper_of(bad.medium)->use(io, [&](PackSession& session) -> Status {
    HOLDFAST_ASSIGN(permit, archive_.writer.call(permit_pack_repair(pack.pack, bad.medium)));
    HOLDFAST_ASSIGN(done, session.replace(io, bad.location, pack.size, pack.sha256,
                                          source_of(io, recalled), permit));
    replaced = done;
    return {};
  }));
  HOLDFAST_TRY(archive_.writer.call(
      pack_repaired(pack.pack, bad.medium, replaced.location, replaced.mode, kWho)));
  log::info("pack {} is whole again on medium {}", pack.pack.text(), bad.medium.text());
  return tell_members(archive_, pack.pack, bad.medium);
}

// No other copy of the pack is good. When each of its members stands well elsewhere, the pack goes
// and they are packed anew; that they do is proven first.
Status Repairer::let_members_stand_elsewhere(Io& io, const PackRow& pack, const PackCopyRow& bad) {
  MemberKey after;
  while (true) {
    std::vector<PackMemberRow> page;
    {
      HOLDFAST_ASSIGN(index, archive_.index.take());
      HOLDFAST_ASSIGN(found,
                      pack_members(*index, pack.pack, bad.medium, after, limits::kPolicyScanRows));
      page = std::move(found);
    }
    for (const PackMemberRow& member : page) {
      if (member.state == RecordingState::kDestroying) continue;
      HOLDFAST_ASSIGN(
          check, check_plain_copy(io, archive_, PlainCopyKey{member.recording_no, member.part}));
      HOLDFAST_TRY(proven(check, pack.pack, member));
    }
    if (page.size() < static_cast<size_t>(limits::kPolicyScanRows)) break;
    after = MemberKey{page.back().recording_no, page.back().part};
  }
  Status released = remover_.release_pack_from(io, pack.pack, bad.medium, kWho);
  if (released.ok()) {
    log::warning(
        "pack {} was bad on medium {} and lay nowhere else: its members stand on the "
        "standard tier and go into another pack",
        pack.pack.text(), bad.medium.text());
    return {};
  }
  if (released.error().code != Code::kLocked) return released;
  return Error{Code::kCorrupt, "pack " + pack.pack.text() + " has no other good copy"};
}

// --- The mirror of warm

Result<bool> Repairer::mirror_packs(Io& io) {
  if (archive_.mirror == nullptr || archive_.gate.stopped(Tier::kWarm)) return false;
  if (archive_.clock.now() < mirror_not_before_) return false;
  std::vector<PackId> packs;
  {
    HOLDFAST_ASSIGN(index, archive_.index.take());
    // Those that wait for their next try may stand before the others.
    const int limit = 1 + static_cast<int>(mirror_pack_not_before_.size());
    HOLDFAST_ASSIGN(found, packs_to_mirror(*index, archive_.warm->backend().medium(), 0, limit));
    packs = std::move(found);
  }
  const Interruptible pauses(io, at_pause(archive_.gate, Tier::kWarm));
  const UnixMillis now = archive_.clock.now();
  std::erase_if(mirror_pack_not_before_, [&](const auto& waits) { return waits.second <= now; });
  for (const PackId& pack : packs) {
    if (stop_) return false;
    if (mirror_pack_not_before_.contains(pack)) continue;
    // One to a turn: repairs and erasure go on in between.
    Status mirrored = mirror_pack(io, pack);
    if (mirrored.ok()) return true;
    log::warning("mirror pack {}: {}", pack.text(), mirrored.error().message);
    if (io.interruption()) return false;  // it is due as it was
    const UnixMillis next_try = archive_.clock.now() + Millis(limits::kRepairWaitMs);
    mirror_pack_not_before_[pack] = next_try;
    const Status is_there = archive_.mirror->use(io, [](PackSession&) { return Status(); });
    if (is_there.ok() && mirrored.error().code != Code::kNoSpace) return true;
    mirror_not_before_ = next_try;
    return false;
  }
  return false;
}

// A source that does not give its bytes is asked in earnest: a bad one is quarantined, and repaired
// or told.
Status Repairer::append_to_mirror(Io& io, const PackRow& pack,
                                  const std::vector<PackCopyRow>& sources, PackLocation& location) {
  auto recalled = recall_pack(io, archive_, pack, sources);
  if (!recalled.ok()) {
    if (recalled.error().code == Code::kUnavailable)
      for (const PackCopyRow& source : sources)
        HOLDFAST_TRY(check_pack_copy(io, archive_, pack.pack, source.medium));
    return recalled.error();
  }
  HOLDFAST_TRY(archive_.mirror->use(io, [&](PackSession& session) -> Status {
    HOLDFAST_ASSIGN(appended, session.append(io, pack.pack, pack.size, source_of(io, *recalled)));
    location = appended;
    return {};
  }));
  return archive_.writer.call(
      pack_copied(pack.pack, archive_.mirror->backend().medium(), location, kWho));
}

// A copy that is bad from the start is quarantined, and made anew as any bad one.
Status Repairer::note_first_reread(const PackId& pack, const MediumId& medium,
                                   const Result<VerifyMode>& mode) {
  if (!mode.ok()) {
    if (mode.error().code != Code::kCorrupt) return mode.error();
    HOLDFAST_TRY(quarantine_pack(archive_, pack, medium, mode.error().message));
    return {};
  }
  if (*mode == VerifyMode::kNone)
    return Error{Code::kUnavailable, "the mirror cannot be re-read past the page cache"};
  return archive_.writer.call(pack_verified(pack, medium, *mode, kWho));
}

Status Repairer::mirror_pack(Io& io, const PackId& pack) {
  const MediumId medium = archive_.mirror->backend().medium();
  std::optional<PackRow> known;
  std::vector<PackCopyRow> copies;
  {
    HOLDFAST_ASSIGN(index, archive_.index.take());
    HOLDFAST_ASSIGN(found, find_pack(*index, pack));
    known = std::move(found);
    HOLDFAST_ASSIGN(all, pack_copies(*index, pack));
    copies = std::move(all);
  }
  if (!known) return {};
  const PackCopyRow* there = nullptr;
  bool is_cold = false;
  for (const PackCopyRow& copy : copies) {
    if (copy.medium == medium) there = &copy;
    is_cold |= copy.tier == Tier::kCold;
  }
  // A pack that is on its way out of warm needs no second copy there.
  if (is_cold && there == nullptr) return archive_.writer.call(pack_mirrored(pack));
  PackLocation location = there == nullptr ? PackLocation() : there->location;
  if (there == nullptr)
    HOLDFAST_TRY(append_to_mirror(io, *known, recall_sources(archive_, copies, medium), location));
  if (there == nullptr || there->state == CopyState::kCopied) {
    PackCopyRow copy;
    copy.pack = pack;
    copy.medium = medium;
    copy.location = location;
    HOLDFAST_TRY(note_first_reread(pack, medium, reread_pack(io, archive_, *known, copy)));
  }
  return archive_.writer.call(pack_mirrored(pack));
}

}  // namespace holdfast
