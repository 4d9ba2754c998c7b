// A member of a pack, out of the pack's recalled bytes, as a part of another pack: each file proven
// by its own digest (P5).
#pragma once

#include <vector>

#include "daemon/work/archive.h"
#include "daemon/work/pack_recall.h"
#include "tiers/pack/plan.h"

namespace holdfast {

// From the first of `copies` that gives it: they are the same pack's, and where all of them are
// damaged each file may come from another. What the plan opens later is extracted again, and
// compared again. `archive` and `copies` outlive the plan; thread rule of the plan: any thread.
// kCorrupt when a file, or recording.json, is whole in none of them.
Result<pack::PlannedPart> recalled_member(Io& io, const Archive& archive,
                                          const std::vector<RecalledPack>& copies,
                                          const PackMemberRow& member);

// The same where the pack's digest was right as a whole: what is in it is proven when it is opened.
Result<pack::PlannedPart> recalled_member(Io& io, const Archive& archive, const RecalledPack& whole,
                                          const PackMemberRow& member);

}  // namespace holdfast
