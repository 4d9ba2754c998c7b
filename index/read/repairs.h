// Queues of scrub, repair and compaction. Each costs what is due, not what exists.
#pragma once

#include "index/read/database.h"
#include "index/read/records.h"

namespace holdfast {

// A bad copy that waits for its repair: a part's, or a whole pack's.
struct QuarantineRow {
  int64_t quarantine_no = 0;
  std::optional<RecordingNo> recording_no;  // none: the pack as a whole
  int part = 1;
  std::optional<PackId> pack;  // none: a part's copy
  MediumId medium;
  Tier tier = Tier::kStandard;
  std::string reason;
  UnixMillis at;
  int attempts = 0;
  UnixMillis not_before;
  std::string error;  // of the last try to repair it
};
// Those whose next try has come, longest due first.
Result<std::vector<QuarantineRow>> due_repairs(Database& index, UnixMillis now, int limit);
// All that are open, oldest first, after `after` (quarantine_no).
Result<std::vector<QuarantineRow>> open_quarantines(Database& index, int64_t after, int limit);

// Of those, how many a repair was tried of, and did not help.
Result<int64_t> count_unrepaired(Database& index);

// A part's plain copy that nobody has re-read since `before`; longest first. Placed parts alone.
struct PlainCopyKey {
  RecordingNo recording_no;
  int part = 1;
};
Result<std::vector<PlainCopyKey>> plain_copies_to_scrub(Database& index, const MediumId& medium,
                                                        UnixMillis before, int limit);

// When the copy on the medium was written or re-read whose turn is the longest ago; nothing when
// nothing good lies there. Plain files and packs.
Result<std::optional<UnixMillis>> oldest_unverified(Database& index, const MediumId& medium);

// Copies on the medium that nobody has re-read since `before`, plain files and packs; counted up to
// `most`.
Result<int64_t> count_to_scrub(Database& index, const MediumId& medium, UnixMillis before,
                               int64_t most);

// Where the pack lies on the medium, and how well.
Result<std::optional<PackCopyRow>> find_pack_copy(Database& index, const PackId& pack,
                                                  const MediumId& medium);
// Pack copies on the medium that can be read, after `after`, by the pack's number.
struct NumberedPack {
  int64_t pack_no = 0;
  PackId pack;
};
Result<std::vector<NumberedPack>> packs_on(Database& index, const MediumId& medium, int64_t after,
                                           int limit);
// The same for plain copies, by recording.
Result<std::vector<PlainCopyKey>> plain_copies_on(Database& index, const MediumId& medium,
                                                  PlainCopyKey after, int limit);

// Packs of which so much is dead, or whose first member has waited so long, and that nobody
// rewrites yet.
struct CompactionDue {
  int64_t dead_permille = 0;  // more than this, or …
  Millis dead_for{0};         // … dead for so long, by the compliance clock
  std::vector<Tier> stopped;  // a pack that is good there alone waits unbegun
};
Result<std::vector<PackId>> packs_to_compact(Database& index, const CompactionDue& due, int limit);

// A rewrite under way.
struct RewriteRow {
  PackId pack;      // the old one
  PackId new_pack;  // the one that takes its place
  UnixMillis begun_at;
  bool is_written = false;  // the new one may lie on a medium
  int attempts = 0;
  UnixMillis not_before;
  std::string error;
};
// Those whose last step went well, and those whose did not and whose next try has come.
Result<std::vector<RewriteRow>> rewrites_under_way(Database& index, UnixMillis now, int limit);
Result<std::vector<RewriteRow>> rewrites_set_back(Database& index, UnixMillis now, int limit);
Result<std::optional<RewriteRow>> find_rewrite(Database& index, const PackId& pack);

// Sealed packs with a verified copy on `warm` that have none on the mirror yet.
Result<std::vector<PackId>> packs_to_mirror(Database& index, const MediumId& warm, int64_t after,
                                            int limit);

}  // namespace holdfast
