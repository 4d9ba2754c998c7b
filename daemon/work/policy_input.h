// Rows of the index as the policy wants them. The mover and `holdfast plan` both
// ask plan_steps() with what this gathers, so a dry run is the real one.
#pragma once

#include "daemon/work/archive.h"
#include "tiers/policy.h"

namespace holdfast {

struct DueRows {
  PolicyInput input;
  // Due ones, also those that give the policy nothing to do.
  std::vector<RecordingRow> recordings;
  std::vector<PackRow> packs;
};

// What is due at `until`, at most limits::kPolicyScanRows recordings and as many packs; when the
// standard tier is over its high watermark, as many again of those that are due next. Reads only.
// Costs what is due, not what exists.
Result<DueRows> gather_due_rows(Io& io, const Archive& archive, Database& index, UnixMillis until);

}  // namespace holdfast
