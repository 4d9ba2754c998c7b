#include <dirent.h>

#include <algorithm>

#include "base/file_name.h"
#include "base/limits.h"
#include "base/log.h"
#include "daemon/work/spool.h"
#include "index/read/recordings.h"
#include "io/text_file.h"

namespace holdfast {
namespace {

constexpr std::string_view kRejected = "rejected";
constexpr std::string_view kLeaving = ".leaving";

constexpr size_t kLeavingMax = 10'000;  // of one look; more are looked at next time

struct DirectoryCloser {
  void operator()(DIR* directory) const { ::closedir(directory); }
};

// Names in a directory, without "." and "..", sorted; at most `most`.
Result<std::vector<std::string>> names_in(const Fd& directory, size_t most) {
  HOLDFAST_ASSIGN(copy, directory.duplicate());
  std::unique_ptr<DIR, DirectoryCloser> stream(::fdopendir(copy.release()));
  if (!stream) return system_error(errno, "read a spool directory");
  ::rewinddir(stream.get());
  std::vector<std::string> names;
  errno = 0;
  while (const dirent* found = ::readdir(stream.get())) {
    const std::string name = found->d_name;
    if (name != "." && name != "..") names.push_back(name);
    if (names.size() > most) break;
    errno = 0;
  }
  if (errno != 0) return system_error(errno, "read a spool directory");
  std::sort(names.begin(), names.end());
  return names;
}

bool exists(const Fd& directory, std::string_view name) {
  struct stat status {};
  return ::fstatat(directory.get(), std::string(name).c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0;
}

// Metadata is in: the recorder is done with the entry. One with more files than a part may have
// is looked at no further: taking it will say so.
bool is_complete(const Fd& entry) {
  if (exists(entry, "metadata.json")) return true;
  const auto names = names_in(entry, limits::kFilesPerPartMax);
  return names.ok() && std::any_of(names->begin(), names->end(), is_spool_complete_by);
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

Result<std::vector<std::string>> SpoolEntries::scan(Io& io, size_t most) {
  constexpr size_t kWorkspacesMax = 100'000;
  HOLDFAST_ASSIGN(root, open_root(directory_));
  settle_leaving(io, root);
  HOLDFAST_ASSIGN(workspaces, names_in(root, kWorkspacesMax));
  std::vector<std::string> entries;
  std::vector<std::string> incomplete;
  for (const std::string& workspace : workspaces) {
    if (workspace == kRejected || workspace == kLeaving || entries.size() >= most) continue;
    auto directory = io.open(root.get(), workspace, O_RDONLY | O_DIRECTORY);
    if (!directory.ok()) continue;  // a stray file: not an entry
    HOLDFAST_ASSIGN(calls, names_in(*directory, most));
    for (const std::string& call : calls) {
      const std::string name = workspace + "/" + call;
      auto entry = io.open(directory->get(), call, O_RDONLY | O_DIRECTORY);
      std::vector<std::string>& found = entry.ok() && is_complete(*entry) ? entries : incomplete;
      if (found.size() < most) found.push_back(name);
    }
  }
  entries.insert(entries.end(), incomplete.begin(), incomplete.end());
  return entries;
}

Status SpoolEntries::take(Io& io, const std::string& entry) {
  HOLDFAST_ASSIGN(root, open_root(directory_));
  const SplitPath names = split_path(entry);
  auto directory = io.open(root.get(), entry, O_RDONLY | O_DIRECTORY);
  if (!directory.ok()) {
    if (directory.error().code == Code::kNotFound) return {};  // taken already
    return reject(io, root, entry, directory.error());
  }
  if (!is_complete(*directory)) return {};  // not complete (any more)
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
  HOLDFAST_ASSIGN(files, names_in(*directory, limits::kFilesPerPartMax));
  Result<Ingested> outcome = ingest(io, *directory, files, *workspace, names.name);
  if (outcome.ok()) return remove(io, root, entry, std::move(files));
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
                            std::vector<std::string> names) {
  const std::lock_guard lock(leaving_);
  HOLDFAST_ASSIGN(aside, set_aside(io, root, kLeaving, entry));
  HOLDFAST_ASSIGN(directory, io.open(root.get(), aside, O_RDONLY | O_DIRECTORY));
  // Metadata goes last: an entry aside that has it may hold files that nobody ingested; one that
  // has it not holds only such.
  std::stable_partition(names.begin(), names.end(),
                        [](const std::string& name) { return !is_spool_complete_by(name); });
  for (const std::string& name : names) HOLDFAST_TRY(io.unlink(directory.get(), name));
  return put_back(io, root, aside, entry);
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
  HOLDFAST_ASSIGN(names, names_in(directory, limits::kFilesPerPartMax));
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
  const auto workspaces = names_in(*leaving, kLeavingMax);
  if (!workspaces.ok()) return;
  for (const std::string& workspace : *workspaces) {
    auto directory = io.open(leaving->get(), workspace, O_RDONLY | O_DIRECTORY);
    if (!directory.ok()) continue;
    const auto calls = names_in(*directory, kLeavingMax);
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
  log::warning("spool entry {} is rejected: {}", entry, reason.message);
  HOLDFAST_ASSIGN(target, set_aside(io, root, kRejected, entry));
  return publish_text(io, root.get(), target + ".reason.txt", reason.message + "\n");
}

}  // namespace holdfast
