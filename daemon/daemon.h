// The daemon, assembled: the order in which things start, and its exact reverse.
//
//   start: listening, behind a door that says "starting" ──run──▶ the archive is opened by a thread
//     of its own ──▶ serving ──SIGTERM──▶ stopping ──▶ stopped
//
// A SIGTERM while the archive is being opened ends the daemon when that is done: what opening does
// (replay, adoption) is never torn.
//
// A stop: listeners close; active answers get limits::kDrainMs; lanes end at the next piece of the
// step they are in. What has not ended after limits::kStopMs is given up, which is what kill -9
// would do, and as safe (P7). SIGHUP: daemon_reload.cc.
#pragma once

#include <atomic>
#include <memory>
#include <thread>

#include "base/config.h"
#include "base/config_change.h"
#include "daemon/api/access_memory.h"
#include "daemon/api/api.h"
#include "daemon/api/attention.h"
#include "daemon/api/event_streams.h"
#include "daemon/api/link_book.h"
#include "daemon/api/overview_desk.h"
#include "daemon/api/ready_files.h"
#include "daemon/api/request_meters.h"
#include "daemon/door.h"
#include "daemon/http/server.h"
#include "daemon/stop_limit.h"
#include "daemon/watchdog.h"
#include "daemon/work/compactor.h"
#include "daemon/work/deliverer.h"
#include "daemon/work/edge_mover.h"
#include "daemon/work/expirer.h"
#include "daemon/work/mover.h"
#include "daemon/work/placing.h"
#include "daemon/work/repairer.h"
#include "daemon/work/restorer.h"
#include "daemon/work/scrubber.h"
#include "daemon/work/spool.h"

namespace holdfast {

class Daemon {
 public:
  // Listens; nothing is served before run(). kConflict: another daemon has this run_dir.
  static Result<std::unique_ptr<Daemon>> start(const Config& config, Clock& clock, Random& random);
  ~Daemon();

  // Opens the archive and serves until SIGTERM or SIGINT; SIGHUP reloads the configuration. The
  // error that kept it from serving.
  Status run();

 private:
  Daemon(const Config& config, Clock& clock, Random& random);

  Status listen();
  void listen_to_signals();
  // On the opening thread.
  Result<std::unique_ptr<OpenedArchive>> open();
  // Back on the loop.
  void opened(Result<std::unique_ptr<OpenedArchive>> archive);
  Status serve();
  void make_services();
  Status start_lanes();
  Status start_movers();
  void start_timers();
  void sweep_incoming();
  void watch_threads();
  void answer_watchdog();
  void stop();

  std::string public_url_of(const Config& config) const;

  // daemon_reload.cc
  void reload();
  void use_tls(std::shared_ptr<const http::TlsContext> tls);
  void take_config(const ConfigChange& change);
  void reloaded(const Result<ConfigChange>& change);
  void review_rows();

  const Config& config_;  // the one it was started with
  Clock& clock_;
  Random& random_;
  Fd run_lock_;
  api::RequestMeters requests_;  // outlive every exchange, also those that the loop still holds
  std::unique_ptr<Loop> loop_;
  Door door_;
  int port_ = 0;
  std::thread opener_;
  Status ended_;  // what run() answers
  std::unique_ptr<OpenedArchive> opened_;
  std::unique_ptr<Database> index_;  // the loop's own
  std::unique_ptr<Workers> workers_;
  std::unique_ptr<Ingest> ingest_;
  std::unique_ptr<ChainCheck> chain_check_;
  std::unique_ptr<api::AccessMemory> access_;
  std::unique_ptr<api::ReadyFiles> ready_files_;
  std::unique_ptr<RecallForecast> forecast_;  // of the loop
  std::unique_ptr<api::EventStreams> event_streams_;
  std::unique_ptr<api::LinkBook> links_;
  api::AttentionBook attention_;
  std::shared_ptr<api::OverviewDesk> overviews_;
  std::unique_ptr<api::Services> services_;
  std::unique_ptr<api::Api> api_;
  std::unique_ptr<http::Server> server_;
  std::unique_ptr<PlacingLane> placing_lane_;
  std::unique_ptr<SpoolEntries> spool_entries_;
  std::unique_ptr<Workers> spool_workers_;
  std::unique_ptr<Spool> spool_;
  std::unique_ptr<Mover> mover_;
  std::unique_ptr<Restorer> warm_restorer_;
  std::unique_ptr<Restorer> cold_restorer_;
  std::unique_ptr<Deliverer> deliverer_;
  std::unique_ptr<Backups> backups_;
  std::unique_ptr<Verifications> verifications_;
  std::unique_ptr<Scrubber> scrubber_;
  std::unique_ptr<Repairer> repairer_;
  std::unique_ptr<Compactor> compactor_;
  std::unique_ptr<LaneThread> scrub_lane_;
  std::unique_ptr<LaneThread> repair_lane_;
  std::unique_ptr<LaneThread> backup_lane_;
  std::unique_ptr<Expirer> expirer_;
  std::unique_ptr<LaneThread> expiry_lane_;
  std::unique_ptr<LaneThread> mover_lane_;
  // One for each edge, in the order of kEdges.
  std::vector<std::unique_ptr<EdgeMover>> edge_movers_;
  std::vector<std::unique_ptr<LaneThread>> edge_lanes_;
  std::unique_ptr<LaneThread> warm_lane_;
  std::unique_ptr<LaneThread> cold_lane_;
  std::unique_ptr<LaneThread> deliverer_lane_;
  Timer flush_timer_;
  Timer links_timer_;
  Timer sweep_timer_;
  std::atomic<bool> sweeping_{false};
  Watchdog watchdog_;
  Timer watchdog_timer_;
  bool silence_told_ = false;
  std::vector<Signal> signals_;
  bool stopping_ = false;
  std::unique_ptr<StopLimit> stop_limit_;
  bool reloading_ = false;
  bool reload_asked_ = false;
  int reloads_ = 0;
};

}  // namespace holdfast
