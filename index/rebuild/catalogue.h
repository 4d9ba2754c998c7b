// What the media show, noted while a rebuild walks them: one database beside the
// new index, thrown away when that is in its place.
//
// A unit of a walk (a day of the standard tier, a pack) is noted in one
// transaction together with the mark that it was walked, so a rebuild that was
// killed goes on with the next one.
//
// Thread rule: as Database.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "index/database.h"
#include "index/decisions.h"

namespace holdfast {

// A medium that is there: its label was read.
struct ShownMedium {
  MediumId medium;
  Tier tier = Tier::kStandard;
  std::string kind;
  std::string name;
  std::string place;  // the path where it was found
};

// Where the plain files of a part lie on the standard medium.
enum class PlainWhere : int8_t { kPlaced = 0, kIncoming = 1, kTrash = 2 };

struct ShownPlain {
  RecordingId recording;
  int part = 1;
  MediumId medium;
  PlainWhere where = PlainWhere::kPlaced;
  std::string damage;  // empty: every file is there with its size
};

// What media say of a part.
struct ShownPart {
  std::string description;              // recording.json
  std::optional<std::string> metadata;  // the bytes of metadata.json; nothing when it has none
};

struct KeyOfPart {
  RecordingId recording;
  int part = 1;
};

// Something that has no place in the new index, or has lost its own: a line of the report.
struct Finding {
  std::string kind;    // docs/rebuild.md lists them
  std::string object;  // a recording and part, a pack, a medium
  std::string place;   // where it lies; may be empty
  std::string detail;  // a sentence
};

class Catalogue {
 public:
  static Result<Catalogue> open(const std::string& path);

  Result<Transaction> begin() { return Transaction::begin(database_); }
  Database& database() { return database_; }
  // From now on `idx` is the index at `path`, for the questions below.
  Status attach_index(const std::string& path);

  // --- Notes. Each may be repeated.
  Status note(const ShownMedium& medium);
  Status note(const ShownPlain& plain);
  // `from_pack`: checked by the pack's own digests, so it wins over what lies beside plain files.
  Status note(const KeyOfPart& key, const ShownPart& part, bool from_pack);
  Status note(const SealedPack& pack);  // its members and its place
  Status note(const Finding& finding);
  Status mark_walked(const MediumId& medium, const std::string& unit);
  Result<bool> is_walked(const MediumId& medium, const std::string& unit);

  // --- What was found
  Result<std::vector<ShownMedium>> media();
  Result<std::optional<ShownPart>> find_part(const RecordingId& recording, int part);
  Result<bool> shows(const RecordingId& recording, int part);
  // With the place that it has on `medium`, or any when it is not there. No digest.
  Result<std::optional<SealedPack>> find_pack(const PackId& pack, const MediumId& medium);
  struct Counts {
    int64_t parts = 0;
    int64_t packs = 0;
    int64_t findings = 0;
  };
  Result<Counts> counts();
  Status each_finding(const std::function<Status(const Finding&)>& see);

  // --- Held against the index
  // Parts that no line of the ledger speaks of, and that were not destroyed; those of `.incoming`
  // are start-up's to judge.
  Result<std::vector<KeyOfPart>> unknown_parts(const KeyOfPart& after, size_t limit);
  // Whether plain files of the part stand in their place on the medium, whole.
  Result<bool> stands_plain(const KeyOfPart& key, const MediumId& medium);
  // Packs that no line speaks of; with `needed` those alone of which a living member has no other
  // copy that counts.
  Result<std::vector<PackId>> unknown_packs(const PackId& after, bool needed, size_t limit);
  // Media on which the pack lies.
  Result<std::vector<std::pair<MediumId, std::string>>> places_of(const PackId& pack);
  // Copies that the index counts on media that do not show them.
  struct MissingPlain {
    RecordingNo recording_no;
    RecordingId recording;
    int part = 1;
    MediumId medium;
    std::string damage;
  };
  Result<std::vector<MissingPlain>> missing_plain(RecordingNo after, size_t limit);
  struct MissingPack {
    PackId pack;
    MediumId medium;
  };
  Result<std::vector<MissingPack>> missing_packs(size_t limit);
  // Unlocated recordings whose destruction had begun, of which no medium shows anything; none while
  // a medium that may have them is away, or something on one cannot be told whose it is.
  Result<std::vector<RecordingNo>> unseen_destructions(RecordingNo after, size_t limit);
  // Adds the findings that the rows themselves tell: what is unlocated, what lies on media without
  // a row. Once, after everything else.
  Status note_leftovers();
  // Calls whose tombstone or former address has to be made anew under a new key.
  struct MarkedCall {
    RecordingId recording;
    WorkspaceId workspace;
    std::string call_sid;
    UnixMillis at;
    bool destroyed = false;  // false: a former address
  };
  // Destroyed recordings, by tombstones as the ledger has them.
  Result<int64_t> count_tombstones();
  Status each_marked_call(const std::function<Status(const MarkedCall&)>& see);

  // --- Where the rebuild is
  Status set_progress(std::string_view name, std::string_view value);
  Result<std::optional<std::string>> progress(std::string_view name);

 private:
  explicit Catalogue(Database database) : database_(std::move(database)) {}
  Database database_;
};

}  // namespace holdfast
