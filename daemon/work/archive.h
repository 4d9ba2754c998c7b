// The opened archive: what every piece of work stands on. Made by
// open_archive.h at start, let go in reverse order at stop.
#pragma once

#include "base/clock.h"
#include "base/random.h"
#include "daemon/work/change_feed.h"
#include "daemon/work/gate.h"
#include "daemon/work/index_pool.h"
#include "daemon/work/left_parts.h"
#include "daemon/work/live_config.h"
#include "daemon/work/live_set.h"
#include "daemon/work/media_source.h"
#include "daemon/work/meters.h"
#include "daemon/work/placing_queue.h"
#include "daemon/work/recall_board.h"
#include "daemon/work/session_keeper.h"
#include "daemon/work/turns.h"
#include "index/writer.h"
#include "tiers/disk/standard_tree.h"
#include "tiers/read/digest_memory.h"

namespace holdfast {

// In lines of the ledger: what the archive does by itself.
inline constexpr char kWho[] = "system";

// References only; thread rule: copied and used by any thread, each member by its own rule.
struct Archive {
  const LiveConfig& live;
  Clock& clock;
  Random& random;
  ArchiveId id;
  MediumRoot& standard_root;
  StandardTree& standard;
  Writer& writer;
  IndexPool& index;
  MediaSource& source;
  DigestMemory& digests;
  ChangeFeed& changes;
  Turns& part_turns;
  LiveParts& live_parts;
  PlacingQueue& placing;
  LeftParts& left_parts;  // in .incoming
  LeftParts& left_in_trash;
  LiveCalls& live_calls;  // coming in, not acknowledged yet
  RecallBoard& recalls;
  SpaceReserve& reserve;  // on the disk of the state directory: whoever can wait asks it for room
  Gate& gate;
  Meters& meters;
  SessionKeeper* warm = nullptr;    // never null in a daemon: configuration asks for it
  SessionKeeper* cold = nullptr;    // null: no cold tier
  SessionKeeper* mirror = nullptr;  // of warm; null: none

  // As they are now: a reload replaces them (live_config.h).
  const Config& config() const { return live.config(); }
  const PolicySettings& policy() const { return live.policy(); }

  const MediumId& standard_medium() const { return standard.root().medium(); }
  // The keeper of a medium; null when it is not one of ours (offline since start, or another kind).
  SessionKeeper* keeper_of(const MediumId& medium) const {
    if (warm != nullptr && warm->backend().medium() == medium) return warm;
    for (SessionKeeper* keeper : {cold, mirror})
      if (keeper != nullptr && keeper->backend().medium() == medium) return keeper;
    return nullptr;
  }
};

}  // namespace holdfast
