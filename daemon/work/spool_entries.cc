#include <algorithm>

#include "base/file_name.h"
#include "base/limits.h"
#include "base/log.h"
#include "daemon/work/spool.h"
#include "index/read/recordings.h"
#include "io/text_file.h"
#include "io/tree.h"

namespace holdfast {
namespace {

constexpr std::string_view kRejected = "rejected";
constexpr std::string_view kLeaving = ".leaving";

constexpr size_t kLeavingMax = 10'000;  // of one look; more are looked at next time

// Names in a directory, sorted; at most `most` and one more, which tells that there are more.
Result<std::vector<std::string>> names_in(Io& io, const Fd& directory, size_t most) {
  std::vector<std::string> names;
  HOLDFAST_TRY(each_entry(io, directory.get(), [&](const DirectoryEntry& entry) -> Result<bool> {
    names.push_back(entry.name);
    return names.size() <= most;
  }));
  std::sort(names.begin(), names.end());
  return names;
}

bool exists(const Fd& directory, std::string_view name) {
  struct stat status {};
  return ::fstatat(directory.get(), std::string(name).c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0;
}

// Metadata is in: the recorder is done with the entry. One with more files than a part may have
// is looked at no further: taking it will say so.
Result<bool> is_complete(Io& io, const Fd& entry) {
  if (exists(entry, "metadata.json")) return true;
  HOLDFAST_ASSIGN(names, names_in(io, entry, limits::kFilesPerPartMax));
  return std::any_of(names.begin(), names.end(), is_spool_complete_by);
}

// It has nothing to do with the entry: no descriptor, no memory, a disk that fails for a moment.
bool is_worlds(const Error& why) { return is_passing(why) || why.system_errno == EIO; }

// One that cannot be looked at is: taking it will say why.
bool is_complete_below(Io& io, const Fd& directory, const std::string& call) {
  if (exists(directory, call + "/metadata.json")) return true;
  const auto entry = io.open(directory.get(), call, O_RDONLY | O_DIRECTORY);
  if (!entry.ok()) return is_worlds(entry.error());
  const auto complete = is_complete(io, *entry);
  return !complete.ok() || *complete;
}

// 0 when it cannot be told: copying it will say why.
Bytes size_in(const Fd& directory, const std::string& name) {
  struct stat status {};
  if (::fstatat(directory.get(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) return Bytes(0);
  return Bytes(status.st_size);
}

// Renames spool/<entry> to spool/<where>/<entry>.<n>, the first n that is free.
Result<std::string> set_aside(Io& io, const Fd& root, std::string_view where,
                              const std::string& entry) {
  constexpr int kSameNameMax = 10'000;
  const std::string parent = std::string(where) + "/" + split_path(entry).parent;
  HOLDFAST_TRY(io.make_directory(root.get(), where, 0750));
  HOLDFAST_TRY(io.make_directory(root.get(), parent, 0750));
  for (int n = 1; n <= kSameNameMax; ++n) {
    std::string target = std::string(where) + "/" + entry + "." + std::to_string(n);
    Status moved = io.rename(root.get(), entry, root.get(), target, IfExists::kRefuse);
    if (moved.ok()) return target;
    if (moved.error().code != Code::kConflict) return std::move(moved).error();
  }
  return Error{Code::kConflict, "spool/" + parent + " is full of entries of one name"};
}

// A later try may succeed: the entry stays.
bool try_again(Code code) {
  return code == Code::kNoSpace || code == Code::kUnavailable || code == Code::kExhausted ||
         code == Code::kIo;
}

}  // namespace

bool is_spool_complete_by(std::string_view file_name) {
  return file_name == "metadata.json" || is_later_metadata(file_name);
}

Result<SpoolScan> SpoolEntries::scan(Io& io, size_t most) {
  constexpr size_t kWorkspacesMax = 100'000;
  HOLDFAST_ASSIGN(root, io.open_root(directory_));
  settle_leaving(io, root);
  HOLDFAST_ASSIGN(workspaces, names_in(io, root, kWorkspacesMax));
  std::rotate(workspaces.begin(),
              std::lower_bound(workspaces.begin(), workspaces.end(), begin_with_),
              workspaces.end());
  SpoolScan scan;
  StaleEntries stale;
  for (const std::string& workspace : workspaces) {
    if (workspace == kRejected || workspace == kLeaving) continue;
    auto directory = io.open(root.get(), workspace, O_RDONLY | O_DIRECTORY);
    if (!directory.ok()) continue;  // a stray file: not an entry
    const bool had_room = !scan.more;
    scan_workspace(io, *directory, workspace, most, scan, stale);
    if (had_room && scan.more) begin_with_ = workspace + "0";
  }
  tell_stale(std::move(stale));
  return scan;
}

// However many entries recorders have left half-way, each complete one is seen. A workspace that
// cannot be read keeps no other back.
void SpoolEntries::scan_workspace(Io& io, const Fd& directory, const std::string& workspace,
                                  size_t most, SpoolScan& scan, StaleEntries& stale) {
  // Half of what is left, so that the workspaces after this one find room, too.
  const size_t room = scan.entries.size() + (most - scan.entries.size() + 1) / 2;
  const UnixMillis stale_before = archive_.clock.now() - Millis(limits::kSpoolStaleMs);
  const Status read =
      each_entry(io, directory.get(), [&](const DirectoryEntry& found) -> Result<bool> {
        const std::string& call = found.name;
        const std::string name = workspace + "/" + call;
        if (is_complete_below(io, directory, call)) {
          scan.more = scan.more || scan.entries.size() >= room;
          if (scan.entries.size() < room) scan.entries.push_back(name);
          return true;
        }
        if (scan.incomplete.size() < most) scan.incomplete.push_back(name);
        struct stat status {};
        if (::fstatat(directory.get(), call.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0)
          return true;
        const UnixMillis changed(int64_t{status.st_mtim.tv_sec} * 1000);
        if (changed > stale_before) return true;
        if (stale.count++ == 0 || changed < stale.since) {
          stale.oldest = name;
          stale.since = changed;
        }
        return true;
      });
  if (!read.ok()) log::warning("scan spool/{}: {}", workspace, read.error().message);
}

// Told once for each number of them, not with every scan.
void SpoolEntries::tell_stale(StaleEntries stale) {
  const std::lock_guard lock(stale_mutex_);
  if (stale.count > stale_.count)
    log::warning(
        "{} spool entries have waited for their metadata.json for more than an hour, the oldest is "
        "{}: its recorder may have died half-way; complete it, or take it away",
        stale.count, stale.oldest);
  stale_ = std::move(stale);
}

StaleEntries SpoolEntries::stale() const {
  const std::lock_guard lock(stale_mutex_);
  return stale_;
}

Status SpoolEntries::take(Io& io, const std::string& entry) {
  HOLDFAST_ASSIGN(root, io.open_root(directory_));
  const SplitPath names = split_path(entry);
  auto directory = io.open(root.get(), entry, O_RDONLY | O_DIRECTORY);
  if (!directory.ok()) {
    if (directory.error().code == Code::kNotFound) return {};  // taken already
    const int why = directory.error().system_errno;
    if (why == EACCES || why == EPERM) return {};  // its recorder has not opened it up yet
    if (is_worlds(directory.error())) return directory.error().within("spool entry " + entry);
    return reject(io, root, entry, directory.error());
  }
  HOLDFAST_ASSIGN(complete, is_complete(io, *directory));
  if (!complete) return {};  // not complete (any more)
  auto workspace = WorkspaceId::from_text(names.parent);
  if (!workspace.ok()) return reject(io, root, entry, workspace.error());
  if (!is_call_sid(names.name))
    return reject(
        io, root, entry,
        Error{Code::kInvalid,
              "the directory's name must be a call_sid: 1 to 128 of A-Z a-z 0-9 . _ : -"});
  {
    HOLDFAST_ASSIGN(index, archive_.index.take());
    HOLDFAST_ASSIGN(known, find_workspace(*index, *workspace));
    if (!known)
      return reject(io, root, entry,
                    Error{Code::kNotFound, "unknown workspace " + workspace->text() +
                                               "; add it first: holdfast workspace add " +
                                               workspace->text()});
  }
  HOLDFAST_ASSIGN(files, names_in(io, *directory, limits::kFilesPerPartMax));
  std::vector<SeenFile> seen;
  for (const std::string& name : files) {
    SeenFile file{name, {}};
    if (::fstatat(directory->get(), name.c_str(), &file.status, AT_SYMLINK_NOFOLLOW) == 0)
      seen.push_back(std::move(file));
  }
  Result<Ingested> outcome = ingest(io, *directory, files, *workspace, names.name);
  if (outcome.ok()) return remove(io, root, entry, std::move(seen));
  if (try_again(outcome.error().code)) return outcome.error().within("spool entry " + entry);
  return reject(io, root, entry, outcome.error());
}

Result<Ingested> SpoolEntries::ingest(Io& io, const Fd& entry_directory,
                                      const std::vector<std::string>& names,
                                      const WorkspaceId& workspace, const std::string& call_sid) {
  if (names.size() > limits::kFilesPerPartMax)
    return Error{Code::kTooLarge, "more than " + std::to_string(limits::kFilesPerPartMax) +
                                      " files in one spool entry"};
  HOLDFAST_ASSIGN(draft, ingest_.begin(io, IngestRequest{workspace, call_sid, "spool"}));
  for (const std::string& name : names) {
    if (Status room = ingest_.room(size_in(entry_directory, name)); !room.ok()) {
      HOLDFAST_TRY(ingest_.abandon(io, std::move(draft)));
      return room.error();
    }
    auto copied = draft->writer().copy_in(io, entry_directory, name, Bytes(limits::kFileBytesMax));
    if (copied.ok()) continue;
    HOLDFAST_TRY(ingest_.abandon(io, std::move(draft)));
    return copied.error().within("file " + name);
  }
  return ingest_.accept(io, std::move(draft));
}

// The entry is renamed aside first, so that a crash leaves no half-removed entry in the spool. Only
// what was ingested goes: a file that the recorder has added since goes back.
Status SpoolEntries::remove(Io& io, const Fd& root, const std::string& entry,
                            std::vector<SeenFile> files) {
  const std::lock_guard lock(leaving_);
  HOLDFAST_ASSIGN(aside, set_aside(io, root, kLeaving, entry));
  HOLDFAST_ASSIGN(directory, io.open(root.get(), aside, O_RDONLY | O_DIRECTORY));
  // Metadata goes last: an entry aside that has it may hold files that nobody ingested; one that
  // has it not holds only such.
  std::stable_partition(files.begin(), files.end(),
                        [](const SeenFile& file) { return !is_spool_complete_by(file.name); });
  bool all_the_same = true;
  for (const SeenFile& file : files) {
    const bool same = is_the_same(directory, file);
    all_the_same = all_the_same && same;
    // One that was replaced since nobody has taken: it stays, and with it what makes the entry
    // complete, so that it is judged.
    if (!same || (is_spool_complete_by(file.name) && !all_the_same)) continue;
    HOLDFAST_TRY(io.unlink(directory.get(), file.name));
  }
  return put_back(io, root, aside, entry);
}

bool SpoolEntries::is_the_same(const Fd& directory, const SeenFile& file) {
  struct stat now {};
  if (::fstatat(directory.get(), file.name.c_str(), &now, AT_SYMLINK_NOFOLLOW) != 0) return false;
  const auto same = [](const struct timespec& a, const struct timespec& b) {
    return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
  };
  const struct stat& then = file.status;
  return now.st_dev == then.st_dev && now.st_ino == then.st_ino && now.st_size == then.st_size &&
         same(now.st_mtim, then.st_mtim) && same(now.st_ctim, then.st_ctim);
}

// What is left of an entry aside was not ingested.
Status SpoolEntries::put_back(Io& io, const Fd& root, const std::string& aside,
                              const std::string& entry) {
  Status gone = io.remove_directory(root.get(), aside);
  if (gone.ok() || gone.error().system_errno != ENOTEMPTY) return gone;
  log::info("spool entry {} is archived, and holds files that came later", entry);
  Status back = io.rename(root.get(), aside, root.get(), entry, IfExists::kRefuse);
  if (back.ok() || back.error().code != Code::kConflict) return back;
  // The recorder has made the entry anew meanwhile: the files join those.
  HOLDFAST_ASSIGN(directory, io.open(root.get(), aside, O_RDONLY | O_DIRECTORY));
  HOLDFAST_ASSIGN(anew, io.open(root.get(), entry, O_RDONLY | O_DIRECTORY));
  HOLDFAST_ASSIGN(names, names_in(io, directory, limits::kFilesPerPartMax));
  for (const std::string& name : names)
    HOLDFAST_TRY(io.rename(directory.get(), name, anew.get(), name, IfExists::kRefuse));
  return io.remove_directory(root.get(), aside);
}

// Entries aside that a crash or an error left there, put back: one that is still complete is taken
// again and found to be archived. What cannot be put back now waits for the next scan.
void SpoolEntries::settle_leaving(Io& io, const Fd& root) {
  const std::lock_guard lock(leaving_);
  auto leaving = io.open(root.get(), std::string(kLeaving), O_RDONLY | O_DIRECTORY);
  if (!leaving.ok()) return;  // nothing has ever left
  const auto workspaces = names_in(io, *leaving, kLeavingMax);
  if (!workspaces.ok()) return;
  for (const std::string& workspace : *workspaces) {
    auto directory = io.open(leaving->get(), workspace, O_RDONLY | O_DIRECTORY);
    if (!directory.ok()) continue;
    const auto calls = names_in(io, *directory, kLeavingMax);
    if (!calls.ok()) continue;
    for (const std::string& call : *calls) {
      const std::string below = workspace + "/" + call;
      const std::string aside = std::string(kLeaving) + "/" + below;
      if (Status back = put_back(io, root, aside, below.substr(0, below.rfind('.'))); !back.ok())
        log::warning("spool/{} waits for another try: {}", aside, back.error().message);
    }
  }
}

// spool/rejected/<workspace>/<call_sid>.<n>/ with reason.txt beside the files.
Status SpoolEntries::reject(Io& io, const Fd& root, const std::string& entry, const Error& reason) {
  archive_.meters.spool_rejected.add();
  log::event(log::Level::kWarning, "spool.rejected", {}, "spool entry {} is rejected: {}", entry,
             reason.message);
  HOLDFAST_ASSIGN(target, set_aside(io, root, kRejected, entry));
  return publish_text(io, root.get(), target + ".reason.txt", reason.message + "\n");
}

}  // namespace holdfast
