#include "daemon/work/part_stager.h"

#include <algorithm>

#include "base/log.h"
#include "daemon/work/part_extraction.h"
#include "daemon/work/quarantine.h"

namespace holdfast {
namespace {

constexpr Millis kAwayFor = minutes(1);  // a medium that is away is asked again after this
// Of a part as it lies on the medium, in memory at a time: most calls are smaller, so that their
// parts are read without a seek to another's in between.
constexpr int64_t kPieceBytes = int64_t{16} << 20;

}  // namespace

Error of_staging(const Error& error) {
  const bool blames_bytes = error.code == Code::kCorrupt || error.code == Code::kNotFound ||
                            error.code == Code::kConflict;
  return Error{blames_bytes ? Code::kIo : error.code, "write the staged copy: " + error.message,
               error.system_errno};
}

Error PartStager::keep_away(const MediumId& medium, const Error& error) {
  const AwayMedia known = archive_.recalls.away(archive_.clock.now());
  if (const auto told = known.find(medium); told != known.end()) {
    away_[medium] = told->second;  // by one beside us
    return error;
  }
  const UnixMillis until = archive_.clock.now() + kAwayFor;
  log::warning("restores wait for medium {}: {}", medium.text(), error.message);
  away_[medium] = AwayMedium{until, error.message};
  archive_.recalls.set_away(medium, away_[medium]);
  return error;
}

// The best copy; one of a back-end that fails again and again when nothing else has any, and one on
// a medium that is away last.
std::optional<CopyRow> PartStager::next_copy(const Recording& remaining, int part) const {
  Recording sound = remaining;
  std::erase_if(sound.copies, [&](const CopyRow& copy) {
    return copy.pack && archive_.gate.health(copy.tier).suspension().has_value();
  });
  const CopyRow* best = best_pack_copy(sound, part, away_);
  if (best == nullptr || away_.contains(best->medium))
    best = best_pack_copy(remaining, part, away_);
  return best == nullptr ? std::nullopt : std::optional<CopyRow>(*best);
}

Result<StagedPart> PartStager::stage(Io& io, const RestoreId& restore, const Recording& recording,
                                     int part, std::optional<UnixMillis>& waits_until) {
  Recording remaining = recording;
  Error last{Code::kCorrupt, "recording " + recording.recording.text() + " has no readable copy"};
  waits_until.reset();
  bool is_of_first = true;
  while (const std::optional<CopyRow> found = next_copy(remaining, part)) {
    const CopyRow& copy = *found;
    const auto known = away_.find(copy.medium);
    Result<StagedPart> extracted =
        known != away_.end() ? Result<StagedPart>(Error{Code::kUnavailable, known->second.why})
                             : extract(io, restore, recording, copy);
    if (extracted.ok()) {
      waits_until.reset();  // for a copy that it can do without
      extracted->is_of_first = is_of_first;
      return extracted;
    }
    if (known == away_.end()) is_of_first = false;
    const Error& error = extracted.error();
    if (error.code == Code::kNoSpace) return error;
    const auto away = away_.find(copy.medium);
    // A copy that may be read later keeps the restore alive, whatever the others are.
    if (!traits(last.code).retryable) {
      last = error;
      if (away != away_.end()) waits_until = away->second.until;
    } else if (away == away_.end() && traits(error.code).retryable) {
      waits_until.reset();
    }
    if (error.code == Code::kCorrupt || error.code == Code::kNotFound) {
      HOLDFAST_ASSIGN(is_bad,
                      quarantine_copy(archive_, BadCopy{recording.recording_no, part, copy.medium,
                                                        error.message, copy.copied_at}));
      // It is in another pack by now, or gone: whoever looks again finds the one that stands.
      if (!is_bad && !traits(last.code).retryable) last = Error{Code::kUnavailable, error.message};
    }
    std::erase_if(remaining.copies,
                  [&](const CopyRow& c) { return c.part == part && c.medium == copy.medium; });
  }
  return last;
}

Result<StagedPart> PartStager::extract(Io& io, const RestoreId& restore, const Recording& recording,
                                       const CopyRow& copy) {
  SessionKeeper* keeper = archive_.keeper_of(copy.medium);
  if (keeper == nullptr)
    return keep_away(copy.medium,
                     Error{Code::kUnavailable,
                           "medium " + copy.medium.text() + " is not attached to this archive"});
  auto begun = archive_.standard.begin_staged(io, PartId{recording.recording, copy.part});
  if (!begun.ok()) return of_staging(begun.error());
  PartWriter writer = std::move(begun).value();

  Millis attach{0};
  Bytes bytes_read;
  const auto feed = [&](pack::PartExtractor& extractor) -> Status {
    for (const PackRange& range : ranges_of(copy)) {
      for (Bytes done; done < range.length;) {
        const PackRange piece{range.offset + done,
                              Bytes(std::min(kPieceBytes, range.length.count - done.count))};
        HOLDFAST_ASSIGN(bytes, read_piece(io, *keeper, copy, piece, attach));
        done += piece.length;
        bytes_read += piece.length;
        archive_.recalls.add(restore, piece.length);
        HOLDFAST_TRY(extractor.push(bytes));
      }
      HOLDFAST_TRY(extractor.end_range());
    }
    return {};
  };
  const Status extracted = extract_part(io, writer, recording, copy.part, of_staging, feed);
  if (!extracted.ok()) {
    archive_.recalls.add(restore, Bytes(-bytes_read.count));
    if (Status aborted = writer.abort(io); !aborted.ok())
      log::warning("restore: leave an unfinished staged copy: {}", aborted.error().message);
    return extracted.error();
  }
  return StagedPart{std::move(writer), copy.medium, copy.tier, bytes_read, attach};
}

Result<std::vector<std::byte>> PartStager::read_piece(Io& io, SessionKeeper& keeper,
                                                      const CopyRow& copy, const PackRange& piece,
                                                      Millis& attach) {
  std::vector<std::byte> bytes;
  bytes.reserve(static_cast<size_t>(piece.length.count));
  bool attached = false;
  Millis took{0};
  const auto work = [&](PackSession& session) -> Status {
    attached = true;
    return session.read(io, copy.location, {piece}, [&](size_t, ByteSpan some) -> Status {
      bytes.insert(bytes.end(), some.begin(), some.end());
      return {};
    });
  };
  const Status read = keeper.use(io, work, &took);
  attach = Millis(attach.count + took.count);
  if (read.ok()) return bytes;
  if (!attached && read.error().code == Code::kUnavailable)
    return keep_away(copy.medium, read.error());
  return read.error();
}

}  // namespace holdfast
