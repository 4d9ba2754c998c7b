#include "tiers/disk/standard_tree.h"

#include <cerrno>
#include <deque>
#include <map>

#include "base/log.h"
#include "io/sync_group.h"
#include "io/text_file.h"
#include "io/tree.h"
#include "io/uncached.h"
#include "tiers/disk/part_files.h"
#include "tiers/disk/part_writer_state.h"
#include "tiers/read/open_file.h"

namespace holdfast {
namespace {

constexpr const char* kIncoming = "standard/.incoming";
constexpr const char* kTrash = "standard/.trash";
constexpr const char* kStaged = "staged";

// Calls `see` for each directory in `parent` whose name is a part's.
Status each_part_in(Io& io, int root_fd, const char* parent,
                    const std::function<Status(const PartId&)>& see) {
  HOLDFAST_ASSIGN(directory, open_directory_beneath(io, root_fd, parent));
  return each_entry(io, directory.get(), [&](const DirectoryEntry& entry) -> Result<bool> {
    const Result<PartId> part = PartId::from_text(entry.name);
    if (entry.type == DT_DIR && part.ok()) HOLDFAST_TRY(see(*part));
    return true;
  });
}

// What is wrong with a finished entry, or nothing. kIo and the like are the world's.
Result<std::string> damage_of(Io& io, int root_fd, const PartId& part,
                              const Result<std::optional<RecordingDescription>>& found) {
  if (!found.ok()) return found.error().message;
  if ((*found)->part_id() != part) return std::string("its recording.json is another part's");
  HOLDFAST_ASSIGN(whole, has_all_files(io, root_fd, incoming_directory(part), **found));
  return whole ? std::string() : std::string("a file of it is gone or has another size");
}

Result<IncomingEntry> entry_of(Io& io, int root_fd, const PartId& part) {
  Result<std::optional<RecordingDescription>> found =
      find_description(io, root_fd, incoming_directory(part));
  if (!found.ok() && found.error().code != Code::kCorrupt) return found.error();
  IncomingEntry entry{part, std::nullopt, ""};
  if (found.ok() && !*found) return entry;
  HOLDFAST_ASSIGN(damage, damage_of(io, root_fd, part, found));
  entry.damage = std::move(damage);
  if (entry.damage.empty()) entry.description = std::move(*found);
  return entry;
}

// What was parsed came from the page cache.
Result<bool> is_description_on_medium(Io& io, int root_fd, const PartId& part) {
  const std::string path = incoming_directory(part) + "/" + std::string(kRecordingFileName);
  HOLDFAST_ASSIGN(text, read_text(io, root_fd, path, kDescriptionBytesMax));
  const Result<UncachedDigest> read =
      digest_uncached(io, root_fd, path, Bytes(static_cast<int64_t>(text.size())));
  if (!read.ok() && read.error().code != Code::kCorrupt) return read.error();
  return read.ok() && read->digest == sha256(text);
}

// The files of an entry, its directory, and that one's name.
Status sync_entry(Io& io, int root_fd, const RecordingDescription& description) {
  const std::string path = incoming_directory(description.part_id());
  HOLDFAST_ASSIGN(incoming, open_directory_beneath(io, root_fd, kIncoming));
  HOLDFAST_ASSIGN(directory, open_directory_beneath(io, root_fd, path));
  std::vector<std::string> names = {std::string(kRecordingFileName)};
  for (const RecordedFile& file : description.files) names.push_back(file.name);
  std::deque<Fd> files;
  SyncGroup syncs(io);
  for (const std::string& name : names) {
    Result<Fd> file = io.open(directory.get(), name, O_RDONLY | O_NONBLOCK);
    if (!file.ok() && file.error().code == Code::kNotFound)
      continue;  // at the part's place already
    if (!file.ok()) return file.error();
    syncs.add(files.emplace_back(std::move(*file)).get(), path + "/" + name);
  }
  syncs.add(directory.get(), path);
  syncs.add(incoming.get(), kIncoming);
  return syncs.wait();
}

Error occupied(const Place& place) {
  return Error{Code::kConflict, "place a part: another one lies at " + place.directory()};
}

}  // namespace

Status StandardTree::prepare(Io& io) {
  HOLDFAST_ASSIGN(root, root_.checked(io));
  for (const char* directory : {kIncoming, kTrash, kStaged, "standard/.repair"}) {
    const Result<Fd> made = make_directories_beneath(io, root->get(), directory);
    if (!made.ok()) return made.error().within("prepare " + root_.path());
  }
  return {};
}

Result<PartWriter> StandardTree::begin_in(Io& io, const std::string& parent, const PartId& part,
                                          const std::string& name) {
  HOLDFAST_ASSIGN(root, root_.checked(io));
  HOLDFAST_TRY(remove_tree(io, root->get(), parent + "/" + name));
  auto state = std::make_unique<PartWriterState>();
  state->part = part;
  state->name = name;
  HOLDFAST_ASSIGN(holder, make_directories_beneath(io, root->get(), parent));
  state->parent = std::move(holder);
  // Its name becomes durable with what is in it, when the part is finished.
  HOLDFAST_ASSIGN(made, io.make_directory(state->parent.get(), name, 0750));
  static_cast<void>(made);
  HOLDFAST_ASSIGN(directory, open_directory_beneath(io, state->parent.get(), name));
  state->directory = std::move(directory);
  return PartWriter(std::move(state));
}

Result<PartWriter> StandardTree::begin(Io& io, const PartId& part) {
  return begin_in(io, kIncoming, part, part.text());
}

Status StandardTree::place(Io& io, const PartId& part, const Place& place) {
  return std::move(place_all(io, {PartPlace{part, place}}).front());
}

std::vector<Status> StandardTree::place_all(Io& io, const std::vector<PartPlace>& parts) {
  std::vector<Status> outcomes;
  Fd incoming;
  std::map<std::string, Fd> parents;  // of their places
  for (const PartPlace& one : parts) {
    Result<Parents> renamed = rename_to_place(io, one.part, one.place);
    outcomes.push_back(renamed.ok() ? Status() : Status(renamed.error()));
    if (!renamed.ok()) continue;
    incoming = std::move(renamed->from);
    // The latest: an earlier one may have been emptied, removed and made anew since.
    parents.insert_or_assign(split_path(one.place.directory()).parent, std::move(renamed->to));
  }
  const Status synced = sync_parents(io, parents, incoming);
  for (Status& outcome : outcomes)
    if (outcome.ok()) outcome = synced;
  return outcomes;
}

// The names are given out, nobody waits for these syncs. Where the parts are now comes first: of a
// file system without a journal a crash in between must not show them nowhere.
Status StandardTree::sync_parents(Io& io, const std::map<std::string, Fd>& parents,
                                  const Fd& incoming) {
  if (parents.empty()) return {};
  SyncGroup places(io);
  for (const auto& [path, directory] : parents) places.add(directory.get(), path);
  HOLDFAST_TRY(places.wait());
  return sync_directory(io, incoming.get(), kIncoming);
}

Result<StandardTree::Parents> StandardTree::rename_to_place(Io& io, const PartId& part,
                                                            const Place& place) {
  if (part.part != place.part)
    return Error{Code::kInvalid, "place part " + part.text() + ": the place is another part's"};
  const std::lock_guard lock(names_);
  HOLDFAST_ASSIGN(root, root_.checked(io));
  const std::string from = incoming_directory(part);
  const std::string to = place.directory();
  const SplitPath to_path = split_path(to);
  HOLDFAST_ASSIGN(incoming, find_description(io, root->get(), from));
  HOLDFAST_ASSIGN(placed, find_description(io, root->get(), to));
  if (placed && placed->part_id() != part) return occupied(place);
  if (placed && incoming) return occupied(place);  // recording.json is in both: not our doing
  if (!placed && !incoming)
    return Error{Code::kNotFound,
                 "place part " + part.text() + ": it is neither in .incoming nor in its place"};
  if (place.part > 1) {
    HOLDFAST_ASSIGN(first, find_description(io, root->get(), to_path.parent));
    if (first && first->recording != part.recording) return occupied(place);
  }

  // When the part lies there already, its directories' names may still not be durable: this
  // syncs them too.
  HOLDFAST_ASSIGN(to_parent, make_directories_beneath(io, root->get(), to_path.parent));
  HOLDFAST_ASSIGN(from_parent, open_directory_beneath(io, root->get(), kIncoming));
  Parents parents{std::move(from_parent), std::move(to_parent)};
  if (placed) {
    HOLDFAST_TRY(sync_directory(io, parents.to.get(), to_path.parent));
    HOLDFAST_TRY(remove_tree(io, root->get(), from));  // empty, after files joined later parts
    return parents;
  }
  const Status renamed =
      io.rename(parents.from.get(), part.text(), parents.to.get(), to_path.name, IfExists::kRefuse);
  if (!renamed.ok() && renamed.error().code == Code::kConflict) {
    // The call's directory is there with later parts in it: the files join them.
    HOLDFAST_ASSIGN(target, open_directory_beneath(io, root->get(), to));
    HOLDFAST_ASSIGN(source, open_directory_beneath(io, root->get(), from));
    HOLDFAST_TRY(
        move_part_files(io, source.get(), target.get(), *incoming, DescriptionGoes::kLast));
    HOLDFAST_TRY(remove_tree(io, root->get(), from));
  } else if (!renamed.ok()) {
    return renamed.error();
  }
  return parents;
}

Result<std::vector<PartId>> StandardTree::incoming_parts(Io& io, const SkipPart& skip) {
  HOLDFAST_ASSIGN(root, root_.checked(io));
  std::vector<PartId> parts;
  HOLDFAST_TRY(each_part_in(io, root->get(), kIncoming, [&](const PartId& part) -> Status {
    if (!skip || !skip(part)) parts.push_back(part);
    return {};
  }));
  return parts;
}

Result<IncomingEntry> StandardTree::incoming_entry(Io& io, const PartId& part) {
  HOLDFAST_ASSIGN(root, root_.current(io));
  return entry_of(io, root->get(), part);
}

Result<std::string> StandardTree::prove_incoming(Io& io, const RecordingDescription& description) {
  HOLDFAST_ASSIGN(root, root_.current(io));
  HOLDFAST_TRY(sync_entry(io, root->get(), description));
  HOLDFAST_ASSIGN(is_there, is_description_on_medium(io, root->get(), description.part_id()));
  if (!is_there) return std::string("recording.json is another one on the medium");
  for (const RecordedFile& file : description.files) {
    Result<UncachedDigest> read = Error{Code::kNotFound, ""};
    for (const std::string& directory :
         {incoming_directory(description.part_id()), description.place().directory()})
      if (!read.ok() && read.error().code == Code::kNotFound)
        read = digest_uncached(io, root->get(), directory + "/" + file.name, file.size);
    if (!read.ok() && read.error().code != Code::kCorrupt) return read.error();
    if (!read.ok()) return read.error().message;
    if (read->digest != file.sha256) return file.name + " has another digest";
  }
  return std::string();
}

Status StandardTree::discard_incoming(Io& io, const PartId& part) {
  HOLDFAST_ASSIGN(root, root_.checked(io));
  return remove_tree(io, root->get(), incoming_directory(part));
}

Result<Fd> StandardTree::open_for_read(Io& io, std::string_view directory, std::string_view file,
                                       Bytes size) {
  HOLDFAST_ASSIGN(root, root_.current(io));
  return holdfast::open_for_read(*root, directory, file, size);
}

Result<RecordingDescription> StandardTree::read_description(Io& io, std::string_view directory) {
  HOLDFAST_ASSIGN(root, root_.current(io));
  HOLDFAST_ASSIGN(found, find_description(io, root->get(), directory));
  if (!found)
    return Error{Code::kNotFound, "read recording.json: none in " + std::string(directory)};
  return *std::move(found);
}

Status StandardTree::each_placed(Io& io, const DescriptionSink& see) {
  return each_day(io, [&](const std::string& day) { return each_placed_on(io, day, see); });
}

namespace {

// Directories below `directory`, by name: not those of ours that begin with a dot.
Status each_directory(Io& io, int root_fd, const std::string& directory,
                      const std::function<Status(const std::string&)>& see) {
  HOLDFAST_ASSIGN(held, open_directory_beneath(io, root_fd, directory));
  return each_entry(io, held.get(), [&](const DirectoryEntry& entry) -> Result<bool> {
    if (entry.type == DT_DIR && !entry.name.starts_with('.'))
      HOLDFAST_TRY(see(directory + "/" + entry.name));
    return true;
  });
}

}  // namespace

Status StandardTree::each_day(Io& io,
                              const std::function<Status(const std::string& directory)>& see) {
  HOLDFAST_ASSIGN(root, root_.checked(io));
  const int root_fd = root->get();
  // Below standard/: workspace, year, month, day.
  constexpr int kDayLevel = 4;
  const std::function<Status(const std::string&, int)> walk = [&](const std::string& directory,
                                                                  int level) -> Status {
    if (level == kDayLevel) return see(directory);
    return each_directory(io, root_fd, directory,
                          [&](const std::string& below) { return walk(below, level + 1); });
  };
  return walk("standard", 0);
}

Status StandardTree::each_placed_on(Io& io, const std::string& day, const DescriptionSink& see) {
  HOLDFAST_ASSIGN(root, root_.current(io));
  const int root_fd = root->get();
  const auto tell = [&](const std::string& directory) -> Status {
    Result<std::optional<RecordingDescription>> found = find_description(io, root_fd, directory);
    if (!found.ok()) return see(directory, found.error());
    if (*found) return see(directory, **found);
    return {};
  };
  return each_directory(io, root_fd, day, [&](const std::string& call) -> Status {
    HOLDFAST_TRY(tell(call));
    return each_directory(io, root_fd, call, tell);  // +n
  });
}

Result<bool> StandardTree::is_whole(Io& io, std::string_view directory,
                                    const RecordingDescription& description) {
  HOLDFAST_ASSIGN(root, root_.current(io));
  return has_all_files(io, root->get(), directory, description);
}

Result<bool> StandardTree::has_whole(Io& io, const PartId& part, const Place& place) {
  const Result<RecordingDescription> description = read_description(io, place.directory());
  if (!description.ok() && description.error().code == Code::kNotFound) return false;
  if (!description.ok()) return description.error();
  if (description->part_id() != part) return false;
  return is_whole(io, place.directory(), *description);
}

Result<PartWriter> StandardTree::begin_staged(Io& io, const PartId& part) {
  return begin_in(io, kStaged, part, std::string(kTemporaryPrefix) + part.text());
}

std::vector<Status> StandardTree::publish_staged(Io& io, const std::vector<PartWriter*>& writers) {
  std::vector<Status> outcomes;
  std::deque<SyncGroup> syncs;  // a part's each; all have begun before the first is waited for
  for (PartWriter* writer : writers) {
    SyncGroup& own = syncs.emplace_back(io);
    outcomes.push_back(writer->state_->begin_syncs(own));
  }
  for (size_t i = 0; i < writers.size(); ++i)
    if (outcomes[i].ok()) outcomes[i] = writers[i]->state_->end_syncs(syncs[i]);
  const Status named = name_staged(io, writers, outcomes);
  for (Status& outcome : outcomes)
    if (outcome.ok()) outcome = named;
  return outcomes;
}

Status StandardTree::name_staged(Io& io, const std::vector<PartWriter*>& writers,
                                 std::vector<Status>& outcomes) {
  HOLDFAST_ASSIGN(root, root_.checked(io));
  HOLDFAST_ASSIGN(staged, open_directory_beneath(io, root->get(), kStaged));
  const auto rename_one = [&](const PartWriterState& state) -> Status {
    HOLDFAST_TRY(remove_tree(io, root->get(), staged_directory(state.part)));
    return io.rename(staged.get(), state.name, staged.get(), state.part.text(), IfExists::kRefuse);
  };
  for (size_t i = 0; i < writers.size(); ++i)
    if (outcomes[i].ok()) outcomes[i] = rename_one(*writers[i]->state_);
  return sync_directory(io, staged.get(), kStaged);
}

Status StandardTree::remove_staged(Io& io, const ReleasePermit& permit) {
  HOLDFAST_TRY(check_permit(permit));
  return discard_staged(io, PartId{permit.recording(), permit.part()});
}

Status StandardTree::discard_staged(Io& io, const PartId& part) {
  HOLDFAST_ASSIGN(root, root_.checked(io));
  return remove_tree(io, root->get(), staged_directory(part));
}

Result<std::vector<StagedEntry>> StandardTree::list_staged(Io& io) {
  HOLDFAST_ASSIGN(root, root_.checked(io));
  HOLDFAST_ASSIGN(staged, open_directory_beneath(io, root->get(), kStaged));
  std::vector<StagedEntry> entries;
  std::vector<std::string> unfinished;
  HOLDFAST_TRY(each_entry(io, staged.get(), [&](const DirectoryEntry& entry) -> Result<bool> {
    if (is_temporary_name(entry.name)) unfinished.push_back(entry.name);
    const Result<PartId> part = PartId::from_text(entry.name);
    if (entry.type != DT_DIR || !part.ok()) return true;
    StagedEntry found{*part, Bytes(0)};
    HOLDFAST_ASSIGN(directory, open_directory_beneath(io, staged.get(), entry.name));
    HOLDFAST_TRY(each_entry(io, directory.get(), [&](const DirectoryEntry& file) -> Result<bool> {
      HOLDFAST_ASSIGN(fd, io.open(directory.get(), file.name, O_RDONLY | O_NONBLOCK));
      HOLDFAST_ASSIGN(status, status_of(fd.get(), file.name));
      found.bytes += Bytes(status.st_size);
      return true;
    }));
    entries.push_back(found);
    return true;
  }));
  for (const std::string& name : unfinished) HOLDFAST_TRY(remove_tree(io, staged.get(), name));
  return entries;
}

Result<FreeSpace> StandardTree::free_space(Io& io) { return root_.free_space(io); }

}  // namespace holdfast
