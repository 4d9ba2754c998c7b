#include "daemon/daemon.h"

#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <sys/resource.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include <array>

#include "base/limits.h"
#include "base/log.h"
#include "daemon/passed_sockets.h"
#include "daemon/run_lock.h"
#include "daemon/work/incoming.h"
#include "index/commands/keys.h"
#include "io/digest.h"
#include "io/text_file.h"

namespace holdfast {
namespace {

// How many descriptors this process may have open.
size_t descriptors_max() {
  struct rlimit limit {};
  return ::getrlimit(RLIMIT_NOFILE, &limit) == 0 ? static_cast<size_t>(limit.rlim_cur) : 0;
}

std::optional<gid_t> group_id(const std::string& name) {
  if (name.empty()) return std::nullopt;
  const struct group* found = ::getgrnam(name.c_str());
  if (found == nullptr) return std::nullopt;
  return found->gr_gid;
}

std::optional<uid_t> user_id(const std::string& name) {
  if (name.empty()) return std::nullopt;
  const struct passwd* found = ::getpwnam(name.c_str());
  if (found == nullptr) return std::nullopt;
  return found->pw_uid;
}

std::string random_run(Random& random) {
  std::array<std::byte, 16> bytes;
  random.fill(bytes);
  return to_hex(bytes);
}

// Which configuration is in force is a decision: its digest stands in the ledger.
Status note_configuration(Writer& writer, const Config& config) {
  return writer.call(config_applied(sha256(config.source_text), "system"));
}

Status write_port(const Config& config, int port) {
  HOLDFAST_ASSIGN(io, Io::open());
  HOLDFAST_ASSIGN(run, open_root(config.run_dir));
  PublishOptions options;
  options.if_exists = IfExists::kReplace;
  options.mode = 0644;
  return publish_text(*io, run.get(), "http.port", std::to_string(port) + "\n", options);
}

}  // namespace

Daemon::Daemon(const Config& config, Clock& clock, Random& random)
    : config_(config), clock_(clock), random_(random), watchdog_(clock) {}

Result<std::unique_ptr<Daemon>> Daemon::start(const Config& config, Clock& clock, Random& random) {
  std::unique_ptr<Daemon> daemon(new Daemon(config, clock, random));
  // Listening replaces a dead socket: between its look and its unlink nobody else may start.
  HOLDFAST_ASSIGN(lock, lock_run_dir(config));
  daemon->run_lock_ = std::move(lock);
  HOLDFAST_ASSIGN(loop, Loop::create());
  daemon->loop_ = std::move(loop);
  // Before anybody can know that it is there: a reload asked for while it starts must not end it.
  ::signal(SIGPIPE, SIG_IGN);
  daemon->listen_to_signals();
  HOLDFAST_TRY(daemon->listen());
  return daemon;
}

Status Daemon::listen() {
  server_ = std::make_unique<http::Server>(*loop_, clock_, door_);
  server_->limit_connections(config_.connections_max);
  if (config_.tls.is_on()) {
    // Whatever the date: an archive that does not start takes nothing from the spool either, and
    // clients see for themselves. A reload is stricter, since there is something to keep.
    HOLDFAST_ASSIGN(tls, http::TlsContext::load(config_.tls, std::nullopt));
    use_tls(std::move(tls));
  }
  HOLDFAST_ASSIGN(passed, passed_sockets());
  for (http::BoundTcp& bound : passed) {
    if (port_ == 0) port_ = bound.port;
    HOLDFAST_TRY(server_->listen_on(std::move(bound), config_.plaintext_beyond_loopback));
  }
  if (passed.empty()) {
    HOLDFAST_ASSIGN(port, server_->listen_tcp({config_.listen_address, config_.listen_port,
                                               config_.plaintext_beyond_loopback}));
    port_ = port;
  }
  const std::optional<gid_t> operators = group_id(config_.admin_group);
  http::UnixListen admin{config_.run_dir + "/admin.sock", operators ? mode_t{0660} : mode_t{0600},
                         operators.value_or(static_cast<gid_t>(-1)), http::ListenerKind::kAdmin};
  HOLDFAST_TRY(server_->listen_unix(admin));
  const std::optional<gid_t> browsers = group_id(config_.mount_group);
  http::UnixListen mount{config_.run_dir + "/mount.sock", browsers ? mode_t{0660} : mode_t{0600},
                         browsers.value_or(static_cast<gid_t>(-1)), http::ListenerKind::kMount};
  HOLDFAST_TRY(server_->listen_unix(mount));
  HOLDFAST_TRY(write_port(config_, port_));
  if (passed.empty())
    log::info("listening on {}:{}", config_.listen_address, port_);
  else
    log::info("listening on {} sockets that were passed, the first on port {}", passed.size(),
              port_);
  return {};
}

Result<std::unique_ptr<OpenedArchive>> Daemon::open() {
  HOLDFAST_ASSIGN(archive, OpenedArchive::open(config_, clock_, random_));
  const OpenReport& report = archive->report();
  log::info(
      "archive {}: {} decisions, {} replayed; {} entries adopted, {} placed, {} partial ones "
      "removed",
      archive->archive().id.text(), report.agreement.ledger_last, report.agreement.replayed,
      report.incoming.adopted, report.incoming.placed, report.incoming.discarded);
  HOLDFAST_TRY(note_configuration(archive->archive().writer, config_));
  return archive;
}

void Daemon::opened(Result<std::unique_ptr<OpenedArchive>> archive) {
  opener_.join();
  if (!archive.ok()) {
    ended_ = archive.error();
  } else {
    opened_ = *std::move(archive);
    if (!stopping_) ended_ = serve();
  }
  if (!ended_.ok()) stopping_ = true;
  if (!stopping_) {
    ::sd_notifyf(0, "READY=1\nSTATUS=serving on port %d", port_);
    log::event(log::Level::kInfo, "daemon.ready", {{"PORT", std::to_string(port_)}}, "ready");
    if (reload_asked_) reload();
    return;
  }
  server_->drain([this] { loop_->stop(); });
}

Status Daemon::serve() {
  ReadOnlyOptions options;
  options.secrets_path = config_.state_dir + "/secrets.db";
  HOLDFAST_ASSIGN(index, Database::open_read_only(config_.state_dir + "/index.db", options));
  index_ = std::make_unique<Database>(std::move(index));
  HOLDFAST_ASSIGN(workers, Workers::start(config_.workers, IoOptions()));
  workers_ = std::move(workers);
  ingest_ = std::make_unique<Ingest>(opened_->archive());
  chain_check_ = std::make_unique<ChainCheck>(opened_->archive().writer);
  access_ = std::make_unique<api::AccessMemory>(
      clock_, [writer = &opened_->archive().writer](LineDraft line) {
        writer->submit_access(std::move(line), [](Status done) {
          if (!done.ok()) log::error("access line: {}", done.error().message);
        });
      });
  ready_files_ = std::make_unique<api::ReadyFiles>(clock_, opened_->archive().writer, *access_,
                                                   opened_->archive().digests, requests_,
                                                   api::ready_files_capacity(descriptors_max()));
  forecast_ = std::make_unique<RecallForecast>(opened_->archive(), *index_,
                                               RecallForecast::For::kManyAnswers);
  event_streams_ = std::make_unique<api::EventStreams>(*loop_, opened_->archive());
  links_ = std::make_unique<api::LinkBook>(opened_->archive().writer, *loop_);
  HOLDFAST_TRY(start_lanes());
  make_services();
  start_timers();
  watch_threads();
  review_rows();
  door_.open_to(*api_);
  return {};
}

void Daemon::make_services() {
  overviews_ = std::make_shared<api::OverviewDesk>(
      *loop_, *workers_,
      [archive = opened_->archive()](Io& io) { return api::look_around(io, archive); });
  services_.reset(new api::Services{
      *loop_,
      *workers_,
      opened_->archive(),
      *index_,
      *ingest_,
      *access_,
      *ready_files_,
      *event_streams_,
      *forecast_,
      *links_,
      *chain_check_,
      requests_,
      attention_,
      *overviews_,
      *server_,
      opened_->report(),
      public_url_of(config_),
      clock_.now(),
      random_run(random_),
      [this] { mover_lane_->kick(); },
      [this] {
        warm_lane_->kick();
        cold_lane_->kick();
      },
      [this] { return spool_entries_ ? spool_entries_->stale() : StaleEntries(); },
      backups_.get(),
      [this] {
        backups_->ask();
        backup_lane_->kick();
      },
      [this] { expiry_lane_->kick(); },
      verifications_.get(),
      scrubber_.get(),
      [this] { scrub_lane_->kick(); },
      nullptr,
      std::nullopt});
  api_ = std::make_unique<api::Api>(
      *services_, api::Api::Options{group_id(config_.admin_group), group_id(config_.mount_group),
                                    user_id(config_.mount_user)});
}

std::string Daemon::public_url_of(const Config& config) const {
  if (!config.public_url.empty()) return config.public_url;  // without a slash at its end
  const bool is_v6 = config_.listen_address.find(':') != std::string::npos;
  const std::string host = is_v6 ? "[" + config_.listen_address + "]" : config_.listen_address;
  return (config_.tls.is_on() ? "https://" : "http://") + host + ":" + std::to_string(port_);
}

// What one of them has done is work for the others: they wake each other by way of the loop, where
// all of them are known.
Status Daemon::start_movers() {
  HOLDFAST_ASSIGN(mover_lane, LaneThread::start("hf-mover", config_.policy_interval, IoOptions(),
                                                [this](Io& io) {
                                                  mover_->run(io);
                                                  loop_->post([this] {
                                                    for (const auto& lane : edge_lanes_)
                                                      lane->kick();
                                                  });
                                                }));
  mover_lane_ = std::move(mover_lane);
  for (Edge edge : kEdges) {
    EdgeMover* mover =
        edge_movers_.emplace_back(std::make_unique<EdgeMover>(opened_->archive(), edge)).get();
    const std::string name = "hf-to-" + std::string(word(ends_of(edge).to));
    HOLDFAST_ASSIGN(
        lane, LaneThread::start(name, config_.policy_interval, IoOptions(), [this, mover](Io& io) {
          if (mover->run(io)) loop_->post([this] { mover_lane_->kick(); });
        }));
    edge_lanes_.push_back(std::move(lane));
  }
  return {};
}

// Every lane that is started below stands in watch_threads(), too.
Status Daemon::start_lanes() {
  const Archive& archive = opened_->archive();
  mover_ = std::make_unique<Mover>(archive);
  const int readers = Restorer::readers_here();
  warm_restorer_ = std::make_unique<Restorer>(archive, Tier::kWarm, readers);
  // A restore that waits for its next try, or for room, is looked at this often.
  const Millis restore_interval = seconds(5);
  HOLDFAST_TRY(start_movers());
  HOLDFAST_ASSIGN(warm_lane, LaneThread::start("hf-warm", restore_interval, IoOptions(),
                                               [this](Io& io) { warm_restorer_->run(io); }));
  warm_lane_ = std::move(warm_lane);
  // Without a cold tier as well: what was asked of a medium that is no longer configured is told
  // so.
  cold_restorer_ = std::make_unique<Restorer>(archive, Tier::kCold, readers);
  HOLDFAST_ASSIGN(cold_lane,
                  LaneThread::start("hf-cold", restore_interval, IoOptions(), [this](Io& io) {
                    cold_restorer_->run(io);
                    SessionKeeper* cold = opened_->archive().cold;
                    if (cold != nullptr) cold->close_if_idle();
                  }));
  cold_lane_ = std::move(cold_lane);
  deliverer_ = std::make_unique<Deliverer>(archive);
  // News are rows, which nobody needs to be woken for.
  HOLDFAST_ASSIGN(deliverer_lane, LaneThread::start("hf-outbox", seconds(1), IoOptions(),
                                                    [this](Io&) { deliverer_->run(); }));
  deliverer_lane_ = std::move(deliverer_lane);
  backups_ = std::make_unique<Backups>(archive);
  // How often it is looked whether one is due.
  HOLDFAST_ASSIGN(backup_lane, LaneThread::start("hf-backup", minutes(1), IoOptions(),
                                                 [this](Io& io) { backups_->run(io); }));
  backup_lane_ = std::move(backup_lane);
  expirer_ = std::make_unique<Expirer>(archive, [this] { mover_lane_->kick(); });
  HOLDFAST_ASSIGN(expiry_lane, LaneThread::start("hf-expiry", config_.policy_interval, IoOptions(),
                                                 [this](Io& io) { expirer_->run(io); }));
  expiry_lane_ = std::move(expiry_lane);
  verifications_ = std::make_unique<Verifications>(archive);
  scrubber_ = std::make_unique<Scrubber>(archive, *verifications_);
  // How often it is looked whether a copy is due, or has to be repaired.
  HOLDFAST_ASSIGN(scrub_lane, LaneThread::start("hf-scrub", minutes(1), IoOptions(),
                                                [this](Io& io) { scrubber_->run(io); }));
  scrub_lane_ = std::move(scrub_lane);
  repairer_ = std::make_unique<Repairer>(archive);
  compactor_ = std::make_unique<Compactor>(archive);
  HOLDFAST_ASSIGN(repair_lane, LaneThread::start("hf-repair", config_.policy_interval, IoOptions(),
                                                 [this](Io& io) {
                                                   repairer_->run(io);
                                                   compactor_->run(io);
                                                 }));
  repair_lane_ = std::move(repair_lane);
  HOLDFAST_ASSIGN(placing_lane, PlacingLane::start(archive, IoOptions()));
  placing_lane_ = std::move(placing_lane);
  spool_entries_ = std::make_unique<SpoolEntries>(archive, config_.spool_dir);
  // Threads of its own: a backlog takes no worker from anybody.
  HOLDFAST_ASSIGN(spool_workers, Workers::start(limits::kSpoolThreads, IoOptions()));
  spool_workers_ = std::move(spool_workers);
  spool_ = std::make_unique<Spool>(*loop_, *spool_workers_, *spool_entries_, config_.spool_dir,
                                   spool_workers_->count());
  return spool_->start();
}

Status Daemon::run() {
  ::sd_notify(0, "STATUS=opening the archive");
  opener_ = std::thread([this] {
    auto archive = std::make_shared<Result<std::unique_ptr<OpenedArchive>>>(open());
    loop_->post([this, archive] { opened(std::move(*archive)); });
  });
  loop_->run();
  return ended_;
}

void Daemon::listen_to_signals() {
  for (int number : {SIGTERM, SIGINT}) {
    Result<Signal> handle = loop_->on_signal(number, [this](int) { stop(); });
    if (handle.ok()) signals_.push_back(std::move(handle).value());
  }
  Result<Signal> reloads = loop_->on_signal(SIGHUP, [this](int) { reload(); });
  if (reloads.ok()) signals_.push_back(std::move(reloads).value());
  // Where nobody asks (no WatchdogSec), who is silent is told in the log all the same.
  uint64_t watchdog_us = 0;
  Millis period = seconds(30);
  if (::sd_watchdog_enabled(0, &watchdog_us) > 0)
    period = Millis(std::max<int64_t>(1, static_cast<int64_t>(watchdog_us / 3000)));
  watchdog_timer_ = loop_->every(period, [this] { answer_watchdog(); });
}

void Daemon::watch_threads() {
  watchdog_.watch(opened_->archive().writer);
  watchdog_.watch("the mover", mover_lane_->pulse());
  for (size_t i = 0; i < kEdges.size(); ++i)
    watchdog_.watch("the moves to " + std::string(word(ends_of(kEdges[i]).to)),
                    edge_lanes_[i]->pulse());
  watchdog_.watch("the warm lane", warm_lane_->pulse());
  watchdog_.watch("the cold lane", cold_lane_->pulse());
  watchdog_.watch("the outbox", deliverer_lane_->pulse());
  watchdog_.watch("the scrub", scrub_lane_->pulse());
  watchdog_.watch("the repairer", repair_lane_->pulse());
  watchdog_.watch("the backups", backup_lane_->pulse());
  watchdog_.watch("expiry", expiry_lane_->pulse());
  watchdog_.watch("placing", placing_lane_->pulse());
  for (const Pulse* pulse : workers_->pulses()) watchdog_.watch("a worker", *pulse);
  for (const Pulse* pulse : spool_workers_->pulses()) watchdog_.watch("the spool", *pulse);
}

void Daemon::answer_watchdog() {
  const std::optional<std::string> silent = watchdog_.look();
  if (!silent) ::sd_notify(0, "WATCHDOG=1");
  if (silent && !silence_told_) log::error("{}: the watchdog is not answered", *silent);
  silence_told_ = silent.has_value();
}

void Daemon::start_timers() {
  flush_timer_ = loop_->every(seconds(5), [this] {
    access_->flush();
    ready_files_->forget_idle();
  });
  links_timer_ = loop_->every(Millis(limits::kLinksNotedMs), [this] { links_->flush(); });
  sweep_timer_ = loop_->every(Millis(limits::kIncomingSweepMs), [this] { sweep_incoming(); });
}

// What refused uploads and unknown outcomes left behind; one turn at a time.
void Daemon::sweep_incoming() {
  if (sweeping_.exchange(true)) return;
  const bool taken = workers_->submit([this](Io& io) {
    const Result<IncomingReport> settled = settle_incoming(io, opened_->archive());
    if (!settled.ok())
      log::warning("look through .incoming: {}", settled.error().message);
    else if (settled->adopted + settled->placed + settled->discarded > 0)
      log::info(".incoming: {} entries adopted, {} placed, {} partial ones removed",
                settled->adopted, settled->placed, settled->discarded);
    sweeping_ = false;
  });
  if (!taken) sweeping_ = false;  // the next minute's turn
}

// New work is refused, what is under way ends, then the loop.
void Daemon::stop() {
  if (std::exchange(stopping_, true)) return;
  ::sd_notify(0, "STOPPING=1\nSTATUS=stopping");
  log::event(log::Level::kInfo, "daemon.stopping", {}, "stopping");
  stop_limit_ = std::make_unique<StopLimit>(Millis(limits::kStopMs), [] {
    log::error("the stop takes longer than {} s: what still runs is given up",
               limits::kStopMs / 1000);
    ::_exit(traits(Code::kUnavailable).exit_code);
  });
  if (opener_.joinable()) return;  // opened() ends it
  spool_->stop();
  chain_check_->stop();
  opened_->archive().changes.close();
  mover_->request_stop();
  for (const auto& mover : edge_movers_) mover->request_stop();
  warm_restorer_->request_stop();
  cold_restorer_->request_stop();
  deliverer_->request_stop();
  backups_->stop();
  expirer_->request_stop();
  scrubber_->request_stop();
  repairer_->request_stop();
  compactor_->request_stop();
  server_->drain([this] { loop_->stop(); });
}

Daemon::~Daemon() {
  expiry_lane_.reset();  // it kicks the mover's
  mover_lane_.reset();
  edge_lanes_.clear();
  warm_lane_.reset();
  cold_lane_.reset();
  deliverer_lane_.reset();
  backup_lane_.reset();
  scrub_lane_.reset();
  repair_lane_.reset();
  workers_.reset();
  spool_workers_.reset();
  placing_lane_.reset();  // after those who hand over to it
  chain_check_.reset();
  if (access_) access_->flush(true);
  if (links_) links_->flush();
  flush_timer_.reset();
  links_timer_.reset();
  sweep_timer_.reset();
  watchdog_timer_.reset();
  signals_.clear();
  spool_.reset();
  server_.reset();
  api_.reset();
  services_.reset();
  event_streams_.reset();
  forecast_.reset();
  index_.reset();
  opened_.reset();
  loop_.reset();
  stop_limit_.reset();
}

}  // namespace holdfast
