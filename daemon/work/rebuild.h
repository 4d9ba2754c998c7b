// Makes the index anew from the media and the ledger, with the daemon stopped.
//
//   scan    what every medium shows → rebuild/catalogue.db      (a day, a pack: one transaction)
//   replay  every decision, by the functions of live commands → rebuild/index.db
//   adopt   what a medium shows and no decision speaks of, held under the matter `recovery`
//   settle  what decisions do not say: placed, gone, due; by SQL alone
//   publish rebuild/index.db → index.db, one rename; rebuild/ goes
//
// States: the files are the state. rebuild/ is there from the first step to the last, and while it
// is, or while index.db is not, no daemon starts. Killed at any instant, the next run goes on.
// Invariants
//   - Media are only read. Nothing is removed from them, and no copy is permitted to go.
//   - index.db appears whole, by one rename, after its last row is durable.
//   - Digests of audio are not read: a rebuild is over in minutes, and every byte is checked when
//     it leaves. What was never verified stays so.
//   - Memory: one page of rows and one pack's contents, however many recordings there are.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/config.h"
#include "base/random.h"
#include "daemon/work/open_archive.h"

namespace holdfast {

struct RebuildProgress {
  std::string step;    // "scan standard", "scan warm", "scan cold", "replay", "adopt", "settle"
  int64_t done = 0;    // parts or packs
  int64_t total = 0;   // 0: not known
  std::string detail;  // what is being read
};

struct RebuildOptions {
  bool anew = false;              // an index that is there is set aside, not refused
  std::vector<std::string> lost;  // media, by id or name, that a person says are gone for ever
  std::vector<Tier> without;      // tiers whose medium is away and not waited for
  // What a medium does not give back (EIO) is told in the report and left out, instead of ending
  // the rebuild: for a dying disk, when nothing better is to be had.
  bool skip_unreadable = false;
  std::function<void(const RebuildProgress&)> progress;
  OpenOptions open;  // what a test puts in place of the world
};

struct RebuildReport {
  int64_t recordings = 0;
  int64_t parts = 0;  // that media show
  int64_t packs = 0;
  int64_t decisions = 0;     // of the ledger
  int64_t unlocated = 0;     // recordings that no medium showed
  int64_t contradicted = 0;  // decisions against which a lock stands whose end was lost
  int64_t adopted = 0;       // parts that no decision spoke of
  int64_t findings = 0;      // lines of the report
  int64_t marks_lost = 0;    // tombstones under a key that is gone
  bool ledger_begun = false;
  bool recovery = false;  // everything is held until a person releases the matter
  bool secrets_lost = false;
  std::string secrets_from;  // the backup that they were taken from
  std::string report_path;   // JSON lines
};

// kConflict when there is an index (and not `anew`), a medium is not the one that belongs in its
// place, ledger and mirror contradict each other, or a medium is of another archive: each says
// what to do. kUnavailable when a medium is away. Nothing is changed on media in any case.
Result<RebuildReport> rebuild_archive(const Config& config, Clock& clock, Random& random,
                                      const RebuildOptions& options);

// The directory that says that a rebuild is under way.
std::string rebuild_directory(const Config& config);

}  // namespace holdfast
