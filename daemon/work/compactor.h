// Compaction: a pack with destroyed members is written anew without them, and goes.
//
//   due (policy.compact_below, policy.erase_within) ──▶ a row of `rewrite`
//     for the first medium: the pack is recalled, its living members decoded, encoded into the new
//       pack, which is written, re-read, and takes the old one's place (pack.rewritten); the old
//       one is released there and removed
//     for every other medium: the new pack's bytes are copied, re-read, and so on
//     where no copy of it is good: what is whole of it is salvaged (compactor_salvage.cc)
//   the old pack lies nowhere any more ──▶ the row goes, and the destroyed members are `destroyed`
//   a step that does not go well ──▶ the row is set back: it is tried again, and holds up no other
//
// Invariants
// - A living member's copy is in the old pack or, re-read, in the new one, on each medium and at
//   each instant; which of them is one transaction (P2).
// - The new pack has the members' bytes as ingest acknowledged them: each file is decoded and
//   compared with its SHA-256, and again when it is encoded (P5).
// - The row is the state: every step is idempotent, and a restart runs the same ones (P7).
// - A pack with no living member is only released.
// - A medium that is away is waited for, while the others are rewritten; what one that was declared
//   lost had is given up, but for the last copy that is known of a living member.
// - A new pack of which no copy is good any more takes nobody's place any more: who still lives in
//   the old one is written into another.
// - A stop, or a pause of a tier that is read or written, ends what is under way at its next piece:
//   it has not failed, and its row stays ready.
#pragma once

#include <atomic>
#include <map>
#include <set>

#include "daemon/work/archive.h"
#include "daemon/work/pack_recall.h"
#include "daemon/work/remover.h"
#include "index/commands/repairs.h"
#include "index/read/repairs.h"
#include "tiers/pack/writer.h"

namespace holdfast {

class Compactor {
 public:
  explicit Compactor(const Archive& archive) : archive_(archive), remover_(archive) {}

  // One step of every rewriting that may go on, then those that are due are begun. True when
  // something was done and more may be due. Thread rule: one thread.
  Result<bool> run_once(Io& io);
  void run(Io& io);
  void request_stop() { stop_ = true; }

 private:
  using MemberPart = std::pair<RecordingNo, int>;
  struct Standing {
    PackRow old;
    std::vector<PackCopyRow> old_copies;
    std::vector<PackCopyRow> new_copies;
    std::optional<PackRow> fresh;
    bool is_moving = false;
    std::vector<PackMemberRow> living;
    std::vector<RecordingNo> dead;
    std::map<MediumId, std::set<MemberPart>> lives_on;  // the living that the old pack has there
    std::set<MemberPart> rewritten;                     // who is in the new one
    Status going;  // what kept a released copy from its removal
  };
  Result<bool> ask_set_back(Io& io, int& room, bool& is_left);
  Result<bool> begin_due(int limit);
  Result<bool> try_advance(Io& io, const RewriteRow& row);
  Status advance(Io& io, const RewriteRow& row);
  Status give_up_lost(Io& io, const PackId& pack);
  Result<std::optional<Standing>> look(const RewriteRow& row);
  static Status look_at_members(Database& index, const RewriteRow& row, Standing& standing);
  static bool must_begin_anew(const Standing& standing);
  std::vector<const PackCopyRow*> places(const Standing& standing, Status& waits) const;
  Status write_where_it_can(Io& io, const RewriteRow& row, const Standing& standing);
  Status remove_going(Io& io, Standing& standing);
  Status release_dead(Io& io, const RewriteRow& row, const Standing& standing);
  Status release_dead_from(Io& io, const RewriteRow& row, const Standing& standing,
                           const MediumId& medium);
  Status remove_strays(Io& io, const RewriteRow& row, const MediumId& medium);
  Status write_first(Io& io, const RewriteRow& row, const Standing& standing,
                     const PackCopyRow& place);
  Result<pack::BuiltPack> build_living(Io& io, const RewriteRow& row, const Standing& standing,
                                       Tier tier);
  Status copy_on(Io& io, const Standing& standing, const PackCopyRow& place);
  Result<pack::BuiltPack> build(Io& io, const RewriteRow& row, const Standing& standing,
                                std::vector<pack::PlannedPart> parts, Tier tier);
  Status write_built(Io& io, const RewriteRow& row, const Standing& standing,
                     const PackCopyRow& place, const pack::BuiltPack& built);
  static RewrittenPack rewritten_pack(SealedPack sealed, const Standing& standing);
  Status take_place(Io& io, const PackCopyRow& place, RewrittenPack rewritten,
                    const PackSource& source, const std::function<Digest()>& digest, bool is_known);
  Status refuse_if_changed(const PackId& fresh, bool is_known);
  Status finish(Io& io, const RewriteRow& row);

  // --- no copy is good (compactor_salvage.cc)
  static bool has_good_copy(const std::vector<PackCopyRow>& copies);
  static bool is_over(const Standing& standing);
  static bool has_any_for(const Standing& standing, const MediumId& medium);
  Status salvage(Io& io, const RewriteRow& row, const Standing& standing);
  Result<std::vector<RecalledPack>> recall_all_remains(Io& io, const Standing& standing);
  Result<pack::PlannedPart> whole_part(Io& io, const std::vector<RecalledPack>& remains,
                                       const PackMemberRow& member);
  Result<bool> write_whole(Io& io, const RewriteRow& row, const Standing& standing,
                           const PackCopyRow& place);
  Status leave_the_rest(Io& io, const RewriteRow& row, const Standing& standing);

  Archive archive_;
  Remover remover_;
  bool interrupted_ = false;    // the step under way was, and has not failed
  bool left_the_rest_ = false;  // it ended its rewriting, and somebody stays in the old pack
  std::map<PackId, std::set<RecordingNo>> dead_;  // of packs that are nearly gone
  std::atomic<bool> stop_{false};
};

}  // namespace holdfast
