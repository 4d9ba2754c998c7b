#include "fuse/invalidator.h"

#include <fmt/format.h>

#include <chrono>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "base/log.h"
#include "fuse/inode.h"
#include "fuse/limits.h"
#include "index/read/browse.h"
#include "index/read/recordings.h"

namespace holdfast {

namespace {

// What to drop, each once however many changes name it. Entries go first, so that whoever lists
// the directory afterwards looks them up again.
struct Stale {
  std::set<uint64_t> directories;
  std::set<std::pair<uint64_t, std::string>> entries;
};

struct Levels {
  uint64_t workspace, year, month, day;
};

Levels levels_of(WorkspaceNo owner, CalendarDay day) {
  const auto level = [&](NodeKind kind, CalendarDay at) {
    return inode_of(Node::calendar(kind, owner, at));
  };
  return Levels{
      inode_of(Node::workspace(owner)), level(NodeKind::kYear, CalendarDay{day.year, 0, 0}),
      level(NodeKind::kMonth, CalendarDay{day.year, day.month, 0}), level(NodeKind::kDay, day)};
}

// A recording left: with the last one of a day, month or year that directory leaves as well.
Status add_empty_levels(Database& index, WorkspaceNo owner, CalendarDay day, const Levels& levels,
                        Stale& stale) {
  HOLDFAST_ASSIGN(of_day, has_recordings(index, owner, day, day));
  if (of_day) return Status();
  stale.entries.emplace(levels.month, fmt::format("{:02}", day.day));
  HOLDFAST_ASSIGN(of_month, has_recordings(index, owner, CalendarDay{day.year, day.month, 1},
                                           CalendarDay{day.year, day.month, 31}));
  if (of_month) return Status();
  stale.entries.emplace(levels.year, fmt::format("{:02}", day.month));
  HOLDFAST_ASSIGN(of_year, has_recordings(index, owner, CalendarDay{day.year, 1, 1},
                                          CalendarDay{day.year, 12, 31}));
  if (!of_year) stale.entries.emplace(levels.workspace, fmt::format("{:04}", day.year));
  return Status();
}

void add_change(const Change& change, WorkspaceNo owner, Stale& stale) {
  const Levels levels = levels_of(owner, change.day);
  stale.directories.insert(inode_of(Node::call(change.recording_no)));
  if (change.kind == Change::Kind::kChanged) return;
  // Any level above may be new to its parent, or gone from it.
  stale.directories.insert({kRootInode, levels.workspace, levels.year, levels.month, levels.day});
  if (change.kind == Change::Kind::kRemoved) stale.entries.emplace(levels.day, change.call_sid);
}

}  // namespace

Status Invalidator::apply(const ChangeBatch& batch) {
  if (batch.reset) return drop_everything();
  if (batch.changes.empty()) return Status();
  Result<Stale> stale = index_.read([&](Database& index) -> Result<Stale> {
    Stale found;
    std::map<WorkspaceId, WorkspaceNo> numbers;
    std::set<std::pair<WorkspaceNo, CalendarDay>> left;
    for (const Change& change : batch.changes) {
      auto known = numbers.find(change.workspace);
      if (known == numbers.end()) {
        HOLDFAST_ASSIGN(row, find_workspace(index, change.workspace));
        if (!row.has_value()) continue;  // nobody can have looked into it
        known = numbers.emplace(change.workspace, row->workspace_no).first;
      }
      add_change(change, known->second, found);
      if (change.kind == Change::Kind::kRemoved) left.emplace(known->second, change.day);
    }
    for (const auto& [owner, day] : left)
      HOLDFAST_TRY(add_empty_levels(index, owner, day, levels_of(owner, day), found));
    return found;
  });
  if (!stale.ok()) return stale.error();
  for (const auto& [parent, name] : stale->entries) kernel_.drop_entry(parent, name);
  for (const uint64_t directory : stale->directories) kernel_.drop_listing(directory);
  kernel_.settle();
  return Status();
}

Status Invalidator::drop_everything() {
  HOLDFAST_ASSIGN(workspaces, index_.read([](Database& index) { return list_workspaces(index); }));
  for (const WorkspaceRow& row : workspaces) kernel_.drop_entry(kRootInode, row.workspace.text());
  // What somebody works in is still there.
  kernel_.drop_all_listings();
  kernel_.settle();
  return Status();
}

void Invalidator::start() {
  thread_ = std::thread([this] { run(); });
}

void Invalidator::stop() {
  if (!thread_.joinable()) return;
  {
    std::lock_guard lock(mutex_);
    stop_ = true;
  }
  stopped_.notify_all();
  daemon_.cancel_changes();
  thread_.join();
}

bool Invalidator::pause(Millis length) {
  std::unique_lock lock(mutex_);
  return !stopped_.wait_for(lock, std::chrono::milliseconds(length.count),
                            [this] { return stop_; });
}

void Invalidator::end_telling(const Error& why) {
  if (std::exchange(told_, false)) {
    kernel_.keep_listings(false);
    kernel_.drop_all_listings();
    kernel_.settle();
  }
  if (!std::exchange(broken_, true)) log::warning("no changes from the daemon: {}", why.message);
}

void Invalidator::run() {
  int64_t seq = 0;
  std::optional<std::string> run;
  for (;;) {
    // The first answer comes at once: until then no listing is kept.
    Result<ChangeBatch> batch =
        daemon_.changes(seq, told_ ? seconds(mount_limits::kPollSeconds) : Millis(0));
    {
      std::lock_guard lock(mutex_);
      if (stop_) return;
    }
    Status applied;
    if (batch.ok()) {
      // One that does not name its run counts as one run, as long as its numbers grow.
      const bool is_new = batch->seq < seq || (run.has_value() && batch->run != *run);
      batch->reset = batch->reset || broken_ || is_new;
      applied = apply(*batch);
    } else {
      applied = batch.error();
    }
    if (!applied.ok()) {
      end_telling(applied.error());
      if (!pause(Millis(mount_limits::kReconnectMs))) return;
      continue;
    }
    if (!std::exchange(told_, true)) kernel_.keep_listings(true);
    if (std::exchange(broken_, false)) log::info("the daemon tells changes again");
    seq = batch->seq;
    run = batch->run;
    if (!pause(Millis(mount_limits::kPollPauseMs))) return;
  }
}

}  // namespace holdfast
