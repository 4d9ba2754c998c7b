// The half of compaction that has no good copy to work from: what is whole of a pack that is bad
// wherever it lies goes into a new one, the rest stays.
//
//   no copy is good ──▶ the bad copies' remains are recalled; each member that is whole in one of
//                       them, or of which each file is whole in some, or that stands on the
//                       standard tier, is encoded into the new pack, which is written, re-read, and
//                       takes the place of the old one for these members (pack.rewritten)
//     for every other medium that is here ──▶ the new pack's bytes are copied there
//   nobody living is in the old pack any more ──▶ it goes, as after every rewriting
//   somebody is ──▶ the row goes; the old pack stays where it is, as it is, quarantined, with those
//                   that could not be read
//
// Invariants
// - No byte of the old pack is written, and it is not removed while a living member is in it (P2).
// - A member leaves it only for a pack that was re-read, with files that were proven by the digests
//   of their ingest (P5).
#include <algorithm>

#include "base/log.h"
#include "daemon/work/compactor.h"
#include "daemon/work/copy_check.h"
#include "daemon/work/interruption.h"
#include "daemon/work/pack_source.h"
#include "daemon/work/recalled_member.h"
#include "index/commands/repairs.h"

namespace holdfast {
namespace {

bool lies_on(const std::vector<PackCopyRow>& copies, const MediumId& medium) {
  return std::any_of(copies.begin(), copies.end(),
                     [&](const PackCopyRow& copy) { return copy.medium == medium; });
}

bool is_good(const PackCopyRow& copy) {
  return copy.medium_state != MediumState::kLost &&
         (copy.state == CopyState::kVerified || copy.state == CopyState::kCopied);
}

}  // namespace

bool Compactor::has_good_copy(const std::vector<PackCopyRow>& copies) {
  return std::any_of(copies.begin(), copies.end(), is_good);
}

// Begun to salvage it, and a good copy is there by now; or nobody has left it.
bool Compactor::is_over(const Standing& standing) {
  if (standing.new_copies.empty()) return standing.dead.empty();
  return std::any_of(
      standing.old_copies.begin(), standing.old_copies.end(),
      [&](const PackCopyRow& copy) { return lies_on(standing.new_copies, copy.medium); });
}

// Whether the new pack takes somebody's place on the medium: who was salvaged there before is in
// another one.
bool Compactor::has_any_for(const Standing& standing, const MediumId& medium) {
  const std::set<MemberPart>& living = standing.lives_on.at(medium);
  if (standing.new_copies.empty()) return !living.empty();
  return std::any_of(living.begin(), living.end(),
                     [&](const MemberPart& key) { return standing.rewritten.contains(key); });
}

Status Compactor::salvage(Io& io, const RewriteRow& row, const Standing& standing) {
  std::vector<const PackCopyRow*> places;
  std::optional<std::string> waits;
  for (const PackCopyRow& copy : standing.old_copies) {
    if (lies_on(standing.new_copies, copy.medium) || !has_any_for(standing, copy.medium) ||
        archive_.keeper_of(copy.medium) == nullptr)
      continue;
    if (auto stopped = archive_.gate.stopped(copy.tier))
      waits = *std::move(stopped);
    else
      places.push_back(&copy);
  }
  std::stable_sort(places.begin(), places.end(),
                   [](const PackCopyRow* a, const PackCopyRow* b) { return a->tier < b->tier; });
  for (const PackCopyRow* place : places) {
    const Interruptible pauses(io, at_pause(archive_.gate, place->tier));
    Status done;
    bool is_written = true;
    if (standing.new_copies.empty()) {
      const Result<bool> whole = write_whole(io, row, standing, *place);
      done = whole.ok() ? Status() : Status(whole.error());
      is_written = whole.ok() && *whole;
    } else {
      done = copy_on(io, standing, *place);
    }
    interrupted_ = !done.ok() && io.interruption().has_value();
    if (is_written || !done.ok()) return done;
  }
  if (waits) return Error{Code::kUnavailable, *std::move(waits)};
  return leave_the_rest(io, row, standing);
}

// What every bad copy that is here still gives.
Result<std::vector<RecalledPack>> Compactor::recall_all_remains(Io& io, const Standing& standing) {
  std::vector<RecalledPack> remains;
  std::optional<Error> waits;
  for (const PackCopyRow& copy : standing.old_copies) {
    if (archive_.keeper_of(copy.medium) == nullptr || archive_.gate.stopped(copy.tier)) continue;
    auto recalled = recall_remains(io, archive_, standing.old, copy);
    if (recalled.ok()) {
      remains.push_back(std::move(recalled).value());
      continue;
    }
    if (recalled.error().code == Code::kNoSpace) return recalled.error();
    log::warning("salvage pack {} from medium {}: {}", standing.old.pack.text(), copy.medium.text(),
                 recalled.error().message);
    if (recalled.error().code != Code::kNotFound) waits = recalled.error();
  }
  if (remains.empty() && waits) return *std::move(waits);
  return remains;
}

// From the remains, or from its plain files when they are right.
Result<pack::PlannedPart> Compactor::whole_part(Io& io, const std::vector<RecalledPack>& remains,
                                                const PackMemberRow& member) {
  auto part = recalled_member(io, archive_, remains, member);
  if (part.ok() || part.error().code != Code::kCorrupt) return part;
  HOLDFAST_ASSIGN(plain,
                  check_plain_copy(io, archive_, PlainCopyKey{member.recording_no, member.part}));
  if (plain.verdict == Verdict::kUnproven) return Error{Code::kUnavailable, plain.why};
  return plain.verdict == Verdict::kSound ? planned_part(io, archive_, member) : part;
}

// Of those that the old pack has on the medium; false when none is whole.
Result<bool> Compactor::write_whole(Io& io, const RewriteRow& row, const Standing& standing,
                                    const PackCopyRow& place) {
  HOLDFAST_ASSIGN(remains, recall_all_remains(io, standing));
  std::vector<pack::PlannedPart> parts;
  size_t lost = 0;
  const std::set<MemberPart>& living = standing.lives_on.at(place.medium);
  for (const PackMemberRow& member : standing.living) {
    if (!living.contains(MemberPart(member.recording_no, member.part))) continue;
    auto part = whole_part(io, remains, member);
    if (part.ok()) {
      parts.push_back(std::move(part).value());
      continue;
    }
    if (part.error().code != Code::kCorrupt) return part.error();
    ++lost;
    log::error("recording {} part {} cannot be salvaged from pack {}: {}", member.recording.text(),
               member.part, row.pack.text(), part.error().message);
  }
  if (parts.empty()) return false;
  log::warning("pack {} is bad wherever it lies: {} parts are salvaged, {} stay in it",
               row.pack.text(), parts.size(), lost);
  HOLDFAST_ASSIGN(built, build(io, row, standing, std::move(parts), place.tier));
  HOLDFAST_TRY(archive_.writer.call(rewrite_written(row.pack)));
  HOLDFAST_TRY(write_built(io, row, standing, place, built));
  return true;
}

// Nothing more can be had of it now. Each later try of its repair begins anew. What was half
// written is not forgotten where it cannot be looked for.
Status Compactor::leave_the_rest(Io& io, const RewriteRow& row, const Standing& standing) {
  Status waits;
  if (row.is_written && !standing.fresh)
    for (const PackCopyRow& copy : standing.old_copies) {
      Status removed = remove_strays(io, row, copy.medium);
      if (!removed.ok() && removed.error().code != Code::kUnavailable) return removed;
      if (!removed.ok()) waits = std::move(removed);
    }
  HOLDFAST_TRY(waits);
  HOLDFAST_TRY(archive_.writer.call(end_salvage(row.pack)));
  dead_.erase(row.pack);
  left_the_rest_ = true;
  return {};
}

}  // namespace holdfast
