// How a bad copy is made good in its place.
//
// Invariants
// - Bytes stand in .repair whole, durable and re-read before the first of them leaves it.
// - Each file takes its place by one rename: a reader has the old one or the new one, and the old
//   one is of a copy that nobody is given.
#include "io/tree.h"
#include "tiers/disk/part_files.h"
#include "tiers/disk/standard_tree.h"

namespace holdfast {
namespace {

constexpr const char* kRepair = "standard/.repair";

}  // namespace

Result<PartWriter> StandardTree::begin_repair(Io& io, const PartId& part) {
  return begin_in(io, kRepair, part, part.text());
}

Status StandardTree::replace(Io& io, const PartId& part, const Place& place,
                             const CopyRepairPermit& permit) {
  if (permit.medium() != root_.medium() || permit.recording() != part.recording ||
      permit.part() != part.part || place.part != part.part)
    return Error{Code::kInvalid,
                 "repair part " + part.text() + ": the permit speaks of another part or medium"};
  const std::lock_guard lock(names_);
  HOLDFAST_ASSIGN(root, root_.checked(io));
  const std::string from = repair_directory(part);
  const std::string to = place.directory();
  HOLDFAST_ASSIGN(good, find_description(io, root->get(), from));
  if (!good || good->part_id() != part)
    return Error{Code::kConflict, "repair part " + part.text() + ": it is not in .repair"};
  const auto there = find_description(io, root->get(), to);
  if (!there.ok() && there.error().code != Code::kCorrupt) return there.error();
  if (there.ok() && *there && (*there)->part_id() != part)
    return Error{Code::kConflict, "repair part " + part.text() + ": another one lies at " + to};
  HOLDFAST_ASSIGN(source, open_directory_beneath(io, root->get(), from));
  HOLDFAST_ASSIGN(target, make_directories_beneath(io, root->get(), to));
  for (const RecordedFile& file : good->files)
    HOLDFAST_TRY(io.rename(source.get(), file.name, target.get(), file.name, IfExists::kReplace));
  HOLDFAST_TRY(sync_directory(io, target.get(), to));
  // Last, as everywhere: a directory that has one is complete.
  HOLDFAST_TRY(io.rename(source.get(), kRecordingFileName, target.get(), kRecordingFileName,
                         IfExists::kReplace));
  HOLDFAST_TRY(sync_directory(io, target.get(), to));
  return remove_tree(io, root->get(), from);
}

Status StandardTree::discard_repair(Io& io, const PartId& part) {
  HOLDFAST_ASSIGN(root, root_.checked(io));
  return remove_tree(io, root->get(), repair_directory(part));
}

Status StandardTree::discard_repairs(Io& io) {
  HOLDFAST_ASSIGN(root, root_.checked(io));
  HOLDFAST_ASSIGN(holder, open_directory_beneath(io, root->get(), kRepair));
  HOLDFAST_ASSIGN(entries, list_directory(io, holder.get()));
  for (const DirectoryEntry& entry : entries)
    HOLDFAST_TRY(remove_tree(io, holder.get(), entry.name));
  return {};
}

}  // namespace holdfast
