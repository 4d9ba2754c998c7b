#include "daemon/work/backup.h"

#include <sys/stat.h>

#include <algorithm>
#include <filesystem>

#include "base/log.h"
#include "index/index_copy.h"
#include "index/read/status.h"
#include "io/text_file.h"
#include "io/tree.h"
#include "io/uncached.h"

namespace holdfast {
namespace {

constexpr char kManifest[] = "manifest.json";
// A try that failed is made again after this.
constexpr Millis kRetry = minutes(10);

// "20261127T101500Z": sorts as time does.
std::string stamp_of(UnixMillis at) {
  std::string text = to_iso(at);  // 2026-11-27T10:15:00.000Z
  text = text.substr(0, 19);
  std::erase(text, '-');
  std::erase(text, ':');
  return text + "Z";
}

bool is_backup_name(const std::string& name) {
  return name.size() > 17 && name[8] == 'T' && name[15] == 'Z' && name[16] == '-';
}

Result<std::pair<Bytes, Digest>> file_in(const json::object& manifest, std::string_view key) {
  const json::value* value = manifest.if_contains(key);
  if (value == nullptr || !value->is_object())
    return Error{Code::kCorrupt, "manifest: \"" + std::string(key) + "\" is no object"};
  HOLDFAST_ASSIGN(size, need_integer(value->get_object(), "size"));
  HOLDFAST_ASSIGN(hex, need_string(value->get_object(), "sha256"));
  HOLDFAST_ASSIGN(digest, Digest::from_hex(hex));
  return std::pair(Bytes(size), digest);
}

Result<BackupInfo> read_manifest(Io& io, int root, const std::string& path,
                                 const std::string& name) {
  HOLDFAST_ASSIGN(text, read_text(io, root, name + "/" + kManifest, Bytes(64 * 1024)));
  HOLDFAST_ASSIGN(value, parse_json(text));
  if (!value.is_object()) return Error{Code::kCorrupt, "manifest: no object"};
  const json::object& manifest = value.get_object();
  BackupInfo info;
  info.directory = path + "/" + name;
  HOLDFAST_ASSIGN(at, need_integer(manifest, "at"));
  HOLDFAST_ASSIGN(seq, need_integer(manifest, "applied_seq"));
  HOLDFAST_ASSIGN(index, file_in(manifest, "index"));
  HOLDFAST_ASSIGN(secrets, file_in(manifest, "secrets"));
  info.at = UnixMillis(at);
  info.applied_seq = seq;
  info.index_size = index.first;
  info.index_sha256 = index.second;
  info.secrets_size = secrets.first;
  info.secrets_sha256 = secrets.second;
  return info;
}

Result<std::vector<std::string>> backup_names(Io& io, const Fd& root) {
  HOLDFAST_ASSIGN(entries, list_directory(io, root.get()));
  std::vector<std::string> names;
  for (const DirectoryEntry& entry : entries)
    if (entry.type == DT_DIR && is_backup_name(entry.name)) names.push_back(entry.name);
  std::sort(names.begin(), names.end(), std::greater<>());
  return names;
}

// Durable, and re-read past the page cache: the digest is that of what lies there.
Result<json::object> seal_file(Io& io, const Fd& directory, const std::string& name) {
  HOLDFAST_ASSIGN(file, io.open(directory.get(), name, O_RDWR));
  HOLDFAST_TRY(io.sync(file.get(), name));
  HOLDFAST_ASSIGN(status, status_of(file.get(), name));
  HOLDFAST_ASSIGN(read, digest_uncached(io, directory.get(), name, Bytes(status.st_size)));
  return json::object{{"sha256", read.digest.hex()}, {"size", status.st_size}};
}

}  // namespace

Result<std::optional<BackupInfo>> newest_backup(Io& io, const std::string& path) {
  std::error_code error;
  if (!std::filesystem::exists(path, error)) return std::optional<BackupInfo>();
  HOLDFAST_ASSIGN(root, io.open_root(path));
  HOLDFAST_ASSIGN(names, backup_names(io, root));
  for (const std::string& name : names) {
    Result<BackupInfo> info = read_manifest(io, root.get(), path, name);
    if (info.ok()) return std::optional<BackupInfo>(*std::move(info));
    log::warning("backup {}/{}: {}", path, name, info.error().message);
  }
  return std::optional<BackupInfo>();
}

Status restore_secrets(Io& io, const BackupInfo& backup, const Fd& state_directory) {
  HOLDFAST_ASSIGN(from, io.open_root(backup.directory));
  HOLDFAST_ASSIGN(text, read_text(io, from.get(), "secrets.db", Bytes(int64_t{1} << 30)));
  if (sha256(text) != backup.secrets_sha256)
    return Error{Code::kCorrupt, "take secrets from " + backup.directory +
                                     ": they differ from the digest in the manifest"};
  PublishOptions options;
  options.mode = 0600;
  return publish_text(io, state_directory.get(), "secrets.db", text, options);
}

void Backups::set(const std::function<void(BackupStanding&)>& change) {
  const std::lock_guard lock(mutex_);
  change(standing_);
}

BackupStanding Backups::standing() const {
  const std::lock_guard lock(mutex_);
  return standing_;
}

Result<bool> Backups::is_due(Io& io) {
  if (!looked_) {
    HOLDFAST_ASSIGN(last, newest_backup(io, archive_.config().backup.path));
    set([&](BackupStanding& standing) { standing.last = last; });
    looked_ = true;
  }
  if (asked_.exchange(false)) return true;
  const Millis every = archive_.config().backup.every;
  if (every.count == 0) return false;
  const UnixMillis now = archive_.clock.now();
  const BackupStanding known = standing();
  if (!known.error.empty() && now - tried_at_ < kRetry) return false;
  // One that claims to be from the future says nothing about how old it is.
  return !known.last || known.last->at > now || now - known.last->at >= every;
}

void Backups::run(Io& io) {
  const Result<bool> due = is_due(io);
  if (due.ok() && !*due) return;
  tried_at_ = archive_.clock.now();
  const Result<BackupInfo> made = due.ok() ? now(io) : Result<BackupInfo>(due.error());
  if (made.ok())
    log::info("backup {}: up to decision {}", made->directory, made->applied_seq);
  else
    log::error("backup: {}", made.error().message);
}

Result<BackupInfo> Backups::now(Io& io) {
  set([](BackupStanding& standing) {
    standing.running = true;
    standing.pages_done = standing.pages_all = 0;
  });
  Result<BackupInfo> made = [&]() -> Result<BackupInfo> {
    const std::string& path = archive_.config().backup.path;
    std::error_code error;
    std::filesystem::create_directories(path, error);
    if (error) return system_error(error.value(), "make " + path);
    if (::chmod(path.c_str(), 0700) != 0) return system_error(errno, "set the mode of " + path);
    HOLDFAST_ASSIGN(root, io.open_root(path));
    const UnixMillis at = archive_.clock.now();
    const std::string temporary = std::string(kTemporaryPrefix) + "backup";
    HOLDFAST_TRY(remove_tree(io, root.get(), temporary));
    HOLDFAST_ASSIGN(directory, make_directories_beneath(io, root.get(), temporary, 0700));
    // Secrets first: the index may then know a key that they lack, which is told, but never the
    // other way round.
    HOLDFAST_TRY(copy("secrets", path + "/" + temporary + "/secrets.db"));
    HOLDFAST_ASSIGN(applied, copy("main", path + "/" + temporary + "/index.db"));
    HOLDFAST_ASSIGN(index, seal_file(io, directory, "index.db"));
    HOLDFAST_ASSIGN(secrets, seal_file(io, directory, "secrets.db"));
    const json::object manifest{{"applied_seq", applied}, {"archive", archive_.id.text()},
                                {"at", at.count},         {"format", 1},
                                {"index", index},         {"secrets", secrets}};
    PublishOptions options;
    options.mode = 0600;
    HOLDFAST_TRY(publish_text(io, directory.get(), kManifest, canonical(manifest) + "\n", options));
    const std::string name = stamp_of(at) + "-" + std::to_string(applied);
    HOLDFAST_TRY(remove_tree(io, root.get(), name));  // asked for twice within a second
    HOLDFAST_TRY(rename_durably(io, root.get(), temporary, name, IfExists::kRefuse));
    HOLDFAST_TRY(thin_out(io, root));
    return read_manifest(io, root.get(), path, name);
  }();
  set([&](BackupStanding& standing) {
    standing.running = false;
    standing.error = made.ok() ? "" : made.error().message;
    if (made.ok()) standing.last = *made;
  });
  return made;
}

// In short steps, each in its turn among the writer's batches; it ends there as well, since the
// connection is the writer's alone. Gives the last decision that the index had when the copy was
// whole.
Result<int64_t> Backups::copy(const std::string& schema, const std::string& path) {
  std::optional<IndexCopy> copy;
  bool done = false;
  int64_t applied = 0;
  while (!done) {
    const Status stepped = archive_.writer.use_index([&](Database& index) -> Status {
      if (stopping_) {
        copy.reset();
        return Error{Code::kUnavailable, "copy to " + path + ": the daemon stops"};
      }
      if (!copy) {
        HOLDFAST_ASSIGN(begun, IndexCopy::begin(index, schema, path));
        copy.emplace(std::move(begun));
      }
      const Result<bool> whole = copy->step(index, limits::kBackupStepPages);
      if (!whole.ok() || *whole) {
        set([&](BackupStanding& standing) {
          standing.pages_done = standing.pages_all = copy->pages_all();
        });
        copy.reset();
      }
      if (!whole.ok()) return whole.error();
      done = *whole;
      if (!done) return {};
      HOLDFAST_ASSIGN(summary, status_summary(index, std::nullopt));
      applied = summary.applied_seq;
      return {};
    });
    if (!stepped.ok()) return stepped.error();
    if (copy)
      set([&](BackupStanding& standing) {
        standing.pages_all = copy->pages_all();
        standing.pages_done = copy->pages_all() - copy->pages_left();
      });
  }
  return applied;
}

Status Backups::thin_out(Io& io, const Fd& root) {
  HOLDFAST_ASSIGN(names, backup_names(io, root));
  for (size_t i = static_cast<size_t>(archive_.config().backup.keep); i < names.size(); ++i)
    HOLDFAST_TRY(remove_tree(io, root.get(), names[i]));
  return {};
}

}  // namespace holdfast
