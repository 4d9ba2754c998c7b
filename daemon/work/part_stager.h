// Reads one part of an archived recording from its best copy into a directory that no reader looks
// at yet, each file proven by its digest (P5).
//
// The medium is asked for a piece at a time and is another's in between, so that several stagers
// keep it busy: what takes long is decoding.
//
// A medium that does not answer is away: nobody asks it again for a minute, and what lies nowhere
// else waits for it as long as it takes. A bad copy is quarantined and the next one is tried.
#pragma once

#include <optional>
#include <vector>

#include "daemon/work/archive.h"
#include "daemon/work/recall_queue.h"

namespace holdfast {

// A part that was read and is not durable yet, and from where.
struct StagedPart {
  PartWriter writer;
  MediumId medium;
  Tier tier;                // of the medium
  Bytes bytes;              // read of it
  Millis attach;            // what opening its session took
  bool is_of_first = true;  // no copy was tried in vain before
};

// A failure to write the staged copy says nothing about the copy it is made from: it is told as one
// of the standard tier's, to be tried again, and never quarantines a pack.
Error of_staging(const Error& error);

// Thread rule: one thread.
class PartStager {
 public:
  explicit PartStager(const Archive& archive)
      : archive_(archive), away_(archive.recalls.away(archive.clock.now())) {}

  // The part's files; not durable, and not to be seen, before StandardTree::publish_staged.
  // kUnavailable while every copy is on a medium that is away (`waits_until` says until when, and
  // is nothing otherwise), kNoSpace, kCorrupt when no copy can be read; what it wrote is gone then.
  Result<StagedPart> stage(Io& io, const RestoreId& restore, const Recording& recording, int part,
                           std::optional<UnixMillis>& waits_until);

 private:
  std::optional<CopyRow> next_copy(const Recording& remaining, int part) const;
  Result<StagedPart> extract(Io& io, const RestoreId& restore, const Recording& recording,
                             const CopyRow& copy);
  Result<std::vector<std::byte>> read_piece(Io& io, SessionKeeper& keeper, const CopyRow& copy,
                                            const PackRange& piece, Millis& attach);
  // Keeps in mind that the medium is away, because of `error`, which it gives back.
  Error keep_away(const MediumId& medium, const Error& error);

  Archive archive_;
  AwayMedia away_;  // as the board had them, and those that turned out to be away since
};

}  // namespace holdfast
