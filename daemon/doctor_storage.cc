// What of doctor is about files: secrets, directories, media, space.
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>

#include "base/limits.h"
#include "base/time_text.h"
#include "daemon/doctor.h"
#include "daemon/place_check.h"
#include "daemon/tls_check.h"
#include "io/certificate.h"
#include "io/uncached.h"
#include "tiers/label.h"

namespace holdfast {
namespace {

constexpr uint64_t kLowPercent = 10;
constexpr uint64_t kFullPercent = 2;

uint64_t percent(uint64_t part, uint64_t whole) { return whole == 0 ? 100 : part * 100 / whole; }

void check_credentials(const Config& config, Findings& findings) {
  const std::string directory = credentials_directory(config);
  struct stat status {};
  if (::stat(directory.c_str(), &status) != 0) {
    if (errno == EACCES)
      findings.push_back({Health::kWarn, "credentials", directory + " cannot be looked at",
                          "root asks: holdfast doctor"});
    return;  // none are used
  }
  if ((status.st_mode & 0077) != 0) {
    findings.push_back({Health::kFail, "credentials", directory + " is open to others",
                        "chmod 0700 " + directory});
    return;
  }
  std::error_code error;
  int files = 0;
  for (std::filesystem::directory_iterator entry(directory, error), end; !error && entry != end;
       entry.increment(error)) {
    ++files;
    if (::stat(entry->path().c_str(), &status) == 0 && (status.st_mode & 0077) != 0)
      findings.push_back({Health::kFail, "credentials",
                          entry->path().string() + " is open to others",
                          "chmod 0600 " + entry->path().string()});
  }
  if (error)
    findings.push_back({Health::kWarn, "credentials", directory + " cannot be looked at",
                        "root asks: holdfast doctor"});
  else
    findings.push_back(
        {Health::kOk, "credentials", fmt::format("{}: {} files", directory, files), ""});
}

// Neither root nor the daemon's user, who owns the state directory: what it cannot see says
// nothing.
bool is_somebody_else(const Config& config) {
  struct stat status {};
  if (::geteuid() == 0) return false;
  if (::stat(config.state_dir.c_str(), &status) != 0) return errno == EACCES;
  return status.st_uid != ::geteuid();
}

bool uses_credentials(const Config& config) {
  return is_credential(config, config.tls.certificate) || is_credential(config, config.tls.key) ||
         is_credential(config, config.tls.client_ca);
}

void check_tls(const Config& config, UnixMillis now, Findings& findings) {
  const Result<KeyPair> pair = read_key_pair({config.tls.certificate, config.tls.key}, now);
  if (!pair.ok()) {
    const bool others = pair.error().code == Code::kForbidden && ::geteuid() != 0 &&
                        (uses_credentials(config) || is_somebody_else(config));
    findings.push_back({others ? Health::kWarn : Health::kFail, "tls", pair.error().message,
                        others ? "root asks: holdfast doctor" : "docs/tls.md"});
  } else if ((pair->facts.not_after - now).count < limits::kCertificateSoonMs) {
    findings.push_back({Health::kWarn, "tls",
                        pair->facts.subject + " ends at " + to_iso(pair->facts.not_after),
                        "renew it, then systemctl reload holdfastd"});
  } else {
    findings.push_back({Health::kOk, "tls",
                        pair->facts.subject + ", good until " + to_iso(pair->facts.not_after), ""});
  }
  if (config.tls.client == "none") return;
  const auto roots = read_certificates(config.tls.client_ca);
  if (!roots.ok())
    findings.push_back({Health::kFail, "tls.client_ca", roots.error().message, "docs/tls.md"});
  else
    findings.push_back({Health::kOk, "tls.client_ca",
                        fmt::format("{} certificates of clients' CAs", roots->size()), ""});
}

// What nobody but the daemon and the mount's group has to read.
void check_closed(const std::string& check, const std::string& path, uid_t owner, mode_t open,
                  Health when_open, Findings& findings) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) return;  // told where it is looked for
  if ((status.st_mode & open) != 0)
    findings.push_back({when_open, check,
                        fmt::format("{} has mode {:04o}", path, status.st_mode & 07777),
                        fmt::format("chmod {:04o} {}", status.st_mode & 07777 & ~open, path)});
  else if (status.st_uid != owner)
    findings.push_back({Health::kFail, check, path + " is another user's than the state directory",
                        "chown it to the daemon's user"});
}

void check_room(const std::string& check, const std::string& path, Findings& findings) {
  struct statvfs space {};
  if (::statvfs(path.c_str(), &space) != 0) return;  // told with the place
  findings.push_back(judge_room(check, path,
                                {space.f_blocks * space.f_frsize, space.f_bavail * space.f_frsize,
                                 space.f_files, space.f_favail}));
}

// A verification must see what is on the medium: the label is read as one would be.
void check_uncached(Io& io, const std::string& check, const std::string& path, Findings& findings) {
  const Result<Fd> root = open_root(path);
  struct stat status {};
  const std::string name(kLabelFileName);
  if (!root.ok() || ::fstatat(root->get(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) return;
  const auto read = digest_uncached(io, root->get(), name, Bytes(status.st_size));
  if (!read.ok())
    findings.push_back({Health::kFail, check, path + ": " + read.error().message, "another disk"});
  else if (read->mode == VerifyMode::kNone)
    findings.push_back({Health::kFail, check,
                        path + " cannot be read past the page cache: nothing copied there is ever "
                               "proven, and nothing leaves the tier before it",
                        "ext4 or xfs on a disk; not tmpfs"});
  else
    findings.push_back(
        {Health::kOk, check,
         path + (read->mode == VerifyMode::kDirect ? " is re-read directly"
                                                   : " is re-read after its pages were dropped"),
         ""});
}

void check_backup(const Config& config, Findings& findings) {
  struct stat state {};
  struct stat backup {};
  std::string path = config.backup.path;
  // Made by the first backup: until then what it will lie in.
  while (::stat(path.c_str(), &backup) != 0 && path.size() > 1)
    path = std::filesystem::path(path).parent_path().string();
  if (::stat(config.state_dir.c_str(), &state) != 0) return;
  if (backup.st_dev == state.st_dev)
    findings.push_back({Health::kWarn, "backup.path",
                        config.backup.path + " is on the device of the index",
                        "a directory on another device"});
  else
    findings.push_back({Health::kOk, "backup.path", "on another device than the index", ""});
}

}  // namespace

DoctorFinding judge_room(const std::string& check, const std::string& path, const Room& room) {
  const uint64_t space = percent(room.free, room.size);
  const uint64_t names = percent(room.left, room.inodes);
  const std::string what =
      fmt::format("{}: {} % of its space and {} % of its inodes are free", path, space, names);
  const uint64_t least = space < names ? space : names;
  if (least < kFullPercent) return {Health::kFail, check, what, "make room"};
  if (least < kLowPercent) return {Health::kWarn, check, what, "make room soon"};
  return {Health::kOk, check, what, ""};
}

void check_secrets(const Config& config, UnixMillis now, Findings& findings) {
  if (config.tls.is_on() && uses_credentials(config)) check_tls(config, now, findings);
  check_credentials(config, findings);
}

void check_tls_access(const Config& config, UnixMillis now, Findings& findings) {
  if (!config.tls.is_on()) {
    findings.push_back({Health::kOk, "tls",
                        "not used: the daemon listens on loopback, or a proxy "
                        "stands in front",
                        ""});
    return;
  }
  if (!uses_credentials(config)) return check_tls(config, now, findings);
  for (const std::string& path : {config.tls.certificate, config.tls.key, config.tls.client_ca})
    if (!path.empty() && !is_credential(config, path) && ::access(path.c_str(), R_OK) != 0)
      findings.push_back({is_somebody_else(config) ? Health::kWarn : Health::kFail, "tls",
                          path + ": this user cannot read it",
                          "give it to the daemon's group with mode 0640"});
}

void check_storage(Io& io, const Config& config, Findings& findings) {
  if (is_somebody_else(config)) {
    findings.push_back(
        {Health::kWarn, "storage",
         "directories and media cannot be looked at: " + config.state_dir + " is another user's",
         "root asks: holdfast doctor --user holdfast"});
    return;
  }
  struct stat state {};
  const uid_t owner = ::stat(config.state_dir.c_str(), &state) == 0 ? state.st_uid : ::geteuid();
  for (const CheckedPlace& place : check_places(io, config)) {
    const std::string what = place.path + ": " + place.finding;
    if (place.status.ok())
      findings.push_back({Health::kOk, place.key, what, ""});
    else
      findings.push_back({Health::kFail, place.key, what, "docs/install.md, docs/media.md"});
  }
  check_closed("archive.state_dir", config.state_dir, owner, 0027, Health::kFail, findings);
  for (const char* name : {"/index.db", "/ledger"})
    check_closed("archive.state_dir", config.state_dir + name, owner, 0027, Health::kFail,
                 findings);
  check_closed("archive.state_dir", config.state_dir + "/secrets.db", owner, 0077, Health::kFail,
               findings);
  check_closed("archive.mirror_dir", config.mirror_dir, owner, 0027, Health::kFail, findings);
  // What lies below is closed by itself: an open root shows no more than names.
  check_closed("standard.path", config.standard.path, owner, 0027, Health::kWarn, findings);
  check_closed("warm.path", config.warm.path, owner, 0027, Health::kWarn, findings);
  check_room("space", config.state_dir, findings);
  check_room("space", config.mirror_dir, findings);
  check_room("space", config.spool_dir, findings);
  check_room("space", config.standard.path, findings);
  check_room("space", config.warm.path, findings);
  check_uncached(io, "standard.path", config.standard.path, findings);
  check_uncached(io, "warm.path", config.warm.path, findings);
  if (config.cold) {
    check_room("space", config.cold->path, findings);
    check_uncached(io, "cold.path", config.cold->path, findings);
  }
  check_backup(config, findings);
}

}  // namespace holdfast
