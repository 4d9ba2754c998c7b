#include "io/tree.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>

namespace holdfast {
namespace {

constexpr int kDirectoryFlags = O_RDONLY | O_DIRECTORY;
// Our trees are a handful deep; a deeper one is not ours, and recursion stays bounded.
constexpr int kTreeDepthMax = 64;

// Nothing when the file system does not tell births: then a reused inode could
// pass for a directory that is gone, so we remember nothing.
std::optional<Io::DirectoryKey> key_of(int fd) {
  struct statx status = {};
  if (::statx(fd, "", AT_EMPTY_PATH, STATX_INO | STATX_BTIME, &status) != 0) return std::nullopt;
  if ((status.stx_mask & STATX_BTIME) == 0) return std::nullopt;
  Io::DirectoryKey key;
  key.device = makedev(status.stx_dev_major, status.stx_dev_minor);
  key.inode = status.stx_ino;
  key.birth_seconds = status.stx_btime.tv_sec;
  key.birth_nanoseconds = status.stx_btime.tv_nsec;
  return key;
}

// One step of make_directories_beneath. A directory that exists is synced into
// its parent too unless this Io has done so: another thread may have made it a
// moment ago and not have come to its own sync yet.
Result<Fd> enter_or_make(Io& io, int parent, const std::string& name, mode_t mode) {
  bool made = false;
  Result<Fd> child = io.open(parent, name, kDirectoryFlags);
  if (!child.ok() && child.error().code == Code::kNotFound) {
    HOLDFAST_ASSIGN(new_one, io.make_directory(parent, name, mode));
    made = new_one;
    child = io.open(parent, name, kDirectoryFlags);
  }
  if (!child.ok()) return child;
  const std::optional<Io::DirectoryKey> key = key_of(child->get());
  if (!made && key && io.is_known_durable(*key)) return child;
  if (made) HOLDFAST_TRY(io.sync(child->get(), "directory " + name));
  HOLDFAST_TRY(io.sync(parent, "the directory that holds " + name));
  if (key) io.remember_durable(*key);
  return child;
}

Result<unsigned char> type_of(int dir_fd, const std::string& name) {
  struct stat status = {};
  if (::fstatat(dir_fd, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0)
    return system_error(errno, "stat " + name);
  return static_cast<unsigned char>(IFTODT(status.st_mode));
}

Status empty_directory(Io& io, int dir_fd, int depth) {
  if (depth > kTreeDepthMax)
    return Error{Code::kInvalid, "remove a tree: more than 64 directories deep"};
  return each_entry(io, dir_fd, [&](const DirectoryEntry& entry) -> Result<bool> {
    if (entry.type != DT_DIR) {
      HOLDFAST_TRY(io.unlink(dir_fd, entry.name));
      return true;
    }
    HOLDFAST_ASSIGN(child, io.open(dir_fd, entry.name, kDirectoryFlags));
    HOLDFAST_TRY(empty_directory(io, child.get(), depth + 1));
    HOLDFAST_TRY(io.remove_directory(dir_fd, entry.name));
    return true;
  });
}

}  // namespace

Status sync_directory(Io& io, int dir_fd, std::string_view object) {
  return io.sync(dir_fd, object);
}

Result<Fd> open_directory_beneath(Io& io, int dir_fd, std::string_view relative) {
  return io.open(dir_fd, relative, kDirectoryFlags);
}

Result<Fd> make_directories_beneath(Io& io, int dir_fd, std::string_view relative, mode_t mode) {
  HOLDFAST_ASSIGN(current, io.open(dir_fd, ".", kDirectoryFlags));
  std::string_view rest = relative;
  while (!rest.empty()) {
    const size_t slash = rest.find('/');
    const std::string name(rest.substr(0, slash));
    rest = slash == std::string_view::npos ? std::string_view() : rest.substr(slash + 1);
    if (name.empty() || name == ".") continue;
    Result<Fd> child = enter_or_make(io, current.get(), name, mode);
    if (!child.ok()) return child.error().within("make directory " + std::string(relative));
    current = std::move(child).value();
  }
  return current;
}

Status rename_durably(Io& io, int dir_fd, std::string_view from, std::string_view to,
                      IfExists if_exists) {
  const std::string from_parent = split_path(from).parent;
  const std::string to_parent = split_path(to).parent;
  HOLDFAST_ASSIGN(source, open_directory_beneath(io, dir_fd, from_parent));
  HOLDFAST_ASSIGN(target, open_directory_beneath(io, dir_fd, to_parent));
  HOLDFAST_TRY(
      io.rename(source.get(), split_path(from).name, target.get(), split_path(to).name, if_exists));
  HOLDFAST_TRY(io.sync(target.get(), "directory " + to_parent));
  if (from_parent == to_parent) return {};
  return io.sync(source.get(), "directory " + from_parent);
}

Status unlink_durably(Io& io, int dir_fd, std::string_view relative) {
  const SplitPath path = split_path(relative);
  HOLDFAST_ASSIGN(parent, open_directory_beneath(io, dir_fd, path.parent));
  HOLDFAST_TRY(io.unlink(parent.get(), path.name));
  return io.sync(parent.get(), "directory " + path.parent);
}

Status remove_tree(Io& io, int dir_fd, std::string_view relative) {
  const SplitPath path = split_path(relative);
  Result<Fd> parent = open_directory_beneath(io, dir_fd, path.parent);
  if (!parent.ok() && parent.error().code == Code::kNotFound) return {};
  if (!parent.ok()) return parent.error();
  Result<Fd> tree = io.open(parent->get(), path.name, kDirectoryFlags);
  if (!tree.ok() && tree.error().code == Code::kNotFound) return {};
  if (!tree.ok()) return tree.error();
  HOLDFAST_TRY(empty_directory(io, tree->get(), 1));
  HOLDFAST_TRY(io.remove_directory(parent->get(), path.name));
  return io.sync(parent->get(), "directory " + path.parent);
}

Status each_entry(Io& io, int dir_fd,
                  const std::function<Result<bool>(const DirectoryEntry&)>& visit) {
  HOLDFAST_ASSIGN(stream, io.list(dir_fd));
  for (;;) {
    errno = 0;
    const dirent* found = ::readdir(stream.get());
    if (found == nullptr && errno != 0) return system_error(errno, "list a directory");
    if (found == nullptr) return {};
    DirectoryEntry entry{found->d_name, found->d_type};
    if (entry.name == "." || entry.name == "..") continue;
    if (entry.type == DT_UNKNOWN) {
      const Result<unsigned char> type = type_of(dir_fd, entry.name);
      if (!type.ok() && type.error().code == Code::kNotFound) continue;  // removed meanwhile
      if (!type.ok()) return type.error();
      entry.type = *type;
    }
    HOLDFAST_ASSIGN(go_on, visit(entry));
    if (!go_on) return {};
  }
}

Result<std::vector<DirectoryEntry>> list_directory(Io& io, int dir_fd) {
  std::vector<DirectoryEntry> entries;
  HOLDFAST_TRY(each_entry(io, dir_fd, [&](const DirectoryEntry& entry) -> Result<bool> {
    entries.push_back(entry);
    return true;
  }));
  std::sort(entries.begin(), entries.end(),
            [](const DirectoryEntry& a, const DirectoryEntry& b) { return a.name < b.name; });
  return entries;
}

}  // namespace holdfast
