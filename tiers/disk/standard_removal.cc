// The way out of the standard tier, and back. StandardTree's comment tells the order.
//
// What a .trash entry looks like at a crash:
//   empty, or absent                  the removal had not begun
//   recording.json, some of its files the part is on its way in (or back out); the rest of
//                                     the files are at its place
//   recording.json, all its files     in the trash
//   no recording.json, some files     being emptied: the decision was committed
#include "io/tree.h"
#include "tiers/disk/part_files.h"
#include "tiers/disk/standard_tree.h"

namespace holdfast {
namespace {

// Day, month and year go when the last call in them does; the workspace stays.
constexpr int kWorkspaceLevels = 2;

std::string trash_directory(const PartId& part) { return "standard/.trash/" + part.text(); }

bool is_absent(const Result<Fd>& fd) { return !fd.ok() && fd.error().code == Code::kNotFound; }

TrashEntry look_into_trash(Io& io, int root, const PartId& part) {
  TrashEntry entry{part, std::nullopt, std::nullopt};
  Result<std::optional<RecordingDescription>> found =
      find_description(io, root, trash_directory(part));
  if (found.ok())
    entry.description = *std::move(found);
  else
    entry.unreadable = found.error();
  return entry;
}

}  // namespace

Status StandardTree::check_permit(const ReleasePermit& permit) const {
  if (permit.medium() == root_.medium()) return {};
  return Error{Code::kInvalid, "remove part " + permit.recording().text() + "." +
                                   std::to_string(permit.part()) +
                                   ": the permit speaks of another medium"};
}

Status StandardTree::move_to_trash(Io& io, const Place& place, const ReleasePermit& permit) {
  HOLDFAST_TRY(check_permit(permit));
  const PartId part{permit.recording(), permit.part()};
  if (part.part != place.part)
    return Error{Code::kInvalid, "remove part " + part.text() + ": the permit is another part's"};
  const std::lock_guard lock(names_);
  HOLDFAST_ASSIGN(root, root_.checked(io));
  const std::string from = place.directory();
  const std::string to = trash_directory(part);
  HOLDFAST_ASSIGN(placed, find_description(io, root->get(), from));
  if (placed && placed->part_id() != part) {
    // The call came anew after this one had left: what lies there is not spoken of.
    HOLDFAST_ASSIGN(known, find_description(io, root->get(), to));
    if (known) return {};
    return Error{Code::kConflict, "remove part " + part.text() + ": another one lies at " + from};
  }
  // It was made anew while an older copy of it lay there, which the permit means as well.
  if (placed) HOLDFAST_TRY(remove_tree(io, root->get(), to));
  const Result<Fd> source = open_directory_beneath(io, root->get(), from);
  if (is_absent(source)) return prune_empty(io, root->get(), from, kWorkspaceLevels);
  if (!source.ok()) return source.error();
  HOLDFAST_ASSIGN(trashed, find_description(io, root->get(), to));
  if (!placed && !trashed) return prune_empty(io, root->get(), from, kWorkspaceLevels);

  HOLDFAST_ASSIGN(target, make_directories_beneath(io, root->get(), to));
  HOLDFAST_TRY(move_part_files(io, source->get(), target.get(), placed ? *placed : *trashed,
                               DescriptionGoes::kFirst));
  return prune_empty(io, root->get(), from, kWorkspaceLevels);
}

Status StandardTree::empty_trash_entry(Io& io, const ReleasePermit& permit) {
  HOLDFAST_TRY(check_permit(permit));
  HOLDFAST_ASSIGN(root, root_.checked(io));
  const PartId part{permit.recording(), permit.part()};
  const std::string directory = trash_directory(part);
  const Status forgotten =
      unlink_durably(io, root->get(), directory + "/" + std::string(kRecordingFileName));
  if (!forgotten.ok() && forgotten.error().code != Code::kNotFound) return forgotten;
  return remove_tree(io, root->get(), directory);
}

Status StandardTree::restore_from_trash(Io& io, const PartId& part, const Place& place) {
  const std::lock_guard lock(names_);
  HOLDFAST_ASSIGN(root, root_.checked(io));
  const std::string from = trash_directory(part);
  const std::string to = place.directory();
  HOLDFAST_ASSIGN(trashed, find_description(io, root->get(), from));
  HOLDFAST_ASSIGN(placed, find_description(io, root->get(), to));
  if (placed && placed->part_id() != part)
    return Error{Code::kConflict, "put back part " + part.text() + ": another one lies at " + to};
  if (trashed && (trashed->part_id() != part || trashed->place() != place))
    return Error{Code::kConflict,
                 "put back part " + part.text() + ": its recording.json speaks of another place"};
  const Result<Fd> source = open_directory_beneath(io, root->get(), from);
  if (is_absent(source)) return {};
  if (!source.ok()) return source.error();
  if (trashed) {
    HOLDFAST_ASSIGN(target, make_directories_beneath(io, root->get(), to));
    HOLDFAST_TRY(
        move_part_files(io, source->get(), target.get(), *trashed, DescriptionGoes::kLast));
  }
  HOLDFAST_ASSIGN(left, list_directory(io, source->get()));
  if (!left.empty())
    return Error{Code::kConflict,
                 "put back part " + part.text() + ": its trash entry was being emptied"};
  return remove_tree(io, root->get(), from);
}

Result<std::vector<TrashEntry>> StandardTree::list_trash(Io& io) {
  HOLDFAST_ASSIGN(root, root_.checked(io));
  HOLDFAST_ASSIGN(trash, open_directory_beneath(io, root->get(), "standard/.trash"));
  std::vector<TrashEntry> entries;
  HOLDFAST_TRY(each_entry(io, trash.get(), [&](const DirectoryEntry& entry) -> Result<bool> {
    const Result<PartId> part = PartId::from_text(entry.name);
    if (entry.type != DT_DIR || !part.ok()) return true;
    entries.push_back(look_into_trash(io, root->get(), *part));
    return true;
  }));
  return entries;
}

Result<std::optional<TrashEntry>> StandardTree::trash_entry(Io& io, const PartId& part) {
  HOLDFAST_ASSIGN(root, root_.checked(io));
  const Result<Fd> there = open_directory_beneath(io, root->get(), trash_directory(part));
  if (is_absent(there)) return std::optional<TrashEntry>();
  if (!there.ok()) return there.error();
  return std::optional<TrashEntry>(look_into_trash(io, root->get(), part));
}

}  // namespace holdfast
