#include "daemon/work/spool.h"

#include <sys/inotify.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "base/limits.h"
#include "base/log.h"

namespace holdfast {
namespace {

constexpr uint32_t kWatched =
    IN_CREATE | IN_MOVED_TO | IN_CLOSE_WRITE | IN_ONLYDIR | IN_DONT_FOLLOW;
constexpr int kDepth = 2;  // spool / workspace / call

int depth_of(const std::string& relative) {
  if (relative.empty()) return 0;
  return relative.find('/') == std::string::npos ? 1 : 2;
}

}  // namespace

Spool::Spool(Loop& loop, Workers& workers, SpoolEntries& entries, std::string directory)
    : loop_(loop), workers_(workers), entries_(entries), directory_(std::move(directory)) {}

Spool::~Spool() = default;

Status Spool::start() {
  inotify_.reset(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
  if (!inotify_) return system_error(errno, "watch the spool");
  HOLDFAST_ASSIGN(poll, loop_.poll(inotify_.get(), [this](int, int) { on_events(); }));
  poll_ = std::move(poll);
  Loop::watch(poll_, UV_READABLE);
  add_watch("");
  rescan_ = loop_.every(minutes(1), [this] { request_scan(); });
  request_scan();
  return {};
}

void Spool::stop() {
  stopped_ = true;
  poll_.reset();
  rescan_.reset();
  waiting_.clear();
}

// A directory that cannot be watched is found by the scans.
void Spool::add_watch(const std::string& relative) {
  const std::string path = relative.empty() ? directory_ : directory_ + "/" + relative;
  const int watch = ::inotify_add_watch(inotify_.get(), path.c_str(), kWatched);
  if (watch >= 0) watches_[watch] = relative;
}

void Spool::on_events() {
  alignas(inotify_event) std::array<char, 64 * 1024> buffer;
  while (true) {
    const ssize_t got = ::read(inotify_.get(), buffer.data(), buffer.size());
    if (got <= 0) break;
    for (ssize_t at = 0; at < got;) {
      const auto* event = reinterpret_cast<const inotify_event*>(buffer.data() + at);
      at += static_cast<ssize_t>(sizeof(inotify_event) + event->len);
      if ((event->mask & IN_Q_OVERFLOW) != 0) {
        request_scan();
        continue;
      }
      const auto watch = watches_.find(event->wd);
      if (watch == watches_.end()) continue;
      if ((event->mask & IN_IGNORED) != 0) {
        watches_.erase(watch);
        continue;
      }
      const std::string parent = watch->second;
      const std::string name = event->len > 0 ? event->name : "";
      if (name.empty() || (parent.empty() && (name == "rejected" || name[0] == '.'))) continue;
      const std::string relative = parent.empty() ? name : parent + "/" + name;
      if ((event->mask & IN_ISDIR) != 0 && depth_of(parent) < kDepth) {
        add_watch(relative);
        // What came before the watch is told by nobody: a new workspace may hold entries
        // already, a new entry may be complete.
        if (depth_of(relative) == kDepth)
          notice(relative);
        else
          request_scan();
      } else if (depth_of(parent) == kDepth && is_spool_complete_by(name)) {
        notice(parent);
      }
    }
  }
  feed();
}

void Spool::notice(const std::string& entry) {
  if (stopped_) return;
  if (const auto taken = taken_.find(entry); taken != taken_.end()) {
    taken->second = true;
    return;
  }
  if (waiting_.size() >= limits::kSpoolQueue) {
    scan_again_ = true;
    return;
  }
  waiting_.insert(entry);
}

// The workers look through the whole spool; one scan at a time.
void Spool::request_scan() {
  if (stopped_) return;
  if (scanning_) {
    scan_again_ = true;
    return;
  }
  scanning_ = workers_.submit([this](Io& io) {
    auto found =
        std::make_shared<Result<std::vector<std::string>>>(entries_.scan(io, limits::kSpoolQueue));
    loop_.post([this, found] {
      scanning_ = false;
      if (stopped_) return;
      if (!found->ok()) {
        log::error("scan the spool: {}", found->error().message);
        return;
      }
      // Watched first, then looked at: an entry completed between the scan and now is not missed.
      for (const std::string& entry : **found) {
        add_watch(entry.substr(0, entry.find('/')));
        add_watch(entry);
        notice(entry);
      }
      if (std::exchange(scan_again_, false)) request_scan();
      feed();
    });
  });
  if (!scanning_) scan_again_ = true;  // the workers are full: feed() asks again
}

void Spool::feed() {
  while (!stopped_ && !waiting_.empty()) {
    const std::string entry = *waiting_.begin();
    const bool taken = workers_.submit([this, entry](Io& io) {
      Status done = entries_.take(io, entry);
      if (!done.ok()) log::warning("{}", done.error().message);
      loop_.post([this, entry] {
        const bool again = taken_.extract(entry).mapped();
        if (again) notice(entry);
        feed();
        if (waiting_.empty() && taken_.empty() && std::exchange(scan_again_, false)) request_scan();
      });
    });
    if (!taken) return;
    waiting_.erase(waiting_.begin());
    taken_.emplace(entry, false);
  }
}

}  // namespace holdfast
