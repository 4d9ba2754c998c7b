#include "daemon/work/incoming.h"

#include <optional>
#include <vector>

#include "base/log.h"
#include "daemon/work/ingest.h"
#include "daemon/work/placing.h"
#include "index/read/recordings.h"
#include "index/read/status.h"

namespace holdfast {
namespace {

constexpr int kPage = 1000;

Result<std::optional<Recording>> find_of(const Archive& archive, const PartId& part) {
  HOLDFAST_ASSIGN(index, archive.index.take());
  return find_recording(*index, part.recording);
}

bool has_row(const std::optional<Recording>& recording, int part) {
  if (!recording) return false;
  for (const PartRow& row : recording->part_rows)
    if (row.part == part) return true;
  return false;
}

// The writer may have recovered, or somebody ended it, while it was read. kUnavailable while the
// writer recovers: a line may be durable whose row is still to come.
Result<bool> has_row_after_all(const Archive& archive, const PartId& part) {
  HOLDFAST_TRY(archive.writer.use_index([](Database&) { return Status(); }));
  HOLDFAST_ASSIGN(known, find_of(archive, part));
  return archive.live_parts.contains(part) || has_row(known, part.part);
}

// Nobody else begins or settles a part of this recording meanwhile.
Status settle_in_turn(Io& io, const Archive& archive, const PartId& part, IncomingReport& report) {
  HOLDFAST_ASSIGN(known, find_of(archive, part));
  // Somebody may have begun or ended it since the listing; what has a row is placed below.
  if (archive.live_parts.contains(part) || has_row(known, part.part)) return {};
  // Its line may be in the other branch of the ledger, and nothing can be decided.
  HOLDFAST_ASSIGN(view, archive.writer.view_ledger());
  if (view.state == LedgerState::kForked) return {};
  HOLDFAST_ASSIGN(entry, archive.standard.incoming_entry(io, part));
  if (entry.description) {
    HOLDFAST_ASSIGN(damage, archive.standard.prove_incoming(io, *entry.description));
    entry.damage = std::move(damage);
  }
  if (!entry.damage.empty()) {
    HOLDFAST_ASSIGN(spoken_of, has_row_after_all(archive, part));
    if (spoken_of) return {};
    HOLDFAST_ASSIGN(unpromised, was_never_acknowledged(archive));
    if (!unpromised) {
      log::error("{} in .incoming is damaged, may have been acknowledged, and is left alone: {}",
                 part.text(), entry.damage);
      return {};
    }
    log::warning("{} in .incoming was not acknowledged, is not whole ({}), and is removed",
                 part.text(), entry.damage);
  }
  if (!entry.description || !entry.damage.empty()) {
    HOLDFAST_TRY(archive.standard.discard_incoming(io, part));
    ++report.discarded;
    return {};
  }
  HOLDFAST_TRY(Ingest(archive).adopt(io, *entry.description));
  ++report.adopted;
  return {};
}

Status settle_entry(Io& io, const Archive& archive, const PartId& part, IncomingReport& report) {
  HOLDFAST_ASSIGN(known, find_of(archive, part));
  if (!known) return settle_in_turn(io, archive, part, report);
  const Turns::Turn turn = archive.part_turns.take(known->recording_no);
  return settle_in_turn(io, archive, part, report);
}

Status settle_unplaced(Io& io, const Archive& archive, IncomingReport& report) {
  Placing placing(archive);
  while (true) {
    std::vector<UnplacedPart> parts;
    {
      HOLDFAST_ASSIGN(index, archive.index.take());
      HOLDFAST_ASSIGN(found, list_unplaced(*index, kPage));
      parts = std::move(found);
    }
    int placed = 0;
    for (const UnplacedPart& part : parts) {
      if (archive.live_parts.contains(PartId{part.recording.recording, part.part})) continue;
      if (Status done = placing.place(io, part.recording, part.part); !done.ok())
        log::error("place recording {}: {}", part.recording.recording.text(), done.error().message);
      else
        ++placed;
    }
    report.placed += placed;
    // A part that cannot be placed stays visible as unplaced; it does not keep the others waiting.
    if (parts.size() < static_cast<size_t>(kPage) || placed == 0) return {};
  }
}

}  // namespace

Result<bool> was_never_acknowledged(const Archive& archive) {
  const LedgerOpenReport& ledger = archive.writer.agreement().ledger;
  if (!ledger.gaps.empty() || !ledger.fork.empty() || !ledger.mirror_down.empty()) return false;
  HOLDFAST_ASSIGN(index, archive.index.take());
  return knows_every_ingest(*index);
}

Result<IncomingReport> settle_incoming(Io& io, const Archive& archive) {
  IncomingReport report;
  const auto is_live = [&](const PartId& part) { return archive.live_parts.contains(part); };
  HOLDFAST_ASSIGN(entries, archive.standard.list_incoming(io, is_live));
  for (const IncomingEntry& entry : entries)
    if (Status settled = settle_entry(io, archive, entry.part, report); !settled.ok())
      log::warning("settle {} in .incoming: {}", entry.part.text(), settled.error().message);
  HOLDFAST_TRY(settle_unplaced(io, archive, report));
  return report;
}

}  // namespace holdfast
