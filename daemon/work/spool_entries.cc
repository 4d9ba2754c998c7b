#include <dirent.h>

#include <algorithm>

#include "base/limits.h"
#include "base/log.h"
#include "daemon/work/spool.h"
#include "index/read/recordings.h"
#include "io/text_file.h"

namespace holdfast {
namespace {

constexpr std::string_view kRejected = "rejected";
constexpr std::string_view kComplete = "metadata.json";

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

// A later try may succeed: the entry stays.
bool try_again(Code code) {
  return code == Code::kNoSpace || code == Code::kUnavailable || code == Code::kExhausted ||
         code == Code::kIo;
}

}  // namespace

Result<std::vector<std::string>> SpoolEntries::scan(Io& io, size_t most) {
  constexpr size_t kWorkspacesMax = 100'000;
  HOLDFAST_ASSIGN(root, open_root(directory_));
  HOLDFAST_ASSIGN(workspaces, names_in(root, kWorkspacesMax));
  std::vector<std::string> entries;
  std::vector<std::string> incomplete;
  for (const std::string& workspace : workspaces) {
    if (workspace == kRejected || entries.size() >= most) continue;
    auto directory = io.open(root.get(), workspace, O_RDONLY | O_DIRECTORY);
    if (!directory.ok()) continue;  // a stray file: not an entry
    HOLDFAST_ASSIGN(calls, names_in(*directory, most));
    for (const std::string& call : calls) {
      const std::string name = workspace + "/" + call;
      std::vector<std::string>& found =
          exists(*directory, call + "/" + std::string(kComplete)) ? entries : incomplete;
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
  if (!exists(*directory, kComplete)) return {};  // not complete (any more)
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
    auto copied = draft->writer().copy_in(io, entry_directory, name, Bytes(limits::kFileBytesMax));
    if (copied.ok()) continue;
    HOLDFAST_TRY(ingest_.abandon(io, std::move(draft)));
    return copied.error().within("file " + name);
  }
  return ingest_.accept(io, std::move(draft));
}

// Only what was ingested goes: a file that the recorder has added since stays for the next time.
Status SpoolEntries::remove(Io& io, const Fd& root, const std::string& entry,
                            std::vector<std::string> names) {
  HOLDFAST_ASSIGN(directory, io.open(root.get(), entry, O_RDONLY | O_DIRECTORY));
  // metadata.json goes first: what is left of a half-removed entry is not complete.
  std::stable_partition(names.begin(), names.end(),
                        [](const std::string& name) { return name == kComplete; });
  for (const std::string& name : names) HOLDFAST_TRY(io.unlink(directory.get(), name));
  Status removed = io.remove_directory(root.get(), entry);
  if (removed.ok() || removed.error().system_errno != ENOTEMPTY) return removed;
  log::warning("spool entry {} is archived, and holds files that came later", entry);
  return {};
}

// spool/rejected/<workspace>/<call_sid>.<n>/ with reason.txt beside the files.
Status SpoolEntries::reject(Io& io, const Fd& root, const std::string& entry, const Error& reason) {
  constexpr int kSameNameMax = 10'000;
  log::warning("spool entry {} is rejected: {}", entry, reason.message);
  const SplitPath names = split_path(entry);
  const std::string parent = std::string(kRejected) + "/" + names.parent;
  HOLDFAST_TRY(io.make_directory(root.get(), std::string(kRejected), 0750));
  HOLDFAST_TRY(io.make_directory(root.get(), parent, 0750));
  for (int n = 1; n <= kSameNameMax; ++n) {
    const std::string target = parent + "/" + names.name + "." + std::to_string(n);
    Status moved = io.rename(root.get(), entry, root.get(), target, IfExists::kRefuse);
    if (!moved.ok() && moved.error().code == Code::kConflict) continue;
    HOLDFAST_TRY(std::move(moved));
    return publish_text(io, root.get(), target + ".reason.txt", reason.message + "\n");
  }
  return Error{Code::kConflict, "spool/" + parent + " is full of rejected entries of one name"};
}

}  // namespace holdfast
