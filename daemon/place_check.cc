#include "daemon/place_check.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <optional>
#include <utility>

#include "tiers/label.h"

namespace holdfast {
namespace {

Status check_directory(const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) {
    if (errno == ENOENT)
      return Error{Code::kNotFound, "absent; holdfastd --init makes it, or mount its disk"};
    if (errno == EACCES) return Error{Code::kForbidden, "cannot be reached by this user"};
    return system_error(errno, "look at it");
  }
  if (!S_ISDIR(status.st_mode)) return Error{Code::kConflict, "not a directory"};
  if (::faccessat(AT_FDCWD, path.c_str(), R_OK | W_OK | X_OK, AT_EACCESS) != 0)
    return Error{Code::kForbidden,
                 errno == EROFS ? "on a read-only file system" : "not writable by this user"};
  return {};
}

CheckedPlace check_medium(Io& io, std::string key, const std::string& path,
                          std::optional<ArchiveId>& archive) {
  CheckedPlace place{std::move(key), path, "", check_directory(path)};
  if (!place.status.ok()) return place;
  const Result<Label> label = read_label(io, path);
  if (!label.ok()) {
    const bool none = label.error().code == Code::kUnavailable;
    place.status = none ? Error{Code::kUnavailable,
                                "no label; is its disk mounted? holdfastd --init labels a new one"}
                        : label.error();
  } else if (archive && *archive != label->archive) {
    place.status = Error{Code::kConflict, "of another archive, " + label->archive.text()};
  } else {
    archive = label->archive;
    place.finding = "writable, labelled " + label->name + " of archive " + label->archive.text();
  }
  return place;
}

dev_t device_of(const std::string& path) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0 ? status.st_dev : 0;
}

}  // namespace

std::vector<CheckedPlace> check_places(Io& io, const Config& config) {
  std::vector<CheckedPlace> places;
  const std::pair<const char*, const std::string*> directories[] = {
      {"archive.state_dir", &config.state_dir},
      {"archive.run_dir", &config.run_dir},
      {"archive.spool_dir", &config.spool_dir},
      {"archive.mirror_dir", &config.mirror_dir}};
  for (const auto& [key, path] : directories)
    places.push_back(CheckedPlace{key, *path, "writable", check_directory(*path)});
  CheckedPlace& mirror = places.back();
  if (mirror.status.ok() && places.front().status.ok() && !config.mirror_same_device &&
      device_of(config.mirror_dir) == device_of(config.state_dir))
    mirror.status = Error{Code::kConflict,
                          "on the same device as archive.state_dir: one dead disk would take both "
                          "(archive.mirror_same_device = true accepts that)"};
  std::optional<ArchiveId> archive;
  places.push_back(check_medium(io, "standard.path", config.standard.path, archive));
  places.push_back(check_medium(io, "warm.path", config.warm.path, archive));
  if (!config.warm.mirror.empty())
    places.push_back(check_medium(io, "warm.mirror", config.warm.mirror, archive));
  if (config.cold) places.push_back(check_medium(io, "cold.path", config.cold->path, archive));
  for (CheckedPlace& place : places)
    if (!place.status.ok()) place.finding = place.status.error().message;
  return places;
}

}  // namespace holdfast
