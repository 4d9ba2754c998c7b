// The daemon, assembled: the order in which things start, and its exact reverse.
#pragma once

#include <atomic>
#include <memory>

#include "base/config.h"
#include "daemon/api/access_memory.h"
#include "daemon/api/api.h"
#include "daemon/http/server.h"
#include "daemon/work/mover.h"
#include "daemon/work/restorer.h"
#include "daemon/work/spool.h"

namespace holdfast {

class Daemon {
 public:
  // Opens the archive and listens; nothing is served before run().
  static Result<std::unique_ptr<Daemon>> start(const Config& config, Clock& clock, Random& random);
  ~Daemon();

  // Serves until SIGTERM or SIGINT.
  void run();

 private:
  Daemon(const Config& config, Clock& clock, Random& random);

  Status open();
  Status listen();
  Status start_lanes();
  void sweep_incoming();
  void stop();

  const Config& config_;
  Clock& clock_;
  Random& random_;
  std::unique_ptr<Loop> loop_;
  std::unique_ptr<OpenedArchive> opened_;
  std::unique_ptr<Database> index_;  // the loop's own
  std::unique_ptr<Workers> workers_;
  std::unique_ptr<Ingest> ingest_;
  std::unique_ptr<ChainCheck> chain_check_;
  std::unique_ptr<api::AccessMemory> access_;
  std::unique_ptr<api::Services> services_;
  std::unique_ptr<api::Api> api_;
  std::unique_ptr<http::Server> server_;
  std::unique_ptr<SpoolEntries> spool_entries_;
  std::unique_ptr<Spool> spool_;
  std::unique_ptr<Mover> mover_;
  std::unique_ptr<Restorer> warm_restorer_;
  std::unique_ptr<Restorer> cold_restorer_;
  std::unique_ptr<LaneThread> mover_lane_;
  std::unique_ptr<LaneThread> warm_lane_;
  std::unique_ptr<LaneThread> cold_lane_;
  Timer flush_timer_;
  Timer sweep_timer_;
  std::atomic<bool> sweeping_{false};
  Timer watchdog_timer_;
  std::vector<Signal> signals_;
  bool stopping_ = false;
};

}  // namespace holdfast
