// The copying half of the move of an edge: a pack is written from plain files, or copied
// from the medium it lies on.
#include <algorithm>
#include <thread>

#include "base/limits.h"
#include "base/log.h"
#include "daemon/work/edge_mover.h"
#include "daemon/work/pack_source.h"
#include "daemon/work/quarantine.h"
#include "index/commands/moves.h"
#include "index/commands/packs.h"
#include "index/read/recordings.h"
#include "index/read/work.h"
#include "tiers/pack/writer.h"

namespace holdfast {
namespace {

constexpr size_t kPacedBytes = size_t{256} << 10;  // between two looks at rates and pauses
constexpr int64_t kPieceBytes = int64_t{4} << 20;  // of a pack that is copied; in memory

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
Status EdgeMover::write_pack(Io& io, const MoveRow& move) {
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

  auto plan = plan_of(io, move, members);
  if (!plan.ok()) return drop_bad_members(io, move, members, plan.error());
  // What is encoded lies on the standard medium until the pack is written.
  HOLDFAST_TRY(archive_.standard_root.require_room(io, row->bytes));
  HOLDFAST_ASSIGN(scratch, archive_.standard_root.current(io));
  pack::BuildOptions options;
  options.encoders = encoders();
  options.before_each_file = [this]() -> Status {
    if (auto why = interruption()) return *std::move(why);
    return {};
  };
  auto built = pack::build_pack(io, *std::move(plan), scratch->get(), options);
  interrupted_ = !built.ok() && interruption().has_value();
  if (!built.ok()) return drop_bad_members(io, move, members, built.error());

  SessionKeeper* keeper = archive_.keeper_of(move.to);
  if (keeper == nullptr)
    return Error{Code::kUnavailable,
                 "write pack " + move.pack.text() + ": its medium is not attached"};
  PackLocation location;
  Digest sha256;
  HOLDFAST_TRY(keeper->use(io, [&](PackSession& session) -> Status {
    const PackSource source = [&](const ByteSink& sink) -> Status {
      HOLDFAST_ASSIGN(digest, built->write(io, paced(keeper, sink)));
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
  auto done = archive_.writer.call(seal_pack(std::move(sealed), kWho));
  if (!done.ok() && done.error().code == Code::kConflict)
    return write_anew(move, members, done.error());
  HOLDFAST_TRY(std::move(done));
  return archive_.writer.call(advance_move(move.move_no, MoveEvent::kDurable));
}

// A member was destroyed while the pack was written. That is no failure: it is written anew,
// without that one, at the next turn. It ends, since members only leave; any other conflict is an
// error.
Status EdgeMover::write_anew(const MoveRow& move, const std::vector<PackMemberRow>& written,
                             const Error& conflict) {
  HOLDFAST_ASSIGN(now, members_of(move.pack, move.to));
  if (now.size() >= written.size()) return Error{Code::kUnavailable, conflict.message};
  log::info("{}: it is written anew", conflict.message);
  return {};
}

Result<pack::PackPlan> EdgeMover::plan_of(Io& io, const MoveRow& move,
                                          const std::vector<PackMemberRow>& members) {
  pack::PackPlan plan;
  plan.pack_id = move.pack;
  plan.archive_id = archive_.id;
  plan.sealed_at = archive_.clock.now();
  for (const PackMemberRow& member : members) {
    HOLDFAST_ASSIGN(part, planned_part(io, archive_, member));
    plan.parts.push_back(std::move(part));
  }
  return plan;
}

// A source that is not what the index acknowledged is quarantined and leaves the pack; the others
// go on at the next try. When every source is right, the error was another's and is returned.
Status EdgeMover::drop_bad_members(Io& io, const MoveRow& move,
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
Status EdgeMover::copy_pack(Io& io, const MoveRow& move) {
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
  Status read;  // of the source; the target's errors say nothing about it
  Status copied = to->use(io, [&](PackSession& target) -> Status {
    const PackSource source = [&](const ByteSink& sink) {
      return read_pack(io, *from, *pack, *source_location, paced(to, sink), read);
    };
    HOLDFAST_ASSIGN(appended, target.append(io, move.pack, pack->size, source));
    location = appended;
    return {};
  });
  const bool source_is_bad = !read.ok() && read.error().code == Code::kCorrupt;
  if (!copied.ok() && source_is_bad)
    HOLDFAST_TRY(
        archive_.writer.call(pack_quarantined(move.pack, move.from, copied.error().message, kWho)));
  HOLDFAST_TRY(std::move(copied));
  HOLDFAST_TRY(archive_.writer.call(pack_copied(move.pack, move.to, location, kWho)));
  return archive_.writer.call(advance_move(move.move_no, MoveEvent::kDurable));
}

// A piece at a time: between two of them the source is free for others, however long the target
// takes. `read` is the source's own outcome; the sink's error is returned alone.
Status EdgeMover::read_pack(Io& io, SessionKeeper& from, const PackRow& pack,
                            const PackLocation& location, const ByteSink& sink, Status& read) {
  std::vector<std::byte> piece;
  Sha256 digest;
  for (Bytes offset; offset < pack.size; offset += Bytes(static_cast<int64_t>(piece.size()))) {
    const Bytes length(std::min(kPieceBytes, pack.size.count - offset.count));
    piece.clear();
    read = from.use(io, [&](PackSession& session) {
      return session.read(io, location, {PackRange{offset, length}}, [&](size_t, ByteSpan bytes) {
        piece.insert(piece.end(), bytes.begin(), bytes.end());
        return Status();
      });
    });
    if (!read.ok()) return read;
    digest.update(piece);
    for (ByteSpan rest(piece); !rest.empty();) {
      const ByteSpan step = rest.first(std::min(rest.size(), kPacedBytes));
      HOLDFAST_TRY(sink(step));
      rest = rest.subspan(step.size());
    }
  }
  if (digest.finish() != pack.sha256)
    read = Error{Code::kCorrupt,
                 "pack " + pack.pack.text() + " differs from its SHA-256 where it lies"};
  return read;
}

}  // namespace holdfast
