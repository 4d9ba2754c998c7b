// The copying half of the mover: a pack is written from plain files, or copied
// from the medium it lies on.
#include <algorithm>
#include <thread>

#include "base/limits.h"
#include "base/log.h"
#include "daemon/work/mover.h"
#include "daemon/work/pack_source.h"
#include "daemon/work/quarantine.h"
#include "index/commands/moves.h"
#include "index/commands/packs.h"
#include "index/read/recordings.h"
#include "index/read/work.h"
#include "tiers/pack/writer.h"

namespace holdfast {
namespace {

constexpr std::string_view kWho = "system";

int encoders() {
  const auto cores = static_cast<int>(std::thread::hardware_concurrency());
  return std::clamp(cores, 1, limits::kPackEncodersMax);
}

SealedPack sealed_pack(const pack::BuiltPack& built, const MoveRow& move,
                       const PackLocation& location, const Digest& sha256) {
  SealedPack sealed;
  sealed.pack = move.pack;
  sealed.medium = move.to;
  sealed.location = location;
  sealed.size = built.size();
  sealed.sha256 = sha256;
  for (const pack::StoredPart& part : built.parts())
    sealed.members.push_back({part.recording_id,
                              part.part,
                              {part.offset, part.length},
                              {part.metadata_offset, part.metadata_length}});
  return sealed;
}

}  // namespace

// planned/copying → copied: encode the members' plain files into one pack on the warm medium.
Status Mover::write_pack(Io& io, const MoveRow& move) {
  std::optional<PackRow> row;
  {
    HOLDFAST_ASSIGN(index, archive_.index.take());
    HOLDFAST_ASSIGN(found, find_pack(*index, move.pack));
    row = std::move(found);
  }
  if (!row)
    return Error{Code::kNotFound,
                 "write pack " + move.pack.text() + ": the index does not know it"};
  HOLDFAST_TRY(archive_.writer.call(advance_move(move.move_no, MoveEvent::kBegin)));
  // A crash came after the seal and before the move's progress: the pack is durable already.
  if (row->state == PackState::kSealed)
    return archive_.writer.call(advance_move(move.move_no, MoveEvent::kDurable));

  HOLDFAST_ASSIGN(members, members_of(move.pack, move.to));
  if (members.empty()) {
    log::info("pack {} is dropped: every member was destroyed meanwhile", move.pack.text());
    return archive_.writer.call(drop_pack(move.pack));
  }

  pack::PackPlan plan;
  plan.pack_id = move.pack;
  plan.archive_id = archive_.id;
  plan.sealed_at = archive_.clock.now();
  for (const PackMemberRow& member : members) {
    auto part = planned_part(io, archive_, member);
    if (!part.ok()) return drop_bad_members(io, move, members, part.error());
    plan.parts.push_back(std::move(part).value());
  }
  // What is encoded lies on the standard medium until the pack is written.
  HOLDFAST_TRY(archive_.standard_root.require_room(io, row->bytes));
  HOLDFAST_ASSIGN(scratch, archive_.standard_root.current(io));
  auto built = pack::build_pack(io, std::move(plan), scratch->get(), encoders());
  if (!built.ok()) return drop_bad_members(io, move, members, built.error());

  SessionKeeper* keeper = archive_.keeper_of(move.to);
  if (keeper == nullptr)
    return Error{Code::kUnavailable,
                 "write pack " + move.pack.text() + ": its medium is not attached"};
  PackLocation location;
  Digest sha256;
  HOLDFAST_TRY(keeper->use(io, [&](PackSession& session) -> Status {
    const PackSource source = [&](const ByteSink& sink) -> Status {
      HOLDFAST_ASSIGN(digest, built->write(io, paced(Edge::kStandardToWarm, {keeper}, sink)));
      sha256 = digest;
      return {};
    };
    HOLDFAST_ASSIGN(appended, session.append(io, move.pack, built->size(), source));
    location = appended;
    return {};
  }));

  SealedPack sealed = sealed_pack(*built, move, location, sha256);
  PolicyWarmPack ages;
  for (const PackMemberRow& member : members)
    add_member(ages, member.ended_at, archive_.policy().rule_of(member.workspace));
  sealed.next_action_at = next_action_at(ages, archive_.policy());
  auto done = archive_.writer.call(seal_pack(std::move(sealed), std::string(kWho)));
  // A member was destroyed while the pack was written: the next try writes it without that one.
  if (!done.ok() && done.error().code == Code::kConflict)
    return Error{Code::kUnavailable, done.error().message};
  HOLDFAST_TRY(std::move(done));
  return archive_.writer.call(advance_move(move.move_no, MoveEvent::kDurable));
}

// A source that is not what the index acknowledged is quarantined and leaves the pack; the others
// go on at the next try. When every source is right, the error was another's and is returned.
Status Mover::drop_bad_members(Io& io, const MoveRow& move,
                               const std::vector<PackMemberRow>& members, const Error& error) {
  const auto blames_a_source = [](const Error& one) {
    return one.code == Code::kCorrupt || one.code == Code::kNotFound;
  };
  if (!blames_a_source(error)) return error;
  std::vector<PartKey> bad;
  for (const PackMemberRow& member : members) {
    const Status whole = check_source(io, archive_, member);
    if (whole.ok()) continue;
    if (!blames_a_source(whole.error())) return whole;
    HOLDFAST_TRY(quarantine_copy(
        archive_, BadCopy{member.recording_no, member.part, archive_.standard_medium(),
                          whole.error().message, std::nullopt}));
    bad.push_back(PartKey{member.recording_no, member.part});
  }
  if (bad.empty()) return error;
  return archive_.writer.call(
      drop_members(move.pack, std::move(bad), archive_.clock.now() + hours(24)));
}

// planned/copying → copied: the same bytes on the next medium.
Status Mover::copy_pack(Io& io, const MoveRow& move) {
  std::optional<PackRow> pack;
  std::optional<PackLocation> source_location;
  bool there_already = false;
  {
    HOLDFAST_ASSIGN(index, archive_.index.take());
    HOLDFAST_ASSIGN(found, find_pack(*index, move.pack));
    pack = std::move(found);
    HOLDFAST_ASSIGN(copies, pack_copies(*index, move.pack));
    for (const PackCopyRow& copy : copies) {
      if (copy.medium == move.from) source_location = copy.location;
      there_already |= copy.medium == move.to && copy.state != CopyState::kQuarantined;
    }
  }
  HOLDFAST_TRY(archive_.writer.call(advance_move(move.move_no, MoveEvent::kBegin)));
  if (there_already) return archive_.writer.call(advance_move(move.move_no, MoveEvent::kDurable));
  SessionKeeper* from = archive_.keeper_of(move.from);
  SessionKeeper* to = archive_.keeper_of(move.to);
  if (!pack || !source_location || from == nullptr || to == nullptr)
    return Error{Code::kUnavailable,
                 "copy pack " + move.pack.text() + ": a medium is not attached"};

  PackLocation location;
  bool source_is_bad = false;  // and not the target, whose errors say nothing about the source
  Status copied = to->use(io, [&](PackSession& target) -> Status {
    const PackSource source = [&](const ByteSink& raw_sink) -> Status {
      const ByteSink sink = paced(Edge::kWarmToCold, {from, to}, raw_sink);
      Sha256 digest;
      bool sink_failed = false;
      Status read = from->use(io, [&](PackSession& session) {
        return session.read(io, *source_location, {PackRange{Bytes(0), pack->size}},
                            [&](size_t, ByteSpan bytes) {
                              digest.update(bytes);
                              Status written = sink(bytes);
                              sink_failed = !written.ok();
                              return written;
                            });
      });
      source_is_bad = !read.ok() && !sink_failed && read.error().code == Code::kCorrupt;
      HOLDFAST_TRY(std::move(read));
      source_is_bad = digest.finish() != pack->sha256;
      if (source_is_bad)
        return Error{Code::kCorrupt,
                     "pack " + move.pack.text() + " differs from its SHA-256 where it lies"};
      return {};
    };
    HOLDFAST_ASSIGN(appended, target.append(io, move.pack, pack->size, source));
    location = appended;
    return {};
  });
  if (!copied.ok() && source_is_bad)
    HOLDFAST_TRY(archive_.writer.call(
        pack_quarantined(move.pack, move.from, copied.error().message, std::string(kWho))));
  HOLDFAST_TRY(std::move(copied));
  HOLDFAST_TRY(archive_.writer.call(pack_copied(move.pack, move.to, location, std::string(kWho))));
  return archive_.writer.call(advance_move(move.move_no, MoveEvent::kDurable));
}

}  // namespace holdfast
