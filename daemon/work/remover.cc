#include "daemon/work/remover.h"

#include <algorithm>

#include "base/limits.h"
#include "base/log.h"
#include "daemon/work/quarantine.h"
#include "index/commands/copies.h"
#include "index/commands/destruction.h"
#include "index/commands/packs.h"
#include "index/commands/restores.h"
#include "index/read/recordings.h"
#include "index/read/status.h"
#include "index/read/work.h"

namespace holdfast {
namespace {

constexpr int kPage = limits::kPolicyScanRows;

const CopyRow* plain_copy(const Recording& recording, int part, const MediumId& medium) {
  for (const CopyRow& copy : recording.copies)
    if (copy.part == part && copy.medium == medium && !copy.pack) return &copy;
  return nullptr;
}

bool is_staged(const Recording& recording, int part, const MediumId& medium) {
  const CopyRow* copy = plain_copy(recording, part, medium);
  return copy != nullptr && !copy->original;
}

Place place_of(const RecordingRow& recording, int part) {
  return Place{recording.home, recording.day, recording.call_sid, part};
}

}  // namespace

Status Remover::release_standard(Io& io, const Recording& recording, int part,
                                 const std::string& who) {
  const ReleasePolicy policy{archive_.config().copies_before_release};
  HOLDFAST_ASSIGN(permit,
                  archive_.writer.call(release_copy(recording.recording_no, part,
                                                    archive_.standard_medium(), policy, who)));
  HOLDFAST_TRY(remove_plain(io, recording, permit));
  archive_.changes.publish({Change::Kind::kChanged, recording.recording_no, recording.workspace,
                            recording.day, recording.call_sid});
  return {};
}

Status Remover::remove_plain(Io& io, const Recording& recording, const ReleasePermit& permit) {
  if (is_staged(recording, permit.part(), permit.medium())) {
    HOLDFAST_TRY(archive_.standard.remove_staged(io, permit));
  } else {
    HOLDFAST_TRY(archive_.standard.move_to_trash(io, place_of(recording, permit.part()), permit));
    HOLDFAST_TRY(archive_.standard.empty_trash_entry(io, permit));
  }
  return archive_.writer.call(copy_gone(recording.recording_no, permit.part(), permit.medium()));
}

Result<std::optional<PackLocation>> Remover::location_on(const PackId& pack,
                                                         const MediumId& medium) {
  HOLDFAST_ASSIGN(index, archive_.index.take());
  HOLDFAST_ASSIGN(copies, pack_copies(*index, pack));
  std::optional<PackLocation> location;
  for (const PackCopyRow& copy : copies)
    if (copy.medium == medium) location = copy.location;
  return location;
}

Status Remover::abandon_pack(Io& io, const PackId& pack, const MediumId& medium,
                             const std::string& who) {
  HOLDFAST_ASSIGN(location, location_on(pack, medium));
  if (!location) return {};  // gone already
  HOLDFAST_ASSIGN(permit, archive_.writer.call(holdfast::abandon_pack(pack, medium, who)));
  return remove_pack(io, permit, *location);
}

Status Remover::release_warm_pack(Io& io, const PackId& pack, const std::string& who) {
  // The mirror first: it is of the same tier, and what keeps it there keeps both.
  if (archive_.mirror != nullptr)
    HOLDFAST_TRY(release_pack_from(io, pack, archive_.mirror->backend().medium(), who));
  return release_pack_from(io, pack, archive_.warm->backend().medium(), who);
}

Status Remover::release_pack_from(Io& io, const PackId& pack, const MediumId& medium,
                                  const std::string& who) {
  HOLDFAST_ASSIGN(location, location_on(pack, medium));
  if (!location) return {};  // gone already
  const ReleasePolicy policy{archive_.config().copies_before_release};
  HOLDFAST_ASSIGN(permit, archive_.writer.call(release_pack(pack, medium, policy, who)));
  return remove_pack(io, permit, *location);
}

// There is nothing to remove from such a medium.
Result<bool> Remover::was_declared_lost(const MediumId& medium) {
  HOLDFAST_ASSIGN(index, archive_.index.take());
  HOLDFAST_ASSIGN(row, find_medium(*index, medium));
  return row && row->state == MediumState::kLost;
}

// Its members are one tier slower by now.
Status Remover::remove_pack(Io& io, const PackReleasePermit& permit, const PackLocation& location) {
  HOLDFAST_TRY(tell_members(archive_, permit.pack(), permit.medium()));
  HOLDFAST_ASSIGN(is_lost, was_declared_lost(permit.medium()));
  if (!is_lost) {
    SessionKeeper* keeper = archive_.keeper_of(permit.medium());
    if (keeper == nullptr)
      return Error{Code::kUnavailable,
                   "remove pack " + permit.pack().text() + ": its medium is not attached"};
    HOLDFAST_TRY(keeper->use(
        io, [&](PackSession& session) { return session.remove(io, location, permit); }));
  }
  return archive_.writer.call(pack_gone(permit.pack(), permit.medium()));
}

Status Remover::destroy(Io& io, RecordingNo recording_no, const std::string& who) {
  HOLDFAST_TRY(archive_.writer.call(begin_destroying(recording_no, who)));
  HOLDFAST_ASSIGN(permits, archive_.writer.call(permit_destruction(recording_no)));
  std::optional<Recording> recording;
  {
    HOLDFAST_ASSIGN(index, archive_.index.take());
    HOLDFAST_ASSIGN(found, find_recording(*index, recording_no));
    recording = std::move(found);
  }
  if (!recording) return {};  // done by another
  archive_.changes.publish({Change::Kind::kRemoved, recording->recording_no, recording->workspace,
                            recording->day, recording->call_sid});
  for (const ReleasePermit& permit : permits) HOLDFAST_TRY(remove_plain(io, *recording, permit));
  // Of a staged copy whose commit failed no row speaks.
  for (const PartRow& part : recording->part_rows)
    HOLDFAST_TRY(archive_.standard.discard_staged(io, PartId{recording->recording, part.part}));
  Status finished = archive_.writer.call(finish_destroyed(recording_no, who));
  if (!finished.ok() && finished.error().code == Code::kConflict) {
    log::info("destroy: recording {} waits for its packs to be rewritten",
              recording->recording.text());
    return {};
  }
  return finished;
}

Status Remover::evict(Io& io, const RestoreRow& restore) {
  HOLDFAST_ASSIGN(permits,
                  archive_.writer.call(expire_restore(restore.restore, archive_.clock.now())));
  std::optional<Recording> recording;
  {
    HOLDFAST_ASSIGN(index, archive_.index.take());
    HOLDFAST_ASSIGN(found, find_recording(*index, restore.recording_no));
    recording = std::move(found);
  }
  if (!recording) return {};
  for (const ReleasePermit& permit : permits) HOLDFAST_TRY(remove_plain(io, *recording, permit));
  archive_.changes.publish({Change::Kind::kChanged, recording->recording_no, recording->workspace,
                            recording->day, recording->call_sid});
  return {};
}

// What cannot be removed now is tried again by the mover; it does not keep the archive from
// starting.
Status Remover::resume(Io& io) {
  HOLDFAST_TRY(settle_trash(io));
  HOLDFAST_TRY(destroy_condemned(io));
  HOLDFAST_TRY(resume_removals(io));
  return {};
}

Result<bool> Remover::resume_removals(Io& io) {
  HOLDFAST_ASSIGN(released, resume_releasing(io));
  HOLDFAST_ASSIGN(packs, resume_packs(io));
  HOLDFAST_ASSIGN(destroyed, destroy_all(io, RecordingState::kDestroying));
  return released && packs && destroyed;
}

// A .trash entry whose copy is not releasing was never permitted to go.
Status Remover::settle_trash(Io& io) {
  HOLDFAST_ASSIGN(entries, archive_.standard.list_trash(io));
  const LeftParts::Parts before = archive_.left_in_trash.all();
  LeftParts::Parts left;
  Status settled;
  for (const TrashEntry& entry : entries) {
    std::optional<Error> kept;
    HOLDFAST_TRY(put_back(io, entry.part, kept));
    if (!kept) continue;
    // A full disk may stay so; everything else that passes does soon.
    if (settled.ok() && is_passing(*kept) && kept->code != Code::kNoSpace) settled = *kept;
    const auto known = before.find(entry.part);
    if (known == before.end() || known->second.why != kept->message)
      log::error("{} is left in the trash: {}", entry.part.text(), kept->message);
    left[entry.part] = {kept->message, archive_.clock.now(), !is_passing(*kept)};
  }
  archive_.left_in_trash.replace(std::move(left));
  return settled;
}

Result<std::optional<Recording>> Remover::find(const RecordingId& recording) {
  HOLDFAST_ASSIGN(index, archive_.index.take());
  return find_recording(*index, recording);
}

Status Remover::put_back(Io& io, const PartId& part, std::optional<Error>& kept) {
  HOLDFAST_ASSIGN(known, find(part.recording));
  if (!known) return put_back_in_turn(io, part, kept);
  const Turns::Turn turn = archive_.part_turns.take(known->recording_no);
  return put_back_in_turn(io, part, kept);
}

// Nobody else removes or makes a copy of this recording meanwhile.
Status Remover::put_back_in_turn(Io& io, const PartId& part, std::optional<Error>& kept) {
  HOLDFAST_ASSIGN(recording, find(part.recording));
  const CopyRow* copy =
      recording ? plain_copy(*recording, part.part, archive_.standard_medium()) : nullptr;
  if (copy != nullptr && copy->state == CopyState::kReleasing) return {};
  const auto entry = archive_.standard.trash_entry(io, part);
  if (!entry.ok()) return kept = entry.error(), Status();
  if (!*entry) return {};  // it has left meanwhile
  if (copy == nullptr || !copy->original) {
    kept = Error{Code::kConflict, "no row of the index speaks of such a copy"};
    return {};
  }
  const Place place = place_of(*recording, part.part);
  const Result<bool> whole = archive_.standard.has_whole(io, part, place);
  if (!whole.ok()) return kept = whole.error(), Status();
  if (*whole) return {};  // it was made anew; the rest goes with it
  if ((*entry)->description) {
    const Status done = archive_.standard.restore_from_trash(io, part, place);
    if (!done.ok()) return kept = done.error(), Status();
    log::warning("recording {} lay in the trash without a decision: it is put back", part.text());
    archive_.changes.publish({Change::Kind::kChanged, recording->recording_no, recording->workspace,
                              recording->day, recording->call_sid});
    return {};
  }
  kept = (*entry)->unreadable ? *(*entry)->unreadable
                              : Error{Code::kCorrupt, "it was being emptied without a decision"};
  if (is_passing(*kept)) return {};
  // It is kept until the copy is made anew, or can be read after all.
  const BadCopy bad{recording->recording_no, part.part, archive_.standard_medium(),
                    "it lies in the trash: " + kept->message, std::nullopt};
  HOLDFAST_TRY(quarantine_copy(archive_, bad));
  return {};
}

Result<bool> Remover::resume_releasing(Io& io) {
  while (true) {
    std::vector<PlainCopy> copies;
    {
      HOLDFAST_ASSIGN(index, archive_.index.take());
      HOLDFAST_ASSIGN(found, plain_copies_in_state(*index, CopyState::kReleasing, kPage));
      copies = std::move(found);
    }
    size_t failed = 0;
    for (const PlainCopy& copy : copies) {
      if (Status gone = go_on_releasing(io, copy); !gone.ok()) {
        log::warning("release recording {}: {}", copy.recording.text(), gone.error().message);
        ++failed;
      }
    }
    // The page begins again with what failed: when that is all there is, it waits.
    if (copies.size() < static_cast<size_t>(kPage) || failed == copies.size()) return failed == 0;
  }
}

Status Remover::go_on_releasing(Io& io, const PlainCopy& copy) {
  // A restorer may be removing it right now, to stage another in its place.
  const Turns::Turn turn = archive_.part_turns.take(copy.recording_no);
  std::optional<Recording> recording;
  {
    HOLDFAST_ASSIGN(index, archive_.index.take());
    HOLDFAST_ASSIGN(found, find_recording(*index, copy.recording_no));
    recording = std::move(found);
  }
  if (!recording) return {};
  const bool stands =
      std::any_of(recording->copies.begin(), recording->copies.end(), [&](const CopyRow& row) {
        return row.part == copy.part && row.medium == copy.medium && row.state == copy.state;
      });
  if (!stands) return {};
  const ReleasePolicy policy{archive_.config().copies_before_release};
  HOLDFAST_ASSIGN(permit, archive_.writer.call(release_copy(copy.recording_no, copy.part,
                                                            copy.medium, policy, "system")));
  HOLDFAST_TRY(remove_plain(io, *recording, permit));
  archive_.changes.publish({Change::Kind::kChanged, recording->recording_no, recording->workspace,
                            recording->day, recording->call_sid});
  return {};
}

Result<bool> Remover::resume_packs(Io& io) {
  std::vector<PackCopyRow> packs;
  {
    HOLDFAST_ASSIGN(index, archive_.index.take());
    HOLDFAST_ASSIGN(found, pack_copies_in_state(*index, CopyState::kReleasing, kPage));
    packs = std::move(found);
  }
  bool all = true;
  for (const PackCopyRow& copy : packs) {
    const ReleasePolicy policy{archive_.config().copies_before_release};
    auto permit = archive_.writer.call(release_pack(copy.pack, copy.medium, policy, "system"));
    Status removed = permit.ok() ? remove_pack(io, *permit, copy.location) : Status(permit.error());
    if (removed.ok()) continue;
    log::warning("release pack {}: {}", copy.pack.text(), removed.error().message);
    all = false;
  }
  return all;
}

// Condemned recordings whose second commit is still to come.
Result<bool> Remover::destroy_condemned(Io& io) {
  return destroy_all(io, RecordingState::kCondemned);
}

Result<bool> Remover::destroy_all(Io& io, RecordingState state) {
  bool all = true;
  RecordingNo after;
  while (true) {
    std::vector<RecordingRow> rows;
    {
      HOLDFAST_ASSIGN(index, archive_.index.take());
      HOLDFAST_ASSIGN(found, list_in_state(*index, state, after, kPage));
      rows = std::move(found);
    }
    for (const RecordingRow& row : rows) {
      after = row.recording_no;
      const Turns::Turn turn = archive_.part_turns.take(row.recording_no);
      Status destroyed = destroy(io, row.recording_no, "system");
      if (destroyed.ok()) continue;
      // Locked, or live again: a hold came in between, as it may before the second commit.
      const Code code = destroyed.error().code;
      if (state == RecordingState::kCondemned && (code == Code::kLocked || code == Code::kConflict))
        continue;
      log::warning("destroy recording {}: {}", row.recording.text(), destroyed.error().message);
      all = false;
    }
    if (rows.size() < static_cast<size_t>(kPage)) return all;
  }
}

}  // namespace holdfast
