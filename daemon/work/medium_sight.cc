#include "daemon/work/medium_sight.h"

#include <sys/statvfs.h>

#include <filesystem>

#include "index/commands/media.h"
#include "index/read/database.h"
#include "index/read/status.h"
#include "io/tree.h"
#include "tiers/label.h"

namespace holdfast {
namespace {

// Empty: it is the expected one.
std::string wrong_label(const Result<Label>& label, const ExpectedMedium& expected) {
  const std::string wanted = "expected " + medium_text(expected.row) + ", found ";
  if (!label.ok()) return wanted + "none: " + label.error().message;
  if (label->archive != expected.archive)
    return wanted + "a medium of another archive, " + label->archive.text();
  if (label->medium != expected.row.medium)
    return wanted + label->name + " (" + label->medium.text() + ")";
  return "";
}

}  // namespace

std::string medium_text(const MediumRow& row) { return row.name + " (" + row.medium.text() + ")"; }

MediumSight look_at_medium(Io& io, const std::string& path, const ExpectedMedium& expected) {
  MediumSight sight;
  // One descriptor for label and space: a disk unmounted between the two lends its parent's to
  // nobody.
  Result<Fd> root = io.open_root(path);
  if (!root.ok()) {
    sight.problem = wrong_label(root.error(), expected);
    return sight;
  }
  sight.problem = wrong_label(read_label(io, *root), expected);
  if (!sight.is_online()) return sight;
  struct statvfs space {};
  if (::fstatvfs(root->get(), &space) != 0) {
    sight.problem = system_error(errno, "ask for the space of " + path).message;
    return sight;
  }
  const auto block = static_cast<int64_t>(space.f_frsize);
  sight.free_bytes = Bytes(static_cast<int64_t>(space.f_bavail) * block);
  sight.total_bytes = Bytes(static_cast<int64_t>(space.f_blocks) * block);
  return sight;
}

MediumState SeenMedium::state() const {
  if (row.state == MediumState::kLost || row.state == MediumState::kRetired) return row.state;
  if (!sight.is_online()) return MediumState::kOffline;
  return row.state == MediumState::kOffline ? MediumState::kOnline : row.state;
}

Result<std::vector<SeenMedium>> look_at_media(Io& io, const Archive& archive) {
  std::vector<MediumRow> rows;
  {
    HOLDFAST_ASSIGN(index, archive.index.take());
    HOLDFAST_ASSIGN(found, list_media(*index));
    rows = std::move(found);
  }
  const Config& config = archive.config();
  std::vector<SeenMedium> media;
  for (MediumRow& row : rows) {
    SeenMedium seen;
    seen.path = row.place.value_or("");
    const auto own = [&](const std::string& path) {
      seen.path = path;
      seen.is_own = true;
    };
    if (row.medium == archive.standard_medium()) own(config.standard.path);
    if (archive.warm && row.medium == archive.warm->backend().medium()) own(config.warm.path);
    if (archive.mirror && row.medium == archive.mirror->backend().medium()) {
      own(config.warm.mirror);
      seen.is_mirror = true;
    }
    if (archive.cold && row.medium == archive.cold->backend().medium()) own(config.cold->path);
    if (seen.path.empty())
      seen.sight.problem = "nobody said where it belongs: holdfast medium place";
    else
      seen.sight = look_at_medium(io, seen.path, ExpectedMedium{archive.id, row});
    seen.row = std::move(row);
    media.push_back(std::move(seen));
  }
  return media;
}

Result<std::optional<MediumRow>> remembered_medium(const std::string& state_dir,
                                                   const std::string& path) {
  Result<Database> index = Database::open_read_only(state_dir + "/index.db");
  if (!index.ok()) {
    const Code code = index.error().code;
    if (code == Code::kNotFound || code == Code::kInvalid) return std::optional<MediumRow>();
    return index.error();
  }
  return find_medium_at(*index, place_of(path));
}

}  // namespace holdfast
