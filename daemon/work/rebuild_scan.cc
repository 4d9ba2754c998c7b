#include "daemon/work/rebuild_scan.h"

#include "base/limits.h"
#include "daemon/work/pack_contents.h"
#include "io/digest.h"

namespace holdfast {
namespace {

constexpr std::string_view kMetadataName = "metadata.json";

}  // namespace

bool is_worlds(const Error& why, const RebuildOptions& options) {
  if (is_passing(why) || why.code == Code::kForbidden) return true;
  return why.code == Code::kIo && !options.skip_unreadable;
}

Error with_way_out(const Error& error) {
  if (error.code != Code::kIo) return error;
  return Error{error.code, error.message +
                               " (try again; when the disk is dying, --skip-unreadable goes on "
                               "without what it does not give back)"};
}

void RebuildScan::tell(const std::string& step, const std::string& detail) {
  if (options_.progress) options_.progress(RebuildProgress{step, seen_, 0, detail});
}

Status RebuildScan::standard(StandardTree& tree) {
  seen_ = 0;
  const MediumId& medium = tree.root().medium();
  HOLDFAST_TRY(tree.each_day(io_, [&](const std::string& directory) -> Status {
    HOLDFAST_ASSIGN(walked, catalogue_.is_walked(medium, directory));
    if (walked) return {};
    tell("scan standard", directory);
    return day(tree, directory);
  }));
  return loose_ends(tree);
}

Status RebuildScan::day(StandardTree& tree, const std::string& directory) {
  std::optional<Transaction> transaction;
  {
    HOLDFAST_ASSIGN(begun, catalogue_.begin());
    transaction.emplace(std::move(begun));
  }
  size_t in_transaction = 0;
  HOLDFAST_TRY(tree.each_placed_on(
      io_, directory,
      [&](std::string_view where, const Result<RecordingDescription>& found) -> Status {
        ++seen_;
        const std::string place(where);
        if (!found.ok() && is_worlds(found.error(), options_))
          return with_way_out(found.error().within(place));
        if (!found.ok())
          return catalogue_.note(
              Finding{"unreadable-description", place, "", found.error().message});
        if (found->place().directory() != place)
          return catalogue_.note(Finding{"misplaced", found->part_id().text(), place,
                                         "its recording.json says " + found->place().directory()});
        HOLDFAST_TRY(note_plain(tree, place, PlainWhere::kPlaced, *found));
        if (++in_transaction < limits::kRebuildBatch) return {};
        HOLDFAST_TRY(transaction->commit());
        transaction.reset();
        HOLDFAST_ASSIGN(next, catalogue_.begin());
        transaction.emplace(std::move(next));
        in_transaction = 0;
        tell("scan standard", directory);
        return {};
      }));
  HOLDFAST_TRY(catalogue_.mark_walked(tree.root().medium(), directory));
  return transaction->commit();
}

// What waits in .incoming may have been acknowledged; what lies in the trash may have to come back.
Status RebuildScan::loose_ends(StandardTree& tree) {
  HOLDFAST_ASSIGN(incoming, tree.incoming_parts(io_));
  HOLDFAST_ASSIGN(trash, tree.list_trash(io_));
  HOLDFAST_ASSIGN(transaction, catalogue_.begin());
  for (const PartId& part : incoming) {
    const std::string directory = incoming_directory(part);
    const Result<IncomingEntry> entry = tree.incoming_entry(io_, part);
    if (!entry.ok() && is_worlds(entry.error(), options_))
      return with_way_out(entry.error().within(directory));
    const std::string damage = entry.ok() ? entry->damage : entry.error().message;
    if (entry.ok() && entry->description)
      HOLDFAST_TRY(note_plain(tree, directory, PlainWhere::kIncoming, *entry->description));
    else if (!damage.empty())
      HOLDFAST_TRY(catalogue_.note(Finding{"damaged", part.text(), directory, damage}));
  }
  for (const TrashEntry& entry : trash) {
    const std::string directory = "standard/.trash/" + entry.part.text();
    if (entry.unreadable && is_worlds(*entry.unreadable, options_))
      return with_way_out(entry.unreadable->within(directory));
    if (entry.description) {
      HOLDFAST_TRY(note_plain(tree, directory, PlainWhere::kTrash, *entry.description));
      continue;
    }
    // On its way out, or damaged: bytes of it lie there, whatever else is known.
    const std::string damage =
        "it lies in the trash without a readable recording.json" +
        (entry.unreadable ? ": " + entry.unreadable->message : std::string());
    HOLDFAST_TRY(catalogue_.note(ShownPlain{entry.part.recording, entry.part.part,
                                            tree.root().medium(), PlainWhere::kTrash, damage}));
    HOLDFAST_TRY(catalogue_.note(Finding{"damaged", entry.part.text(), directory, damage}));
  }
  return transaction.commit();
}

Status RebuildScan::note_plain(StandardTree& tree, const std::string& directory, PlainWhere where,
                               const RecordingDescription& description) {
  const std::string name = description.part_id().text();
  if (description.archive != archive_)
    return catalogue_.note(
        Finding{"foreign", name, directory, "of another archive, " + description.archive.text()});
  HOLDFAST_ASSIGN(whole, tree.is_whole(io_, directory, description));
  ShownPlain plain;
  plain.recording = description.recording;
  plain.part = description.part;
  plain.medium = tree.root().medium();
  plain.where = where;
  if (!whole) plain.damage = "a file of it is gone or has another size";
  HOLDFAST_TRY(catalogue_.note(plain));
  if (!whole) HOLDFAST_TRY(catalogue_.note(Finding{"damaged", name, directory, plain.damage}));
  HOLDFAST_ASSIGN(metadata, metadata_of(tree, directory, description));
  const ShownPart part{recording_json(description), std::move(metadata)};
  return catalogue_.note(KeyOfPart{description.recording, description.part}, part, false);
}

Result<std::optional<std::string>> RebuildScan::metadata_of(
    StandardTree& tree, const std::string& directory, const RecordingDescription& description) {
  for (const RecordedFile& file : description.files) {
    if (file.name != kMetadataName) continue;
    std::string text(static_cast<size_t>(file.size.count), '\0');
    Result<Fd> fd = tree.open_for_read(io_, directory, file.name, file.size);
    Status read = fd.ok() ? Status() : Status(fd.error());
    if (read.ok() && !text.empty())
      read =
          io_.read_exactly(fd->get(), Bytes(0),
                           MutableByteSpan(reinterpret_cast<std::byte*>(text.data()), text.size()));
    if (!read.ok() && is_worlds(read.error(), options_))
      return with_way_out(read.error().within(directory));
    if (read.ok() && sha256(text) == file.sha256)
      return std::optional<std::string>(std::move(text));
    HOLDFAST_TRY(catalogue_.note(
        Finding{"damaged-metadata", description.part_id().text(), directory,
                read.ok() ? "metadata.json differs from its digest" : read.error().message}));
  }
  return std::optional<std::string>();
}

Status RebuildScan::packs(PackBackend& backend) {
  seen_ = 0;
  const MediumId medium = backend.medium();
  HOLDFAST_ASSIGN(session, backend.attach(io_));
  return session->list(io_, [&](const ShownPack& shown) -> Status {
    ++seen_;
    HOLDFAST_ASSIGN(walked, catalogue_.is_walked(medium, shown.location));
    if (walked) return {};
    tell("scan " + std::string(word(backend.tier())), shown.location);
    return pack(*session, shown, medium);
  });
}

Status RebuildScan::pack(PackSession& session, const ShownPack& shown, const MediumId& medium) {
  HOLDFAST_ASSIGN(transaction, catalogue_.begin());
  HOLDFAST_ASSIGN(known, catalogue_.find_pack(shown.pack, medium));
  const bool same = known && known->size == shown.size;
  Status read;   // what the pack is to blame for
  Status noted;  // and what our own catalogue
  if (same) {
    SealedPack place;
    place.pack = shown.pack;
    place.medium = medium;
    place.location = shown.location;
    place.size = shown.size;
    noted = catalogue_.note(place);
  } else {
    read = [&]() -> Status {
      HOLDFAST_ASSIGN(sealed, read_sealed_pack(io_, session, shown, medium, archive_));
      HOLDFAST_TRY(each_packed_part(io_, session, shown, [&](pack::PartMetadata part) {
        const ShownPart shown_part{std::move(part.recording_json), std::move(part.metadata_json)};
        noted = catalogue_.note(KeyOfPart{part.recording_id, part.part}, shown_part, true);
        return noted;
      }));
      noted = catalogue_.note(sealed);
      return noted;
    }();
  }
  HOLDFAST_TRY(noted);
  if (read.ok()) {
    HOLDFAST_TRY(catalogue_.mark_walked(medium, shown.location));
    return transaction.commit();
  }
  if (is_worlds(read.error(), options_))
    return with_way_out(read.error().within("read pack " + shown.location));
  // What the metadata said is taken back with the rest; the pack is somebody's to look at.
  { const Transaction dropped = std::move(transaction); }
  HOLDFAST_ASSIGN(again, catalogue_.begin());
  HOLDFAST_TRY(catalogue_.note(
      Finding{"unreadable-pack", shown.pack.text(), shown.location, read.error().message}));
  HOLDFAST_TRY(catalogue_.mark_walked(medium, shown.location));
  return again.commit();
}

}  // namespace holdfast
