#include "fuse/session.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include <cerrno>
#include <condition_variable>
#include <cstring>
#include <functional>
#include <memory>
#include <thread>

#include "base/clock.h"
#include "base/log.h"
#include "fuse/filesystem.h"
#include "fuse/http_daemon_link.h"
#include "fuse/invalidator.h"
#include "fuse/limits.h"
#include "fuse/mount_point.h"
#include "io/fd.h"

namespace holdfast {

namespace {

constexpr const char* kFuseConf = "/etc/fuse.conf";

struct SessionDestroy {
  void operator()(fuse_session* session) const { fuse_session_destroy(session); }
};
using SessionPointer = std::unique_ptr<fuse_session, SessionDestroy>;

struct LoopConfigDestroy {
  void operator()(fuse_loop_config* config) const { fuse_loop_cfg_destroy(config); }
};

// Arguments of a session, freed at the end.
class Arguments {
 public:
  Arguments() { add("holdfast-fuse"); }
  ~Arguments() { fuse_opt_free_args(&args_); }
  Arguments(const Arguments&) = delete;
  Arguments& operator=(const Arguments&) = delete;

  void add(const char* argument) { failed_ |= fuse_opt_add_arg(&args_, argument) != 0; }
  void option(const char* text) {
    add("-o");
    add(text);
  }
  bool failed() const { return failed_; }
  fuse_args* get() { return &args_; }

 private:
  fuse_args args_ = FUSE_ARGS_INIT(0, nullptr);
  bool failed_ = false;
};

sigset_t stop_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&set, signal);
  return set;
}

// Waits for a signal to stop on a thread of its own; all other threads have them blocked, so
// stopping is ordinary code and not a handler's.
class StopWatch {
 public:
  // `before` runs while requests are still answered.
  StopWatch(fuse_session* session, std::function<void()> before)
      : session_(session), before_(std::move(before)), server_(pthread_self()) {
    struct sigaction action {};
    action.sa_handler = [](int) {};  // only ends the server's wait
    sigaction(SIGUSR1, &action, nullptr);
    thread_ = std::thread([this] { wait(); });
  }

  // Serving has ended, by a signal or because the view was unmounted from outside.
  ~StopWatch() {
    {
      std::lock_guard lock(mutex_);
      served_ = true;
    }
    ended_.notify_all();
    pthread_kill(thread_.native_handle(), SIGTERM);
    thread_.join();
  }
  StopWatch(const StopWatch&) = delete;
  StopWatch& operator=(const StopWatch&) = delete;

 private:
  void wait() {
    const sigset_t set = stop_signals();
    int signal = 0;
    sigwait(&set, &signal);
    std::unique_lock lock(mutex_);
    if (served_) return;
    lock.unlock();
    sd_notify(0, "STOPPING=1");
    before_();
    fuse_session_exit(session_);
    lock.lock();
    // The server looks at the flag and then waits; a signal in between is lost, so it is repeated.
    while (!served_) {
      pthread_kill(server_, SIGUSR1);
      ended_.wait_for(lock, std::chrono::milliseconds(20));
    }
  }

  fuse_session* const session_;
  const std::function<void()> before_;
  const pthread_t server_;
  std::mutex mutex_;
  std::condition_variable ended_;
  bool served_ = false;
  std::thread thread_;
};

Result<SessionPointer> new_session(Filesystem& filesystem) {
  Arguments arguments;
  // ro: the kernel itself answers EROFS. default_permissions: it checks modes and groups.
  arguments.option("ro,nosuid,nodev,noexec,noatime,default_permissions");
  arguments.option("fsname=holdfast,subtype=holdfast");
  if (may_allow_others(kFuseConf))
    arguments.option("allow_other");
  else
    log::warning("only this user can enter the mount: {} does not say user_allow_other", kFuseConf);
  if (arguments.failed()) return Error{Code::kIo, "prepare the mount: out of memory"};
  const fuse_lowlevel_ops& operations = Filesystem::operations();
  SessionPointer session(
      fuse_session_new(arguments.get(), &operations, sizeof operations, &filesystem));
  if (!session) return Error{Code::kIo, "prepare the mount: libfuse refused (see above)"};
  return session;
}

// One descriptor per open file, and the system's default is 1,024.
void raise_descriptor_limit() {
  struct rlimit limit {};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  if (::setrlimit(RLIMIT_NOFILE, &limit) != 0)
    log::warning("raise the limit of descriptors: {}", std::strerror(errno));
}

// The device that a mount is, which also names its connection; 0: unknown. Asks the file system
// nothing, so it may be called when nobody answers.
unsigned device_of(const std::string& mount_point) {
  struct statx status {};
  const int failed = ::statx(AT_FDCWD, mount_point.c_str(), AT_STATX_DONT_SYNC, 0, &status);
  return failed != 0 ? 0 : status.stx_dev_minor;
}

// Unmounts, and ends every request that waits for an answer; whoever hangs in a page of memory of
// its own goes on hanging.
void abort_connection(fuse_session* session, const std::string& mount_point, unsigned device) {
  // This needs root, and does both. What is mounted there must still be ours.
  if (device_of(mount_point) == device &&
      ::umount2(mount_point.c_str(), MNT_FORCE | MNT_DETACH) == 0)
    return;
  fuse_session_unmount(session);
  // Documentation/filesystems/fuse.rst, control filesystem: it is the mount's user's own.
  const std::string file = fmt::format("/sys/fs/fuse/connections/{}/abort", device);
  const Fd fd(::open(file.c_str(), O_WRONLY | O_CLOEXEC));
  if (!fd || ::write(fd.get(), "1", 1) != 1)
    log::warning("abort the connection of {}: {}", mount_point, std::strerror(errno));
}

Status serve(fuse_session* session, Listings& listings, DaemonLink& daemon, IndexPool& index,
             const std::string& mount_point) {
  const unsigned device = device_of(mount_point);
  SessionNotices notices(session);
  ListingDropper dropper(listings, notices);
  Invalidator invalidator(daemon, index, listings);
  const auto stop_dropping = [&] {
    listings.close();  // the invalidator waits for drops
    invalidator.stop();
    return dropper.stop(Millis(mount_limits::kStopPatienceMs));
  };
  const std::unique_ptr<fuse_loop_config, LoopConfigDestroy> config(fuse_loop_cfg_create());
  fuse_loop_cfg_set_max_threads(config.get(), mount_limits::kThreadsMax);
  fuse_loop_cfg_set_idle_threads(config.get(), mount_limits::kThreadsMax);
  dropper.start();
  invalidator.start();
  int served = 0;
  {
    const StopWatch watch(session, stop_dropping);
    log::info("mounted on {}", mount_point);
    sd_notify(0, "READY=1");
    served = fuse_session_loop_mt(session, config.get());
  }
  if (!stop_dropping()) {
    log::warning(
        "a program hangs in a listing of {}: it is unmounted, and this process ends after it",
        mount_point);
    abort_connection(session, mount_point, device);
  }
  if (served < 0) return system_error(-served, "serve " + mount_point);
  return Status();
}

}  // namespace

Status serve_mount(const Config& config, const MountOptions& options) {
  HOLDFAST_ASSIGN(mount_point, check_mount_point(options.mount_point));
  HOLDFAST_ASSIGN(ownership, ownership_of(config));
  raise_descriptor_limit();

  const SystemClock clock;
  IndexPool index(config.state_dir + "/index.db");
  HttpDaemonLink daemon(config.run_dir + "/mount.sock");
  const Tree tree(ownership);
  OpenFiles files(index, daemon, clock, config.standard.path);
  Listings listings;
  Filesystem filesystem(tree, index, files, listings);

  const sigset_t blocked = stop_signals();
  pthread_sigmask(SIG_BLOCK, &blocked, nullptr);
  signal(SIGPIPE, SIG_IGN);
  HOLDFAST_ASSIGN(session, new_session(filesystem));
  if (fuse_session_mount(session.get(), mount_point.c_str()) != 0)
    return Error{Code::kIo, "mount on " + mount_point + ": libfuse refused (see above)"};
  Status served;
  if (fuse_daemonize(options.foreground ? 1 : 0) != 0)
    served = Error{Code::kIo, "detach from the terminal"};
  else
    served = serve(session.get(), listings, daemon, index, mount_point);
  fuse_session_unmount(session.get());
  if (served.ok()) log::info("unmounted {}", mount_point);
  return served;
}

}  // namespace holdfast
