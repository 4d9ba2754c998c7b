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

// One turn over .incoming.
class Settling {
 public:
  Settling(Io& io, const Archive& archive) : io_(io), archive_(archive) {}

  Result<IncomingReport> run() {
    const auto is_live = [this](const PartId& part) { return archive_.live_parts.contains(part); };
    HOLDFAST_ASSIGN(parts, archive_.standard.incoming_parts(io_, is_live));
    for (const PartId& part : parts)
      if (Status settled = settle(part); !settled.ok())
        leave(part, log::Level::kWarning, settled.error().message);
    const Status placed = place_acknowledged();
    archive_.left_parts.replace(std::move(left_));
    if (!placed.ok()) return placed.error();
    return report_;
  }

 private:
  Status settle(const PartId& part) {
    if (auto damaged = archive_.left_parts.damaged(part)) {
      left_[part] = *std::move(damaged);
      return {};
    }
    HOLDFAST_ASSIGN(known, find_of(archive_, part));
    if (!known) return settle_in_turn(part);
    const Turns::Turn turn = archive_.part_turns.take(known->recording_no);
    return settle_in_turn(part);
  }

  // Nobody else begins or settles a part of this recording meanwhile.
  Status settle_in_turn(const PartId& part) {
    HOLDFAST_ASSIGN(known, find_of(archive_, part));
    // Somebody may have begun or ended it since the listing; what has a row is placed below.
    if (archive_.live_parts.contains(part) || has_row(known, part.part)) return {};
    // Its line may be in the other branch of the ledger, and nothing can be decided.
    HOLDFAST_ASSIGN(view, archive_.writer.view_ledger());
    if (view.state == LedgerState::kForked) {
      left_[part] = {"the ledger and its mirror hold different decisions", archive_.clock.now()};
      return {};
    }
    HOLDFAST_ASSIGN(entry, archive_.standard.incoming_entry(io_, part));
    if (entry.description) {
      HOLDFAST_ASSIGN(damage, archive_.standard.prove_incoming(io_, *entry.description));
      entry.damage = std::move(damage);
    }
    if (!entry.damage.empty()) {
      HOLDFAST_ASSIGN(spoken_of, has_row_after_all(archive_, part));
      if (spoken_of) return {};
      HOLDFAST_ASSIGN(unpromised, was_never_acknowledged(archive_));
      if (!unpromised) {
        leave(part, log::Level::kError,
              "it may have been acknowledged, and is damaged: " + entry.damage);
        left_[part].is_damaged = true;
        return {};
      }
      log::warning("{} in .incoming was not acknowledged, is not whole ({}), and is removed",
                   part.text(), entry.damage);
    }
    if (!entry.description || !entry.damage.empty()) {
      HOLDFAST_TRY(archive_.standard.discard_incoming(io_, part));
      ++report_.discarded;
      return {};
    }
    HOLDFAST_TRY(Ingest(archive_).adopt(io_, *entry.description));
    ++report_.adopted;
    return {};
  }

  Status place_acknowledged() {
    Placing placing(archive_);
    while (true) {
      std::vector<UnplacedPart> parts;
      {
        HOLDFAST_ASSIGN(index, archive_.index.take());
        HOLDFAST_ASSIGN(found, list_unplaced(*index, kPage));
        parts = std::move(found);
      }
      int placed = 0;
      for (const UnplacedPart& unplaced : parts) {
        const PartId part{unplaced.recording.recording, unplaced.part};
        if (archive_.live_parts.contains(part)) continue;
        if (Status done = placing.place(io_, unplaced.recording, unplaced.part); !done.ok())
          leave(part, log::Level::kError,
                "it is acknowledged and not in its place: " + done.error().message);
        else
          ++placed;
      }
      report_.placed += placed;
      // A part that cannot be placed stays visible as unplaced; it does not keep the others
      // waiting.
      if (parts.size() < static_cast<size_t>(kPage) || placed == 0) return {};
    }
  }

  void leave(const PartId& part, log::Level level, const std::string& why) {
    log::write(level, part.text() + " is left in .incoming: " + why);
    left_[part] = {why, archive_.clock.now()};
  }

  Io& io_;
  const Archive archive_;
  IncomingReport report_;
  LeftParts::Parts left_;
};

}  // namespace

Result<bool> was_never_acknowledged(const Archive& archive) {
  const LedgerOpenReport& ledger = archive.writer.agreement().ledger;
  if (!ledger.gaps.empty() || !ledger.fork.empty() || !ledger.mirror_down.empty()) return false;
  HOLDFAST_ASSIGN(index, archive.index.take());
  return knows_every_ingest(*index);
}

Result<IncomingReport> settle_incoming(Io& io, const Archive& archive) {
  return Settling(io, archive).run();
}

}  // namespace holdfast
