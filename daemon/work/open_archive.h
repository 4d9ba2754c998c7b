// Opens an archive: labels, ledger, index, media, recovery; and lets it go again.
//
//   configuration → standard tier → ledger → writer (agreement, replay) → warm and cold
//     → media registered → recovery → ready
//
// Which medium belongs at a configured path is remembered in the index. A warm or cold one that is
// away, or has another in its place, is offline: its moves and recalls back off until it is there.
// Without the standard medium there is no archive.
//
// A restart continues (P7): recovery is the code that normal work runs, called on
// what was under way.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "daemon/work/archive.h"
#include "daemon/work/incoming.h"
#include "daemon/work/media_source.h"
#include "tiers/pack_directory.h"
#include "tiers/vault/sleeper.h"
#include "tiers/vault/vault.h"
#include "tiers/watched_backend.h"

namespace holdfast {

// What start-up found, for the log and for `status`.
struct OpenReport {
  AgreementReport agreement;
  IncomingReport incoming;
};

// Makes the state directory and labels the configured media that carry no label yet, all under one
// archive id. The embedded default's first start and `holdfastd --init`; idempotent. kConflict when
// a medium belongs to another archive.
Status init_archive(Io& io, const Config& config, Clock& clock, Random& random);

// What a test puts in place of the world.
struct OpenOptions {
  IoOptions io;                // of start-up, the source and the ledger
  Sleeper* sleeper = nullptr;  // of the vault and of rates; not owned; null: real time passes
  std::function<Status()> before_commit;  // as in WriterOptions
  // What stands before each back-end of packs; none: nothing. The back-end outlives it.
  std::function<std::unique_ptr<PackBackend>(PackBackend&)> around_backend;
  SpaceReserve::Options reserve;
};

class OpenedArchive {
 public:
  // kUnavailable when the standard medium is offline or another one lies at its path, or when a
  // path that nothing is remembered of shows no label; kConflict when a new path shows a medium of
  // another archive or tier, or when there is no index though there are recordings or decisions (a
  // rebuild makes one). `clock` and `random` outlive it.
  static Result<std::unique_ptr<OpenedArchive>> open(const Config& config, Clock& clock,
                                                     Random& random,
                                                     const OpenOptions& options = OpenOptions());
  ~OpenedArchive();

  const Archive& archive() const { return *archive_; }
  const OpenReport& report() const { return report_; }

  // From now on `next` is in force; what only a start can change is as in the one before
  // (base/config_change.h). Any thread.
  void apply(Config next);

 private:
  OpenedArchive(const Config& config, Clock& clock, Random& random);

  Status open_standard();
  Status open_writer(const OpenOptions& options);
  Status refuse_without_index();
  Status hold_over_gaps(const std::vector<ChainGap>& gaps);
  Status open_packs(const OpenOptions& options);
  Result<MediumId> take_up(const std::string& path, Tier tier);
  Status recover();
  Status recover_staged();
  Status hasten_restores();

  LiveConfig live_;
  const Config& config_;  // the one it was opened with
  Clock& clock_;
  Random& random_;
  std::unique_ptr<Io> io_;         // of start-up
  std::unique_ptr<Io> source_io_;  // of the source: at start ours, the writer's when it recovers
  SystemSleeper system_sleeper_;
  ArchiveId id_;
  std::unique_ptr<MediumRoot> standard_root_;
  std::unique_ptr<MediumRoot> warm_root_;
  std::unique_ptr<MediumRoot> mirror_root_;
  std::unique_ptr<StandardTree> standard_;
  std::unique_ptr<PackDirectory> warm_;
  std::unique_ptr<PackDirectory> mirror_;
  std::unique_ptr<Vault> cold_;
  std::vector<std::unique_ptr<PackBackend>> around_backends_;
  std::unique_ptr<Gate> gate_;
  std::unique_ptr<WatchedBackend> watched_warm_;
  std::unique_ptr<WatchedBackend> watched_cold_;
  std::unique_ptr<SessionKeeper> warm_keeper_;
  std::unique_ptr<SessionKeeper> cold_keeper_;
  std::unique_ptr<SessionKeeper> mirror_keeper_;
  std::unique_ptr<SpaceReserve> reserve_;
  std::unique_ptr<PackShelf> shelf_;  // of start-up
  std::unique_ptr<MediaSource> source_;
  std::unique_ptr<Writer> writer_;
  std::unique_ptr<IndexPool> index_;
  std::unique_ptr<DigestMemory> digests_;
  ChangeFeed changes_;
  Turns part_turns_;
  LiveParts live_parts_;
  PlacingQueue placing_;
  LeftParts left_parts_;
  LeftParts left_in_trash_;
  LiveCalls live_calls_;
  RecallBoard recalls_;
  Meters meters_;
  std::unique_ptr<Archive> archive_;
  OpenReport report_;
};

}  // namespace holdfast
