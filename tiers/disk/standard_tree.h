// The standard tier: plain files with their original bytes, as separate
// idempotent steps that are called around the index's commits.
//
// Ingest:
//   begin → files → finish (durable in .incoming) → [commit: acknowledged] →
//   place (rename, parents synced) → [commit: placed]
// Removal:
//   [commit: releasing or destroying] → move_to_trash → empty_trash_entry → [commit: gone]
//   A .trash entry without such a commit is put back (restore_from_trash).
// Staged copies:
//   begin_staged → files → publish_staged (complete and durable, or not there) → remove_staged
// Repair:
//   begin_repair → files → finish (durable in .repair) → re-read → [guard's permit] → replace
//   What is in .repair counts for nobody: a start removes it, and the repair begins anew.
//
// Invariants:
// - Every step may be repeated after a crash at any instant and gives the same end.
// - recording.json enters a directory last and leaves it first: a directory
//   below standard/ that has one is complete, and a .trash entry always knows its place.
// - Nothing is removed from a place, or from the trash, without a ReleasePermit.
// - The label is checked before each placement and each removal.
//
// Thread rule: every method may be called from any thread; steps of the same part
// must not run at the same time, but for its placing, which several may ask for. Paths are relative
// to the medium's root (read/place.h).
#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/permit.h"
#include "base/result.h"
#include "io/io.h"
#include "tiers/disk/part_writer.h"
#include "tiers/disk/recording_json.h"
#include "tiers/label.h"
#include "tiers/read/place.h"

namespace holdfast {

struct IncomingEntry {
  PartId part;
  // Set when the entry looks complete: recording.json is there, and every file it names has its
  // size, here or (when it was on its way there) at the part's place. Absent when the ingest never
  // finished: nobody was promised anything.
  std::optional<RecordingDescription> description;
  // What is wrong with one that has a recording.json and is not complete; empty: nothing. There is
  // no description then.
  std::string damage;
};

struct TrashEntry {
  PartId part;
  std::optional<RecordingDescription> description;  // absent when it was emptied half-way
  // Why its recording.json could not be read; there is no description then.
  std::optional<Error> unreadable;
};

struct StagedEntry {
  PartId part;
  Bytes bytes;  // of its files
};

struct PartPlace {
  PartId part;
  Place place;
};

class StandardTree {
 public:
  // `root` outlives this.
  explicit StandardTree(MediumRoot& root) : root_(root) {}

  // Makes standard/, .incoming, .trash and staged, durably. At start, after the label's check.
  Status prepare(Io& io);

  const MediumRoot& root() const { return root_; }

  // --- Ingest
  // What an earlier attempt of the same part left in .incoming is removed first.
  Result<PartWriter> begin(Io& io, const PartId& part);
  // Renames a finished part to its place. Idempotent: kNotFound only when it is
  // neither in .incoming nor in its place; kConflict when another part lies there.
  Status place(Io& io, const PartId& part, const Place& place);
  // The same of several, which share the syncs. An outcome for each, in their order; a sync that
  // fails is that of all.
  std::vector<Status> place_all(Io& io, const std::vector<PartPlace>& parts);
  // What lies in .incoming, but for the parts that `skip` names (somebody is writing them: they
  // are not looked at). Entries with foreign names are not told.
  using SkipPart = std::function<bool(const PartId&)>;
  Result<std::vector<PartId>> incoming_parts(Io& io, const SkipPart& skip = nullptr);
  // One of them, as it is now.
  Result<IncomingEntry> incoming_entry(Io& io, const PartId& part);
  // Whether a complete entry that nobody acknowledged is durable and has its digests: all of it is
  // synced, and read past the page cache. What is wrong with it; empty: nothing.
  Result<std::string> prove_incoming(Io& io, const RecordingDescription& description);
  // Removes an entry that never finished, or whose ingest was refused. The caller
  // knows that it was never acknowledged.
  Status discard_incoming(Io& io, const PartId& part);

  // --- Reading
  // `directory` as kept in the index: Place::directory, incoming_directory or staged_directory.
  Result<Fd> open_for_read(Io& io, std::string_view directory, std::string_view file, Bytes size);
  // recording.json of a part in such a directory.
  Result<RecordingDescription> read_description(Io& io, std::string_view directory);
  // Every recording.json below standard/ (not .incoming, not .trash), for a rebuild.
  // An unreadable one is given as an error, and the walk goes on while `see` returns ok.
  using DescriptionSink =
      std::function<Status(std::string_view directory, const Result<RecordingDescription>&)>;
  Status each_placed(Io& io, const DescriptionSink& see);
  // The same in two steps, so that a walk can be taken up again: the directories of days
  // ("standard/<workspace>/<yyyy>/<mm>/<dd>"), and what lies below one of them.
  Status each_day(Io& io, const std::function<Status(const std::string& directory)>& see);
  Status each_placed_on(Io& io, const std::string& day, const DescriptionSink& see);
  // Whether every file of the part is in `directory` with its size.
  Result<bool> is_whole(Io& io, std::string_view directory,
                        const RecordingDescription& description);
  // The same of its place, with the recording.json that lies there. False when there is none.
  Result<bool> has_whole(Io& io, const PartId& part, const Place& place);

  // --- Removal. kInvalid when the permit speaks of another part or medium.
  // No error when the part is in the trash, or gone, already.
  Status move_to_trash(Io& io, const Place& place, const ReleasePermit& permit);
  Status empty_trash_entry(Io& io, const ReleasePermit& permit);
  // Puts an entry back: no decision speaks of it.
  Status restore_from_trash(Io& io, const PartId& part, const Place& place);
  // One entry that cannot be read keeps none of the others back.
  Result<std::vector<TrashEntry>> list_trash(Io& io);
  // One of them, as it is now; nothing when there is none.
  Result<std::optional<TrashEntry>> trash_entry(Io& io, const PartId& part);

  // --- Staged copies
  Result<PartWriter> begin_staged(Io& io, const PartId& part);
  // Syncs what the writers wrote and renames it: each staged copy is whole and durable, or not
  // there, and several share the waiting. An outcome for each, in their order. A staged copy of the
  // same part is replaced. kConflict: a file of it was begun and not finished. After an error it
  // may stand there all the same, perhaps not durable: the caller discards it (discard_staged).
  std::vector<Status> publish_staged(Io& io, const std::vector<PartWriter*>& writers);
  // Evicts. kInvalid when the permit speaks of another medium. No error when it is gone.
  Status remove_staged(Io& io, const ReleasePermit& permit);
  // Removes a staged copy of which no row speaks: a crash came between the rename and its
  // commit, so nobody was ever told of it.
  Status discard_staged(Io& io, const PartId& part);
  // Finished staged copies, for start-up; unfinished ones are removed on the way.
  Result<std::vector<StagedEntry>> list_staged(Io& io);

  // --- Repair (standard_repair.cc)
  Result<PartWriter> begin_repair(Io& io, const PartId& part);
  // The finished part in .repair, which the caller has re-read, takes the bad copy's place, file by
  // file. After an error the repair begins anew. kConflict when another part lies there, or none in
  // .repair; kInvalid when the permit speaks of another part or medium.
  Status replace(Io& io, const PartId& part, const Place& place, const CopyRepairPermit& permit);
  Status discard_repair(Io& io, const PartId& part);
  // All that repairs left: once, at start.
  Status discard_repairs(Io& io);

  // statvfs(3) of the medium.
  Result<FreeSpace> free_space(Io& io);

 private:
  Result<PartWriter> begin_in(Io& io, const std::string& parent, const PartId& part,
                              const std::string& name);
  // The directories that held a part's name, and hold it now.
  struct Parents {
    Fd from;
    Fd to;
  };
  Result<Parents> rename_to_place(Io& io, const PartId& part, const Place& place);
  Status sync_parents(Io& io, const std::map<std::string, Fd>& parents, const Fd& incoming);
  // Those that are durable get their names; what comes of it goes into `outcomes`.
  Status name_staged(Io& io, const std::vector<PartWriter*>& writers,
                     std::vector<Status>& outcomes);
  Status check_permit(const ReleasePermit& permit) const;

  MediumRoot& root_;
  // Making a place's directories must not meet the removal of the same ones when empty.
  std::mutex names_;
};

}  // namespace holdfast
