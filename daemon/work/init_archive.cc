#include <grp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>

#include "base/log.h"
#include "daemon/work/medium_sight.h"
#include "daemon/work/open_archive.h"

namespace holdfast {
namespace {

struct ConfiguredMedium {
  std::string path;
  std::string name;
  std::string kind;
};

std::vector<ConfiguredMedium> configured_media(const Config& config) {
  std::vector<ConfiguredMedium> media = {{config.standard.path, "standard-1", "disk"},
                                         {config.warm.path, "warm-1", "pack"}};
  if (!config.warm.mirror.empty()) media.push_back({config.warm.mirror, "warm-2", "pack"});
  if (config.cold) media.push_back({config.cold->path, "cold-1", config.cold->kind});
  return media;
}

Status make_directories(const std::string& path, mode_t mode) {
  if (path.empty()) return {};
  std::error_code error;
  const bool existed = std::filesystem::exists(path, error);
  std::filesystem::create_directories(path, error);
  if (error) return system_error(error.value(), "make directory " + path);
  if (!existed && ::chmod(path.c_str(), mode) != 0)
    return system_error(errno, "set the mode of " + path);
  return {};
}

// The mount's group reads what lies below; files made there inherit the group (setgid).
Status give_to_group(const std::string& path, const std::string& group) {
  if (group.empty()) return {};
  const struct group* found = ::getgrnam(group.c_str());
  if (found == nullptr)
    return Error{Code::kInvalid,
                 "archive.mount_group: there is no group \"" + group + "\" on this machine"};
  if (::chown(path.c_str(), static_cast<uid_t>(-1), found->gr_gid) != 0)
    return system_error(errno, "give " + path + " to group " + group);
  if (::chmod(path.c_str(), 02750) != 0) return system_error(errno, "set the mode of " + path);
  return {};
}

}  // namespace

Status init_archive(Io& io, const Config& config, Clock& clock, Random& random) {
  for (const std::string& path : {config.state_dir, config.spool_dir, config.mirror_dir})
    HOLDFAST_TRY(make_directories(path, 0750));
  // Sockets and the port are for whoever their own modes name.
  HOLDFAST_TRY(make_directories(config.run_dir, 0755));
  HOLDFAST_TRY(give_to_group(config.state_dir, config.mount_group));
  // The chains say who looked at what: not for the mount's group, which reads the index beside
  // them.
  HOLDFAST_TRY(make_directories(config.state_dir + "/ledger", 0700));

  const std::vector<ConfiguredMedium> media = configured_media(config);
  std::optional<ArchiveId> archive;
  for (const ConfiguredMedium& medium : media) {
    HOLDFAST_TRY(make_directories(medium.path, 0750));
    auto label = read_label(io, medium.path);
    if (!label.ok() && label.error().code == Code::kUnavailable) continue;  // none yet
    if (!label.ok()) return label.error();
    if (archive && *archive != label->archive)
      return Error{Code::kConflict, "init: " + medium.path + " belongs to another archive, " +
                                        label->archive.text()};
    archive = label->archive;
  }
  if (!archive) archive = random.id<ArchiveId>();
  HOLDFAST_TRY(give_to_group(config.standard.path, config.mount_group));
  for (const ConfiguredMedium& medium : media) {
    auto label = read_label(io, medium.path);
    if (label.ok()) continue;
    // An unmounted disk leaves an empty directory: it is not a new medium.
    const auto known = remembered_medium(config.state_dir, medium.path);
    if (!known.ok())
      return Error{
          known.error().code,
          "init: " + medium.path +
              " carries no label, and whether it is a new medium the index does not say: " +
              known.error().message +
              "; start the daemon once, or move an index that is beyond repair away"};
    if (*known) {
      log::warning("{} carries no label: {} belongs there; is it mounted?", medium.path,
                   medium_text(**known));
      continue;
    }
    const Label made{*archive, random.id<MediumId>(), medium.name, medium.kind, clock.now()};
    HOLDFAST_TRY(init_label(io, medium.path, made));
    log::info("labelled {} as {} ({}) of archive {}", medium.path, medium.name, medium.kind,
              archive->text());
  }
  return {};
}

}  // namespace holdfast
