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
    IN_CREATE | IN_MOVED_TO | IN_CLOSE_WRITE | IN_MOVE_SELF | IN_ONLYDIR | IN_DONT_FOLLOW;
constexpr int kDepth = 2;  // spool / workspace / call

int depth_of(const std::string& relative) {
  if (relative.empty()) return 0;
  return relative.find('/') == std::string::npos ? 1 : 2;
}

}  // namespace

Spool::Spool(Loop& loop, Workers& workers, SpoolEntries& entries, std::string directory,
             size_t at_once)
    : loop_(loop),
      workers_(workers),
      entries_(entries),
      directory_(std::move(directory)),
      at_once_(at_once) {}

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
      // Rejected, or on its way out: it is not in the spool any more, and needs no watch.
      if ((event->mask & IN_MOVE_SELF) != 0) {
        ::inotify_rm_watch(inotify_.get(), event->wd);
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
    auto found = std::make_shared<Result<SpoolScan>>(entries_.scan(io, limits::kSpoolQueue));
    loop_.post([this, found] {
      scanning_ = false;
      if (stopped_) return;
      if (!found->ok()) {
        log::error("scan the spool: {}", found->error().message);
        return;
      }
      // Watched first, then looked at: an entry completed between the scan and now is not missed.
      for (const auto* entries : {&(*found)->entries, &(*found)->incomplete})
        for (const std::string& entry : *entries) {
          add_watch(entry.substr(0, entry.find('/')));
          add_watch(entry);
          // For want of room it is not scanned again: an incomplete entry may stay so for ever.
          if (entries == &(*found)->entries || waiting_.size() < limits::kSpoolQueue) notice(entry);
        }
      // What found no room is looked for when this much is done.
      if ((*found)->more)
        scan_again_ = true;
      else if (std::exchange(scan_again_, false))
        request_scan();
      feed();
    });
  });
  if (!scanning_) scan_again_ = true;  // the workers are full: feed() asks again
}

// The first entry of the workspace after the one that had its turn.
std::set<std::string>::iterator Spool::next_in_turn() {
  // '0' follows '/': all entries of that workspace are before it.
  const auto next = waiting_.lower_bound(last_workspace_ + "0");
  return next == waiting_.end() ? waiting_.begin() : next;
}

void Spool::feed() {
  while (!stopped_ && !waiting_.empty() && taken_.size() < at_once_) {
    const auto next = next_in_turn();
    std::string entry = *next;  // outlives the place in `waiting_`
    const bool taken = workers_.submit([this, entry](Io& io) {
      const Status done = entries_.take(io, entry);
      if (!done.ok()) log::warning("{}", done.error().message);
      loop_.post([this, entry, left = !done.ok()] {
        some_left_ = some_left_ || left;
        const bool again = taken_.extract(entry).mapped();
        if (again) notice(entry);
        feed();
        if (!waiting_.empty() || !taken_.empty()) return;
        const bool all_went = !std::exchange(some_left_, false);
        if (std::exchange(scan_again_, false) && all_went) request_scan();
      });
    });
    if (!taken) return;
    last_workspace_ = entry.substr(0, entry.find('/'));
    waiting_.erase(next);
    taken_.emplace(entry, false);
  }
}

}  // namespace holdfast
